//! A limit: how much, per how long, by which algorithm.

use std::fmt;

use crate::algorithm::Algorithm;
use crate::calendar::Calendar;
use crate::time::Micros;

/// Largest count: N and the burst are at most 2^48.
pub const MAX_COUNT: u64 = 1 << 48;
/// Longest span: W, the delay and the time to fill the burst are at most 2^50 µs (about 35 years).
pub const MAX_SPAN: Micros = Micros::new(1 << 50);
/// Up to so many ticks in a microsecond, a GCRA state is computed in 64 bits.
const NARROW_TICKS: u64 = 1 << 10;
/// Most that a sliding log may admit per window, since it remembers every admission.
pub const MAX_LOG: u64 = 10_000;

/// Why a limit makes no sense. The message names the field, what was given and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The count is zero or above its maximum.
    #[error("count: {given} is out of range; it must be between 1 and {max}")]
    Count {
        /// What was given.
        given: u64,
        /// The largest count of this algorithm.
        max: u64,
    },
    /// The window, or the ttl of a concurrency limit, is zero or above its maximum.
    #[error("window: {given} is out of range; it must be between 1us and {MAX_SPAN}")]
    Window {
        /// What was given.
        given: Micros,
    },
    /// The burst is zero, above 2^48, or takes longer than 2^50 µs to fill at the limit's rate.
    #[error("burst: {given} is out of range; it must be between 1 and {max} at this rate")]
    Burst {
        /// What was given.
        given: u64,
        /// The largest burst at this rate.
        max: u64,
    },
    /// A burst was given to an algorithm that has none.
    #[error("burst: {algorithm} has no burst; remove it, or use token_bucket or leaky_bucket")]
    BurstNotAllowed {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// The largest delay of a queue is zero or above its maximum.
    #[error("max_delay: {given} is out of range; it must be between 1us and {MAX_SPAN}")]
    MaxDelay {
        /// What was given.
        given: Micros,
    },
    /// The zone of a calendar window is unknown.
    #[error("time zone: {name:?} is not an IANA time zone; use a name such as UTC or Europe/Paris")]
    TimeZone {
        /// What was given.
        name: String,
    },
}

/// One limit, checked at construction: what exists makes sense.
///
/// ```
/// use ratekeeper_core::{Limit, Micros};
/// let login = Limit::token_bucket(5, Micros::MINUTE)?.with_burst(20)?;
/// assert_eq!(login.to_string(), "5 per 1m burst 20 (token_bucket)");
/// assert!(Limit::token_bucket(0, Micros::MINUTE).is_err());
/// # Ok::<_, ratekeeper_core::LimitError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub(crate) algorithm: Algorithm,
    pub(crate) count: u64,
    pub(crate) window: Micros,
    pub(crate) burst: u64,
    pub(crate) max_delay: Micros,
    pub(crate) calendar: Option<Calendar>,
    pub(crate) phase_by_key: bool,
    pub(crate) reset_on_change: bool,
    /// N' = N/gcd(N, W): ticks in a microsecond.
    pub(crate) ticks: u64,
    /// W' = W/gcd(N, W): ticks that one unit of cost takes.
    pub(crate) unit: u64,
    /// How far, in ticks, a GCRA state may lie ahead of now.
    pub(crate) capacity: u128,
    /// The capacity of a bucket whose states all fit 64 bits in ticks; 0 of every other limit.
    pub(crate) narrow: u64,
    pub(crate) largest_cost: u64,
    pub(crate) tag: Tag,
}

/// What a stored state was written under, so that a later reader knows whether the limit has changed.
///
/// The upper half stands for what must be equal for counts to keep their meaning (kernel and window), the lower
/// half for everything else (algorithm, count, burst, delay).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag(u64);

impl Tag {
    /// The number as stored.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The tag with this number, as read back from a store.
    #[must_use]
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// Whether states under both tags count over the same window.
    #[must_use]
    pub const fn same_window(self, other: Self) -> bool {
        self.0 >> 32 == other.0 >> 32
    }
}

