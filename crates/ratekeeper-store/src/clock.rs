//! Clocks: the machine's, and one that tests turn by hand.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use ratekeeper_core::{Micros, Timestamp};

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The instant it is now.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// Wall time that does not jump: a monotonic clock, anchored to the system's and drawn after it slowly.
///
/// Reading it costs one reading of the processor's time stamp counter. When somebody sets the system's clock, this one
/// follows by at most 500 µs per second, so that a step of the clock neither frees nor locks anybody. It follows as slowly
/// after a machine was suspended, or had no right time when the process started: restart the process then.
pub struct SystemClock {
    counter: quanta::Clock,
    /// Its raw reading at the start.
    origin: u64,
    /// Microseconds in one step of the counter, times 2^64: an instant costs one multiplication.
    scale: u64,
    /// Added to the microseconds since `origin` to get wall time; wraps around.
    offset: AtomicU64,
    /// When to compare with the system's clock again, in microseconds since `origin`.
    next: AtomicU64,
}

const COMPARE_EVERY: u64 = 1_000_000;
const MAX_SLEW: i64 = 500;

impl SystemClock {
    /// A clock that starts at the system's time.
    #[must_use]
    pub fn new() -> Self {
        let counter = quanta::Clock::new();
        let origin = counter.raw();
        // Over 2^40 steps, many minutes, rounding to a nanosecond is lost in the drift of any clock.
        let nanos = u128::from(counter.delta_as_nanos(0, 1 << 40));
        let scale = u64::try_from((nanos << 24) / 1000).unwrap_or(u64::MAX);
        Self {
            counter,
            origin,
            scale,
            offset: AtomicU64::new(wall()),
            next: AtomicU64::new(COMPARE_EVERY),
        }
    }

    /// Moves the offset towards the system's clock. Only the thread that wins the exchange of `next` does it.
    #[cold]
    fn follow(&self, elapsed: u64, next: u64) {
        let won =
            self.next
                .compare_exchange(next, elapsed + COMPARE_EVERY, Ordering::Relaxed, Ordering::Relaxed);
        if won.is_ok() {
            let offset = self.offset.load(Ordering::Relaxed);
            let behind = wall().wrapping_sub(elapsed.wrapping_add(offset)).cast_signed();
            let step = behind.clamp(-MAX_SLEW, MAX_SLEW);
            self.offset.store(offset.wrapping_add_signed(step), Ordering::Relaxed);
        }
    }
}

/// The system's clock in microseconds since the epoch.
fn wall() -> u64 {
    // The one place that reads it: everything else is handed the time.
    #[allow(clippy::disallowed_methods)]
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
}

impl Clock for SystemClock {
    #[inline]
    fn now(&self) -> Timestamp {
        let steps = self.counter.raw().saturating_sub(self.origin);
        #[allow(clippy::cast_possible_truncation)]
        let elapsed = ((u128::from(steps) * u128::from(self.scale)) >> 64) as u64;
        let next = self.next.load(Ordering::Relaxed);
        if elapsed >= next {
            self.follow(elapsed, next);
        }
        Timestamp::from_micros(elapsed.wrapping_add(self.offset.load(Ordering::Relaxed)))
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SystemClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SystemClock({:?})", self.now())
    }
}

/// A clock that stands still until it is turned, for tests and simulations.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.as_micros()))
    }

    /// Turns the clock to `now`, forwards or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_micros(), Ordering::SeqCst);
    }

    /// Turns the clock forwards by `span`.
    pub fn advance(&self, span: Micros) {
        self.0.fetch_add(span.get(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_agrees_with_the_system_and_never_jumps() {
        let clock = SystemClock::new();
        let mut last = clock.now();
        assert!(wall().abs_diff(last.as_micros()) < 1_000_000);
        for _ in 0..10_000 {
            let now = clock.now();
            assert!(now + Micros::new(500) >= last, "{now:?} is before {last:?}");
            last = now;
        }
    }

    #[test]
    fn a_step_of_the_system_clock_is_followed_slowly() {
        let clock = SystemClock::new();
        clock.offset.fetch_sub(3_600_000_000, Ordering::Relaxed);
        let before = clock.offset.load(Ordering::Relaxed);
        clock.follow(COMPARE_EVERY, COMPARE_EVERY);
        assert_eq!(clock.offset.load(Ordering::Relaxed), before.wrapping_add_signed(MAX_SLEW));
        assert_eq!(clock.next.load(Ordering::Relaxed), 2 * COMPARE_EVERY);
    }
}
