//! What is asked of a limit.

use crate::token::{Holder, Token};

/// The operations on a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Take the whole cost or nothing.
    Take,
    /// Take as much of the cost as there is; nothing left is a refusal.
    TakeUpTo,
    /// Answer as [`Op::Take`] would, and write nothing.
    Peek,
    /// Take the cost whatever is left, into debt if need be: for costs known only afterwards.
    Charge,
    /// Give back what an earlier take took, as its [`Token`] says; without one, an operator's credit.
    Refund,
    /// Forget the counter.
    Reset,
}

/// One question to one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What to do.
    pub op: Op,
    /// How much, in units of the limit's count.
    pub cost: u64,
    /// For [`Op::Refund`]: the receipt of the take.
    pub token: Option<Token>,
    /// Who takes; only a concurrency limit looks at it.
    pub holder: Holder,
}

impl Ask {
    /// A question without token or holder.
    #[must_use]
    pub const fn new(op: Op, cost: u64) -> Self {
        Self { op, cost, token: None, holder: Holder::new(0) }
    }

    /// The same question asked by `holder`.
    #[must_use]
    pub const fn by(mut self, holder: Holder) -> Self {
        self.holder = holder;
        self
    }

    /// The same question with a receipt.
    #[must_use]
    pub const fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }
}