impl Limit {
    /// The same limit with a bucket of `burst`.
    ///
    /// # Errors
    /// If the algorithm has no burst, or `burst` is out of range.
    pub fn with_burst(mut self, burst: u64) -> Result<Self, LimitError> {
        if !self.algorithm.has_burst() {
            return Err(LimitError::BurstNotAllowed { algorithm: self.algorithm });
        }
        self.burst = burst;
        self.derive()
    }

    /// The same limit with windows that begin at a phase of each key's own instead of all at once, so that not
    /// every client resets in the same instant. Only fixed and sliding windows have a phase; the others ignore it.
    #[must_use]
    pub fn with_phase_by_key(mut self) -> Self {
        // States counted in other windows: those do not end where these do.
        self.phase_by_key = matches!(self.algorithm, Algorithm::FixedWindow | Algorithm::SlidingWindow);
        self.tag = self.compute_tag();
        self
    }

    /// The same limit with live states dropped, instead of carried over, when the limit has changed.
    #[must_use]
    pub fn with_reset_on_change(mut self) -> Self {
        self.reset_on_change = true;
        self
    }

    /// The same limit at `numerator`/`denominator` of its count and burst, at least 1 each: what one of several
    /// processes grants on its own.
    #[must_use]
    pub fn scaled(&self, numerator: u32, denominator: u32) -> Self {
        let share = |count: u64| {
            let scaled = u128::from(count) * u128::from(numerator) / u128::from(denominator.max(1));
            u64::try_from(scaled).unwrap_or(u64::MAX).max(1).min(count)
        };
        let mut limit = self.clone();
        limit.count = share(self.count);
        let divisor = gcd(limit.count, limit.window.get());
        (limit.ticks, limit.unit) = (limit.count / divisor, limit.window.get() / divisor);
        // At a smaller rate a burst takes longer to fill: it must still fit the range.
        limit.burst = share(self.burst).min(limit.largest_burst());
        limit.derive_capacity();
        limit.tag = limit.compute_tag();
        limit
    }

    pub(crate) fn new(
        algorithm: Algorithm,
        count: u64,
        window: Micros,
        max: u64,
    ) -> Result<Self, LimitError> {
        // A window of zero refuses everything, and says so; of a rate of zero nobody could say when it refills.
        let least = u64::from(algorithm != Algorithm::FixedWindow);
        if count < least || count > max {
            return Err(LimitError::Count { given: count, max });
        }
        if window == Micros::ZERO || window > MAX_SPAN {
            return Err(LimitError::Window { given: window });
        }
        let divisor = gcd(count, window.get());
        Ok(Self {
            algorithm,
            count,
            window,
            burst: count,
            max_delay: Micros::ZERO,
            calendar: None,
            phase_by_key: false,
            reset_on_change: false,
            ticks: count / divisor,
            unit: window.get() / divisor,
            capacity: 0,
            narrow: 0,
            largest_cost: 0,
            tag: Tag(0),
        })
    }

    /// Checks the burst against the rate, and computes what follows from the fields.
    pub(crate) fn derive(mut self) -> Result<Self, LimitError> {
        let max = self.largest_burst();
        if self.algorithm.has_burst() && (self.burst == 0 || self.burst > max) {
            return Err(LimitError::Burst { given: self.burst, max });
        }
        self.derive_capacity();
        self.tag = self.compute_tag();
        Ok(self)
    }

    /// Computes the capacity, and what follows from it.
    fn derive_capacity(&mut self) {
        self.capacity = self.compute_capacity();
        let gcra = self.algorithm.is_gcra();
        // An instant has 53 bits, a tenth of them more for ticks: what lies ahead of now has 63.
        let narrow = gcra
            && self.algorithm != Algorithm::LeakyQueue
            && self.ticks <= NARROW_TICKS
            && self.capacity < 1 << 62;
        self.narrow = if narrow {
            u64::try_from(self.capacity).unwrap_or(0)
        } else {
            0
        };
        let fits = self.capacity / u128::from(self.unit);
        self.largest_cost = if gcra {
            u64::try_from(fits).unwrap_or(u64::MAX)
        } else {
            self.count
        };
    }

    /// The largest burst that fills within the longest span at this rate.
    fn largest_burst(&self) -> u64 {
        let fills = u128::from(MAX_SPAN.get()) * u128::from(self.ticks) / u128::from(self.unit);
        u64::try_from(fills).unwrap_or(u64::MAX).min(MAX_COUNT)
    }

