//! What is measured: something that takes from the limit of a key.

/// How much every key may take. Algorithms differ between subjects; where it matters the tables say so.
#[derive(Clone, Copy, Debug)]
pub enum Quota {
    /// So much that nothing is refused: a million a second, and a burst that no measurement empties.
    Generous,
    /// So many at once, and one more an hour: what a measurement can take is known beforehand.
    Burst(u32),
    /// So many a second, and a thousandth of it at once: threads that ask as fast as they can are refused most of the time.
    Rate(u32),
}

impl Quota {
    /// The most that one key may be granted within so many seconds, if it was not asked for before. Clocks need not run
    /// equally fast: one in a thousand is let pass.
    pub fn most(self, seconds: f64) -> u64 {
        match self {
            Self::Generous => u64::MAX,
            Self::Burst(burst) => u64::from(burst) + (seconds / 3600.0) as u64,
            Self::Rate(rate) => {
                let clocks = f64::from(rate) * (seconds * 1.001 + 2e-6);
                u64::from(rate / 1000) + clocks as u64
            }
        }
    }
}

/// A limiter of string keys.
pub trait Subject: Send + Sync {
    /// Takes one unit; whether it was there.
    fn check(&self, key: &String) -> bool;

    /// Takes `cost` units or none.
    fn take(&self, key: &String, cost: u32) -> bool;
}
