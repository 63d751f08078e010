//! Whether any key is given more than its limit, while many ask for it at once.

use std::sync::Arc;
use std::time::Duration;

use ratekeeper_core::Limit;
use ratekeeper_policy::parse_limit;
use serde::Serialize;

use super::steady::window;
use crate::envelope;
use crate::error::LoadError;
use crate::ledger::{Given, Ledger, MOST_KEYS};
use crate::options::Load;
use crate::report::PhaseReport;
use crate::run::Run;

/// The keys that were given too much, of which each is told.
const TOLD: usize = 10;

/// What keys were given, and what they may be.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ExactReport {
    /// The limits of each key, and who says so: `server` or `options`.
    pub(crate) limits: Vec<String>,
    pub(crate) limits_of: &'static str,
    pub(crate) keys: Keys,
    pub(crate) units: Units,
    /// Requests without an answer: they may have been admitted, unseen.
    pub(crate) unanswered: u64,
    /// Those that were given most too much.
    pub(crate) worst: Vec<TooMuch>,
    pub(crate) load: Option<PhaseReport>,
}

/// Numbers of keys.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Keys {
    pub(crate) asked: u64,
    /// Asked for beyond their limit: of the others nothing is proven.
    pub(crate) refused: u64,
    pub(crate) over_admitted: u64,
}

/// Units of cost, of all keys together.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Units {
    pub(crate) admitted: u64,
    /// The most that the algorithm may admit in the time in which they were admitted.
    pub(crate) most: u64,
    pub(crate) over: u64,
    /// What unused counters would have admitted at least, and were not seen to.
    pub(crate) under: u64,
}

/// A key that was given too much.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TooMuch {
    pub(crate) admitted: u64,
    pub(crate) most: u64,
    pub(crate) within_us: u64,
}

impl ExactReport {
    pub(crate) fn is_exact(&self) -> bool {
        self.keys.over_admitted == 0
    }
}

/// Asks for few keys from many connections.
pub(crate) async fn exact(run: &Run, load: Load, lasts: Duration) -> Result<ExactReport, LoadError> {
    if run.draw.keys() > MOST_KEYS {
        return Err(LoadError::option(format!("--keys: a book is kept of each; {MOST_KEYS} are the most")));
    }
    let (limits, limits_of) = limits(run)?;
    let ledger = Arc::new(Ledger::new(run.draw.keys()));
    let clients = run.connected(run.options.connections).await?;
    let mut phase = run.phase(load, lasts, window(lasts));
    phase.ledger = Some(Arc::clone(&ledger));
    let (measured, _) = phase.start(clients, &run.stop)?.finish().await?;
    let mut report = judged(&limits, ledger.given(), *run.options.cost.end());
    report.limits = limits.iter().map(ToString::to_string).collect();
    report.limits_of = limits_of;
    report.load = Some(PhaseReport::new(measured));
    Ok(report)
}

/// The limits that each key has.
fn limits(run: &Run) -> Result<(Vec<Limit>, &'static str), LoadError> {
    let (limits, limits_of) = match &run.options.limit {
        Some(limit) => (vec![limit.clone()], "options"),
        None if !run.first.tells_limits => {
            return Err(LoadError::option(
                "this protocol does not tell the limit: --limit '1000 per minute' does",
            ));
        }
        None => {
            let read = |text: &String| {
                parse_limit(text)
                    .map_err(|error| LoadError::option(format!("{text:?}: {error}; give --limit")))
            };
            (run.first.limits.iter().map(read).collect::<Result<_, _>>()?, "server")
        }
    };
    if limits.is_empty() {
        return Err(LoadError::option(
            "no enforced limit applies to these requests: there is nothing to prove; --attributes says what is asked",
        ));
    }
    if limits.iter().any(|limit| envelope::most(limit, Duration::ZERO).is_none()) {
        return Err(LoadError::option(
            "a limit of slots applies to these requests: how many are held at once is not what this test counts",
        ));
    }
    Ok((limits, limits_of))
}

/// Holds what each key was given against all of its limits.
fn judged(limits: &[Limit], given: impl Iterator<Item = Given>, dearest: u64) -> ExactReport {
    let mut report = ExactReport::default();
    for given in given {
        let most = limits
            .iter()
            .filter_map(|limit| envelope::most(limit, given.within))
            .min()
            .unwrap_or_default();
        let over = given.admitted.saturating_sub(most);
        report.keys.asked += 1;
        report.keys.over_admitted += u64::from(over > 0);
        report.units.admitted += given.admitted;
        report.units.most += most;
        report.units.over += over;
        report.unanswered += given.unanswered;
        if given.denied > 0 {
            report.keys.refused += 1;
            let least = limits.iter().map(|limit| envelope::least(limit, given.asked_for)).min();
            // Less than the dearest request may be left.
            let least = least.unwrap_or_default().saturating_sub(dearest - 1);
            report.units.under += least.saturating_sub(given.admitted);
        }
        if over > 0 {
            let within_us = u64::try_from(given.within.as_micros()).unwrap_or(u64::MAX);
            report.worst.push(TooMuch { admitted: given.admitted, most, within_us });
            report.worst.sort_by_key(|key| std::cmp::Reverse(key.admitted - key.most));
            report.worst.truncate(TOLD);
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use ratekeeper_core::Micros;

    use super::*;

    fn given(admitted: u64, denied: u64, seconds: u64) -> Given {
        let span = Duration::from_secs(seconds);
        Given { admitted, denied, unanswered: 0, within: span, asked_for: span }
    }

    fn judge(all: &[Given]) -> ExactReport {
        let loose = Limit::token_bucket(100, Micros::SECOND).unwrap();
        let tight = Limit::token_bucket(60, Micros::MINUTE).unwrap().with_burst(10).unwrap();
        judged(&[loose, tight], all.iter().copied(), 1)
    }

    #[test]
    fn one_unit_too_many_is_seen() {
        // 10 at once, and one a second.
        let report = judge(&[given(40, 9, 30)]);
        assert!(report.is_exact());
        assert_eq!(report.units, Units { admitted: 40, most: 40, over: 0, under: 0 });
        let report = judge(&[given(41, 9, 30), given(5, 0, 30)]);
        assert!(!report.is_exact());
        assert_eq!(report.keys, Keys { asked: 2, refused: 1, over_admitted: 1 });
        assert_eq!(report.worst, [TooMuch { admitted: 41, most: 40, within_us: 30_000_000 }]);
    }

    #[test]
    fn too_little_is_told_of_keys_that_were_refused_only() {
        let report = judge(&[given(30, 9, 30), given(3, 0, 30)]);
        assert!(report.is_exact());
        // 39, since the clock of the server may be a little slower.
        assert_eq!(report.units.under, 9);
    }

    #[test]
    fn limits_are_read_as_the_server_writes_them() {
        for limit in [
            Limit::token_bucket(5, Micros::MINUTE).unwrap().with_burst(20).unwrap(),
            Limit::sliding_log(5, Micros::from_secs(90)).unwrap(),
            Limit::leaky_queue(5, Micros::SECOND, Micros::from_secs(3)).unwrap(),
            Limit::concurrency(5, Micros::SECOND).unwrap(),
        ] {
            assert_eq!(parse_limit(&limit.to_string()).unwrap(), limit);
        }
        assert!(parse_limit("100 per day (calendar, Europe/Paris)").is_ok());
    }
}
