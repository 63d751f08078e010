//! The registry of algorithms. Each is one file here, a line in [`registry!`], and runs on one of three kernels.

mod calendar_window;
mod concurrency;
mod fixed_window;
mod leaky_bucket;
mod leaky_queue;
mod sliding_log;
mod sliding_window;
mod token_bucket;

use std::fmt;

/// Which arithmetic an algorithm runs on; see the modules of `kernel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// One instant: when the bucket will be full (empty) again.
    Gcra,
    /// The count of this window, and of the one before.
    Window,
    /// A list of (expiry, count).
    Entries,
}

macro_rules! registry {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal on $kernel:ident, stored as $kind:literal;)+) => {
        /// How a limit counts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Algorithm { $($(#[doc = $doc])+ $variant,)+ }

        impl Algorithm {
            /// Every algorithm.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in policies: `token_bucket`, `sliding_log`, …
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub(crate) const fn kernel(self) -> Kernel {
                match self { $(Self::$variant => Kernel::$kernel,)+ }
            }

            /// What its states are: only between algorithms that store the same can counts be carried over.
            pub(crate) const fn state_kind(self) -> &'static str {
                match self { $(Self::$variant => $kind,)+ }
            }
        }
    };
}

registry! {
    /// Token bucket: a steady rate and a burst.
    TokenBucket = "token_bucket" on Gcra, stored as "gcra";
    /// Leaky bucket as a meter: the token bucket's mirror image.
    LeakyBucket = "leaky_bucket" on Gcra, stored as "gcra";
    /// Leaky bucket as a queue: even spacing, answers with a delay.
    LeakyQueue = "leaky_queue" on Gcra, stored as "gcra";
    /// Fixed window: counts start anew at multiples of the window.
    FixedWindow = "fixed_window" on Window, stored as "window";
    /// Calendar window: counts start anew with the day, week, month or year of a time zone.
    CalendarWindow = "calendar_window" on Window, stored as "window";
    /// Sliding window counter: the last window counts by its overlap.
    SlidingWindow = "sliding_window" on Window, stored as "window";
    /// Sliding log: exact, remembers every admission.
    SlidingLog = "sliding_log" on Entries, stored as "log";
    /// Concurrency: how many are held at once.
    Concurrency = "concurrency" on Entries, stored as "holders";
}

impl Algorithm {
    /// Whether a limit of this algorithm may have a burst of its own.
    #[must_use]
    pub const fn has_burst(self) -> bool {
        matches!(self, Self::TokenBucket | Self::LeakyBucket)
    }

    pub(crate) const fn is_gcra(self) -> bool {
        matches!(self.kernel(), Kernel::Gcra)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
