//! Rounds: subjects take turns, each round beginning with another one, so that whatever else the machine does hits all alike.

use crate::table::{Exact, Row};
use crate::work::Ran;

/// A subject of a table.
pub struct Contender<'c> {
    pub name: String,
    /// One round.
    pub round: Box<dyn FnMut() -> Ran + 'c>,
    /// The most that may be admitted in a round of so many seconds; what admits more fails the whole run, if it is ours.
    most: Option<Box<dyn Fn(f64) -> u64 + 'c>>,
}

impl<'c> Contender<'c> {
    pub fn new(name: impl Into<String>, round: impl FnMut() -> Ran + 'c) -> Self {
        Self { name: name.into(), round: Box::new(round), most: None }
    }

    pub fn at_most(mut self, most: impl Fn(f64) -> u64 + 'c) -> Self {
        self.most = Some(Box::new(most));
        self
    }
}

/// Runs all `count` times after one round that does not count. Ratios are to the contender called `base`, in the same round.
///
/// # Panics
/// If a subject of ours admits more than it may.
pub fn run(mut contenders: Vec<Contender<'_>>, count: usize, base: &str) -> Vec<Row> {
    let mut rounds: Vec<Vec<Ran>> = contenders.iter().map(|_| Vec::new()).collect();
    for number in 0..=count {
        for turn in 0..contenders.len() {
            let index = (number + turn) % contenders.len();
            let ran = (contenders[index].round)();
            if number > 0 {
                rounds[index].push(ran);
            }
        }
    }
    let nanos: Vec<Vec<f64>> =
        rounds.iter().map(|rounds| rounds.iter().map(|ran| ran.nanos).collect()).collect();
    let base = contenders.iter().position(|contender| contender.name == base);
    contenders
        .iter()
        .enumerate()
        .map(|(index, contender)| {
            let exact = contender.most.as_ref().map(|most| exact(&contender.name, &rounds[index], most));
            let ratios = base.map(|base| nanos[index].iter().zip(&nanos[base]).map(|(own, base)| own / base));
            Row::of(&contender.name, &nanos[index], ratios.map(Iterator::collect), exact)
        })
        .collect()
}

/// The round that came closest to the most that it may admit, or went beyond.
fn exact(name: &str, rounds: &[Ran], most: &dyn Fn(f64) -> u64) -> Exact {
    let all = rounds.iter().map(|ran| Exact { admitted: ran.admitted, most: most(ran.seconds) });
    let share = |exact: &Exact| exact.admitted as f64 / exact.most as f64;
    let closest = all.max_by(|one, other| share(one).total_cmp(&share(other)));
    let closest = closest.unwrap_or(Exact { admitted: 0, most: 0 });
    assert!(
        closest.admitted <= closest.most || !name.starts_with("ratekeeper"),
        "{name} admitted {}",
        closest.text()
    );
    closest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(nanos: f64, admitted: u64) -> impl FnMut() -> Ran {
        move || Ran { nanos, admitted, seconds: 1.0 }
    }

    #[test]
    fn ratios_are_to_the_base_of_the_same_round() {
        let mut drift = 1.0;
        let slower = move || {
            drift += 1.0;
            Ran { nanos: drift, ..Ran::default() }
        };
        let rows = run(vec![Contender::new("a", steady(2.0, 0)), Contender::new("b", slower)], 3, "a");
        assert_eq!(rows[0].ratio.as_ref().unwrap().median, 1.0);
        let value = rows[1].value;
        assert_eq!((value.low, value.median, value.high), (4.0, 4.0, 5.0));
        assert_eq!(rows[1].ratio.as_ref().unwrap().median, 2.0);
    }

    #[test]
    #[should_panic = "ratekeeper admitted 11 / 10"]
    fn ours_must_not_admit_more_than_it_may() {
        run(vec![Contender::new("ratekeeper", steady(1.0, 11)).at_most(|_| 10)], 1, "");
    }
}
