//! What a store can promise.

use std::fmt;

/// Whose clock a store decides by when a batch brings none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockSource {
    /// The clock of this process.
    Process,
    /// The clock of the server that holds the counters: one for all clients.
    Server,
    /// The clocks of the clients, which must agree within the configured skew.
    Clients,
}

/// What a store does with a new key when it is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// New keys share 4,096 counters per limit: nobody is forgiven, and nobody new gets more than a whole limit.
    #[default]
    Share,
    /// New keys are refused.
    Deny,
    /// The counter nearest to being idle, among a few, makes way: it is forgiven what it had used.
    Evict,
    /// The store is not bounded by itself.
    Unbounded,
}

impl Overflow {
    /// The name in policies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Deny => "deny",
            Self::Evict => "evict",
            Self::Unbounded => "unbounded",
        }
    }
}

/// What a store can promise. The conformance suite selects its tests by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Its name: `memory`, `redis`, …
    pub name: &'static str,
    /// A unit over several keys is one atomic step.
    pub atomic_units: bool,
    /// Decisions agree with core's `step` to the microsecond.
    pub exact: bool,
    /// Counters outlive a restart of the store.
    pub survives_restart: bool,
    /// Counters outlive the loss of one server of the store.
    pub survives_failover: bool,
    /// Whose clock it decides by.
    pub clock: ClockSource,
    /// `Batch::now` is obeyed, so that tests and replays can set the time.
    pub injectable_clock: bool,
    /// The largest state of one key in bytes, if there is a bound.
    pub largest_state: Option<u64>,
    /// Round trips of one unit on one node, at best.
    pub trips: u8,
    /// What happens to new keys when it is full.
    pub overflow: Overflow,
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |flag: bool| if flag { "yes" } else { "no" };
        writeln!(f, "store              {}", self.name)?;
        writeln!(f, "atomic units       {}", yes(self.atomic_units))?;
        writeln!(f, "exact              {}", yes(self.exact))?;
        writeln!(f, "survives restart   {}", yes(self.survives_restart))?;
        writeln!(f, "survives failover  {}", yes(self.survives_failover))?;
        writeln!(f, "clock              {:?}", self.clock)?;
        match self.largest_state {
            Some(bytes) => writeln!(f, "largest state      {bytes} bytes")?,
            None => writeln!(f, "largest state      unbounded")?,
        }
        writeln!(f, "round trips        {}", self.trips)?;
        write!(f, "when full          {}", self.overflow.name())
    }
}
