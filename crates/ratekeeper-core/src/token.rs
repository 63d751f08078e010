//! What a take gives back, and a refund presents.

/// Identifies a holder of a concurrency limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Holder(pub u128);

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
