//! Core's step under any sequence of operations, costs and clocks.

mod claims;
mod input;

use ratekeeper_core::{Algorithm, Ask, Holder, Limit, MAX_SPAN, Micros, Op, Stored, Timestamp, Token};

use crate::bytes::Bytes;
use crate::step::input::Move;

/// More moves than this are not made: a log with many entries is slow to look at after each.
const MOST_MOVES: usize = 400;

/// Reads two limits and a sequence of moves from the bytes, plays them on one counter, and asserts after each
/// what every verdict claims.
pub fn step(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let (Ok(first), Ok(second)) = (input::limit(&mut bytes), input::limit(&mut bytes)) else {
        return;
    };
    let mut game = Game::new(first, second);
    for _ in 0..MOST_MOVES {
        let Some(next) = Move::read(&mut bytes) else {
            return;
        };
        game.play(next);
    }
}

/// One counter, the limit it is under, and the clock.
#[derive(Clone, Debug)]
struct Game {
    limit: Limit,
    /// The limit of before or after a reload.
    other: Limit,
    counter: Option<Stored>,
    now: Timestamp,
    /// The receipts of takes that were not refunded yet.
    tokens: Vec<Token>,
}

/// The key of the counter; it decides the phase of windows.
const KEY: &[u8] = b"subject";

impl Game {
    fn new(limit: Limit, other: Limit) -> Self {
        Self { limit, other, counter: None, now: EARLIEST, tokens: Vec::new() }
    }

    fn play(&mut self, next: Move) {
        match next {
            Move::Forward(span) => self.now = self.now + Micros::new(span),
            Move::Back(span) => self.now = self.now.before(Micros::new(span)).max(EARLIEST),
            Move::Reload => std::mem::swap(&mut self.limit, &mut self.other),
            Move::Ask { op, cost, holder } => self.ask(&Ask::new(op, cost).by(holder)),
            Move::Refund { cost, index } => {
                if !self.tokens.is_empty() {
                    let token = self.tokens.swap_remove(index % self.tokens.len());
                    self.ask(&Ask::new(Op::Refund, cost).with_token(token));
                }
            }
            Move::Forge { cost, token } => self.ask(&Ask::new(Op::Refund, cost).with_token(token)),
        }
    }

    fn ask(&mut self, ask: &Ask) {
        let before = self.clone();
        let Ok(verdict) = ratekeeper_core::step(&mut self.counter, &self.limit, KEY, self.now, ask) else {
            assert_eq!(self.counter, before.counter, "an operation that does not exist writes nothing");
            return;
        };
        claims::check(&before, self, ask, &verdict);
        if ask.op != Op::Refund {
            self.tokens.extend(verdict.token);
        }
    }

    /// What the verdict would be at another instant; changes nothing.
    fn at(&self, now: Timestamp, ask: &Ask) -> Option<ratekeeper_core::Verdict> {
        ratekeeper_core::step(&mut self.counter.clone(), &self.limit, KEY, now, ask).ok()
    }

    /// A question by nobody who holds anything.
    fn stranger(op: Op, cost: u64) -> Ask {
        Ask::new(op, cost).by(Holder::new(u128::MAX))
    }

    fn is(&self, algorithm: Algorithm) -> bool {
        self.limit.algorithm() == algorithm
    }
}

/// Where the clock begins and how far back it may step: far enough from the epoch for any window to have begun
/// after it.
const EARLIEST: Timestamp = Timestamp::from_micros(MAX_SPAN.get());
