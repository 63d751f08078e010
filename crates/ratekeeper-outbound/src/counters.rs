//! The counters of one key, one for each limit.

use ratekeeper_core::{Algorithm, Ask, Holder, Limit, Micros, Op, Stored, Timestamp, Token, step};
use smallvec::SmallVec;

/// What a take took, by limit.
pub(crate) type Tokens = SmallVec<[Option<Token>; 2]>;

#[derive(Clone, Debug)]
pub(crate) struct Counters {
    states: SmallVec<[Stored; 2]>,
}

/// A call as the counters see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) limits: &'a [Limit],
    pub(crate) key: &'a [u8],
    pub(crate) cost: u64,
}

impl Counters {
    pub(crate) fn new(limits: &[Limit]) -> Self {
        Self { states: limits.iter().map(Stored::absent).collect() }
    }

    /// How long until every limit lets the call go, as far as it can be known now.
    pub(crate) fn wait(&self, asked: Asked<'_>, now: Timestamp) -> Micros {
        let all = asked.limits.iter().zip(&self.states);
        all.map(|(limit, state)| wait(state, limit, asked, now)).max().unwrap_or(Micros::ZERO)
    }

    /// The first instant from `from` on when the rates let the call go. Slots are not asked: nobody knows how long calls take.
    pub(crate) fn earliest(&self, asked: Asked<'_>, from: Timestamp) -> Timestamp {
        let rates = || asked.limits.iter().zip(&self.states).filter(|(limit, _)| !is_slots(limit));
        let mut at = from;
        // What a limit lets pass it lets pass later too: each round settles one of them, a queue in two.
        for _ in 0..=2 * asked.limits.len() {
            let wait = rates().map(|(limit, state)| wait(state, limit, asked, at)).max();
            match wait {
                None | Some(Micros::ZERO) => break,
                Some(wait) => at = at + wait,
            }
        }
        at
    }

    /// Takes from every limit what is known to be there.
    pub(crate) fn take(&mut self, asked: Asked<'_>, now: Timestamp, holder: Holder) -> Tokens {
        let take = |(limit, state): (&Limit, &mut Stored)| {
            let ask = Ask::new(Op::Take, asked.cost).by(holder);
            step::write(state, limit, now, limit.phase(asked.key), &ask, asked.cost)
        };
        asked.limits.iter().zip(&mut self.states).map(take).collect()
    }

    /// Gives back the slots that a call held, and of one that never was everything.
    pub(crate) fn give_back(&mut self, asked: Asked<'_>, now: Timestamp, tokens: &Tokens, everything: bool) {
        for ((limit, state), token) in asked.limits.iter().zip(&mut self.states).zip(tokens) {
            if let Some(token) = token
                && (everything || is_slots(limit))
            {
                let ask = Ask::new(Op::Refund, asked.cost).with_token(*token);
                let _ = step::write(state, limit, now, limit.phase(asked.key), &ask, asked.cost);
            }
        }
    }

    /// When they will be as if nobody had ever called.
    pub(crate) fn idle_at(&self, limits: &[Limit]) -> Timestamp {
        let all = limits.iter().zip(&self.states);
        all.map(|(limit, state)| state.idle_at(limit)).max().unwrap_or(Timestamp::EPOCH)
    }
}

fn is_slots(limit: &Limit) -> bool {
    limit.algorithm() == Algorithm::Concurrency
}

fn wait(state: &Stored, limit: &Limit, asked: Asked<'_>, now: Timestamp) -> Micros {
    let (phase, ask) = (limit.phase(asked.key), Ask::new(Op::Peek, asked.cost).by(NOBODY));
    let evaluation = step::evaluate(state, limit, now, phase, &ask);
    // A queue accepts with a delay: until then the call waits here like any other.
    if evaluation.passes {
        return evaluation.delay.unwrap_or(Micros::ZERO);
    }
    let verdict = step::verdict(state, limit, now, phase, &ask, &evaluation);
    verdict.retry_after.unwrap_or(limit.window())
}

/// A holder that no call ever is.
const NOBODY: Holder = Holder::new(u128::MAX);