    fn compute_capacity(&self) -> u128 {
        match self.algorithm {
            Algorithm::LeakyQueue => {
                u128::from(self.max_delay.get()) * u128::from(self.ticks) + u128::from(self.unit)
            }
            _ => u128::from(self.burst) * u128::from(self.unit),
        }
    }

    fn compute_tag(&self) -> Tag {
        let mut window = Fnv::new();
        window.text(self.algorithm.state_kind());
        match (&self.calendar, self.algorithm) {
            (Some(calendar), _) => window.text(calendar.period().name()).text(calendar.zone()),
            // A holder stores when it expires: its ttl may change without it losing its meaning.
            (None, Algorithm::Concurrency) => &mut window,
            (None, _) => window.number(self.window.get()),
        };
        if self.phase_by_key {
            window.text("phase");
        }
        let mut rest = Fnv::new();
        rest.text(self.algorithm.name()).number(self.count).number(self.window.get());
        rest.number(self.burst).number(self.max_delay.get());
        Tag(u64::from(window.folded()) << 32 | u64::from(rest.folded()))
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// N: how much per window, or how many holders at once.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// W: the window; the ttl of a concurrency limit; one day for every calendar window, see
    /// [`calendar`](Self::calendar).
    #[must_use]
    pub fn window(&self) -> Micros {
        self.window
    }

    /// b: the size of the bucket; the count for algorithms without one.
    #[must_use]
    pub fn burst(&self) -> u64 {
        self.burst
    }

    /// The longest delay of a queue, zero for all others.
    #[must_use]
    pub fn max_delay(&self) -> Micros {
        self.max_delay
    }

    /// The calendar of a calendar window.
    #[must_use]
    pub fn calendar(&self) -> Option<&Calendar> {
        self.calendar.as_ref()
    }

    /// Whether windows begin at a phase of each key's own.
    #[must_use]
    pub fn has_phase_by_key(&self) -> bool {
        self.phase_by_key
    }

    /// Whether live states are dropped, instead of carried over, when the limit has changed.
    #[must_use]
    pub fn resets_on_change(&self) -> bool {
        self.reset_on_change
    }

    /// Under which tag its states are stored.
    #[must_use]
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// N': in how many ticks a GCRA state counts a microsecond.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// W': how many ticks one unit of cost takes.
    #[must_use]
    pub fn ticks_per_unit(&self) -> u64 {
        self.unit
    }

    /// How many ticks a GCRA state may lie ahead of now.
    #[must_use]
    pub fn capacity(&self) -> u128 {
        self.capacity
    }

    /// The largest cost that can ever pass.
    #[must_use]
    pub fn largest_cost(&self) -> u64 {
        self.largest_cost
    }

    /// The phase φ of `key`'s windows in microseconds: zero unless asked for by
    /// [`with_phase_by_key`](Self::with_phase_by_key).
    #[must_use]
    pub fn phase(&self, key: &[u8]) -> Micros {
        if !self.phase_by_key {
            return Micros::ZERO;
        }
        let mut hash = Fnv::new();
        hash.bytes(key);
        Micros::new(hash.0 % self.window.get())
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.algorithm {
            Algorithm::Concurrency => return write!(f, "{} concurrent ttl {}", self.count, self.window),
            Algorithm::CalendarWindow => {
                if let Some(calendar) = &self.calendar {
                    let (period, zone) = (calendar.period().name(), calendar.zone());
                    return write!(f, "{} per {period} (calendar, {zone})", self.count);
                }
            }
            _ => {}
        }
        write!(f, "{} per {}", self.count, self.window)?;
        if self.burst != self.count {
            write!(f, " burst {}", self.burst)?;
        }
        if self.max_delay != Micros::ZERO {
            write!(f, " max_delay {}", self.max_delay)?;
        }
        write!(f, " ({})", self.algorithm)
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// FNV-1a with 64 bits: small, and equal on every machine and in every version, as what is stored must be.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.bytes(&number.to_le_bytes())
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes()).bytes(&[0])
    }

    #[allow(clippy::cast_possible_truncation)]
    fn folded(&self) -> u32 {
        (self.0 ^ self.0 >> 32) as u32
    }
}
