//! What a take gives back, and a refund presents.

/// Identifies a holder of a concurrency limit: 128 bits, different for every request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Holder {
    // Two words, since a u128 would align every verdict to 16 bytes.
    high: u64,
    low: u64,
}

impl Holder {
    /// The holder with this number.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub const fn new(id: u128) -> Self {
        Self { high: (id >> 64) as u64, low: id as u64 }
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }
}

/// A receipt of one take, so that a refund gives back exactly what time has not given back already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Token {
    /// GCRA: the state X after the take, as whole microseconds and ticks of 1/N' µs.
    Gcra {
        /// Whole microseconds since the epoch.
        at: u64,
        /// Ticks beyond, less than N'.
        rest: u64,
    },
    /// Window: the start of the window the take was counted in, in microseconds since the epoch.
    Window(u64),
    /// Sliding log: the instant of the entry, in microseconds since the epoch.
    Entry(u64),
    /// Concurrency: who holds.
    Holder(Holder),
}
