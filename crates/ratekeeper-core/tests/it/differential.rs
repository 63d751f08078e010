//! `step` answers like the reference model, to the microsecond, whatever is asked when.

use proptest::prelude::*;
use ratekeeper_core::model::Model;
use ratekeeper_core::{Algorithm, Ask, Limit, MAX_EXACT, Op, State, Stored, Timestamp, Verdict, alone, step};

use crate::any::{self, Action, Course};

/// Both sides of the comparison.
#[derive(Clone, Debug)]
pub(crate) struct Twin {
    limit: Limit,
    stored: Option<Stored>,
    model: Model,
}

const KEY: &[u8] = b"alice";

impl Twin {
    pub(crate) fn new(limit: &Limit) -> Self {
        Self { limit: limit.clone(), stored: None, model: Model::for_key(limit, KEY) }
    }

    pub(crate) fn change_limit(&mut self, limit: &Limit) {
        self.limit = limit.clone();
        self.model.change_limit(limit);
    }

    /// Asks both, and fails unless they agree.
    pub(crate) fn ask(&mut self, now: Timestamp, ask: &Ask) -> Result<Option<Verdict>, TestCaseError> {
        let expected = self.model.apply(now, ask);
        let alone = self.alone(now, ask);
        let answer = step(&mut self.stored, &self.limit, KEY, now, ask);
        if let Some((verdict, state)) = alone {
            prop_assert_eq!(&Ok(verdict), &answer, "{} at {} alone: {:?}", self.limit, now.as_micros(), ask);
            let written = self.stored.as_ref().filter(|_| state.is_some()).map(|stored| &stored.state);
            prop_assert_eq!(state.as_ref(), written);
        }
        prop_assert_eq!(answer, expected, "{} at {}: {:?}", self.limit, now.as_micros(), ask);
        Ok(answer.ok())
    }

    /// The shorter way for the same, where there is one.
    fn alone(&self, now: Timestamp, ask: &Ask) -> Option<(Verdict, Option<State>)> {
        let stored = self.stored.clone().unwrap_or_else(|| Stored::absent(&self.limit));
        if stored.tag != self.limit.tag() || !alone::answers(ask.op) {
            return None;
        }
        match stored.state {
            State::Gcra(state) => {
                let (verdict, state) = alone::gcra(state, &self.limit, now, ask);
                Some((verdict, state.map(State::Gcra)))
            }
            State::Window(state) => {
                let (verdict, state) = alone::window(state, &self.limit, now, self.limit.phase(KEY), ask);
                Some((verdict, state.map(State::Window)))
            }
            State::Entries(_) => None,
        }
    }

    /// Asks both as one check of a request whose other checks leave `others` quarters of what this one grants.
    fn ask_among(&mut self, now: Timestamp, ask: &Ask, others: u8) -> Result<Option<Verdict>, TestCaseError> {
        let Ok(opinion) = self.model.opinion(now, ask) else {
            return self.ask(now, ask);
        };
        let phase = self.limit.phase(KEY);
        let mut working = self.stored.clone().unwrap_or_else(|| Stored::absent(&self.limit));
        let evaluation = step::evaluate(&working, &self.limit, now, phase, ask);
        prop_assert_eq!(evaluation.passes, opinion.passes, "{}: {:?}", self.limit, ask);
        let granted = match (ask.op, opinion.passes, others) {
            (Op::Take, true, 1..) => Some(ask.cost),
            (Op::TakeUpTo, true, 1..) => {
                let left = opinion.grantable / 4 * u64::from(others);
                prop_assert_eq!(evaluation.grantable, opinion.grantable);
                (left > 0).then_some(left)
            }
            _ => None,
        };
        let expected = self.model.settle(now, ask, granted);
        let answer = step::conclude(&mut working, &self.limit, now, phase, ask, &evaluation, granted);
        prop_assert_eq!(Ok(answer), expected, "{} at {}: {:?}", self.limit, now.as_micros(), ask);
        if granted.is_some() || self.stored.is_some() {
            self.stored = Some(working);
        }
        Ok(Some(answer))
    }

    pub(crate) fn act(&mut self, course: &mut Course, action: &Action) -> Result<(), TestCaseError> {
        let (now, ask) = course.next(&self.limit, action);
        let takes = matches!(ask.op, Op::Take | Op::TakeUpTo);
        let verdict = if takes && action.others < 4 {
            self.ask_among(now, &ask, action.others)?
        } else {
            self.ask(now, &ask)?
        };
        if let Some(verdict) = verdict {
            course.heard(&verdict);
        }
        Ok(())
    }
}

fn compare(limit: &Limit, start: u64, trace: &[Action]) -> Result<(), TestCaseError> {
    let (mut twin, mut course) = (Twin::new(limit), Course::from(start));
    for action in trace {
        twin.act(&mut course, action)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(any::cases(400))]

    #[test]
    fn small_limits(
        limit in any::algorithm().prop_flat_map(any::small_limit_of),
        start in any::instant(),
        trace in any::trace(40),
    ) {
        compare(&limit, start, &trace)?;
    }

    #[test]
    fn all_limits(limit in any::limit(), start in any::instant(), trace in any::trace(25)) {
        compare(&limit, start, &trace)?;
    }

    #[test]
    fn since_the_epoch(
        limit in any::limit().prop_filter("no phase", |limit| limit.phase(KEY).get() == 0),
        start in 0..100_u64,
        trace in any::trace(25),
    ) {
        compare(&limit, start, &trace)?;
    }

    #[test]
    fn until_the_last_instant(
        limit in any::limit().prop_filter("fits", |limit| limit.algorithm() != Algorithm::CalendarWindow),
        before in 0..100_u64,
        trace in any::trace(25),
    ) {
        compare(&limit, MAX_EXACT - before, &trace)?;
    }
}
