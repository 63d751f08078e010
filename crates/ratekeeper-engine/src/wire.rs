//! How a reservation is written into its handle.

use ratekeeper_core::{Algorithm, Calendar, Holder, Limit, LimitError, Micros, Period, Timestamp, Token};
use serde::{Deserialize, Serialize};

use crate::receipt::{Place, Receipt, Taken};

/// A reservation as it travels: everything that settling it needs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Wire {
    pub(crate) id: u128,
    /// Which engine made it: the counters of its process are its own.
    pub(crate) instance: u64,
    /// When it was made, in microseconds since the epoch.
    pub(crate) made: u64,
    /// How long from then on it can be settled, in microseconds.
    pub(crate) ttl: u64,
    pub(crate) units: u64,
    pub(crate) taken: Vec<WireTaken>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireTaken {
    /// The store's name; `None` for the limiter of the process.
    store: Option<String>,
    key: Vec<u8>,
    scope: usize,
    limit: WireLimit,
    token: WireToken,
    factor: u64,
    shared: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireLimit {
    algorithm: String,
    count: u64,
    window: u64,
    burst: u64,
    max_delay: u64,
    calendar: Option<(u8, String)>,
    phase_by_key: bool,
}

#[derive(Debug, Serialize, Deserialize)]
enum WireToken {
    Gcra(u64, u64),
    Window(u64),
    Entry(u64),
    Holder(u128),
}

const PERIODS: [Period; 4] = [Period::Day, Period::Week, Period::Month, Period::Year];

impl From<&Limit> for WireLimit {
    fn from(limit: &Limit) -> Self {
        let place = |period| PERIODS.iter().position(|known| *known == period).unwrap_or(0);
        Self {
            algorithm: limit.algorithm().name().to_owned(),
            count: limit.count(),
            window: limit.window().get(),
            burst: limit.burst(),
            max_delay: limit.max_delay().get(),
            calendar: limit.calendar().map(|calendar| {
                (u8::try_from(place(calendar.period())).unwrap_or(0), calendar.zone().to_owned())
            }),
            phase_by_key: limit.has_phase_by_key(),
        }
    }
}

impl WireLimit {
    fn limit(&self) -> Result<Limit, LimitError> {
        let window = Micros::new(self.window);
        let algorithm = Algorithm::ALL.iter().find(|algorithm| algorithm.name() == self.algorithm);
        let limit = match algorithm {
            Some(Algorithm::LeakyBucket) => Limit::leaky_bucket(self.count, window)?.with_burst(self.burst),
            Some(Algorithm::LeakyQueue) => {
                Limit::leaky_queue(self.count, window, Micros::new(self.max_delay))
            }
            Some(Algorithm::FixedWindow) => Limit::fixed_window(self.count, window),
            Some(Algorithm::CalendarWindow) => {
                let (period, zone) = self.calendar.clone().unwrap_or_default();
                let period = PERIODS.get(usize::from(period)).copied().unwrap_or(Period::Day);
                Limit::calendar_window(self.count, Calendar::new(period, &zone)?)
            }
            Some(Algorithm::SlidingWindow) => Limit::sliding_window(self.count, window),
            Some(Algorithm::SlidingLog) => Limit::sliding_log(self.count, window),
            Some(Algorithm::Concurrency) => Limit::concurrency(self.count, window),
            _ => Limit::token_bucket(self.count, window)?.with_burst(self.burst),
        }?;
        Ok(if self.phase_by_key {
            limit.with_phase_by_key()
        } else {
            limit
        })
    }
}

impl Wire {
    pub(crate) fn new(id: u128, instance: u64, made: Timestamp, ttl: Micros, receipt: &Receipt) -> Self {
        let taken = receipt.taken.iter().map(|taken| WireTaken {
            store: match &taken.place {
                Place::Named(name) => Some(name.clone()),
                Place::Local => None,
            },
            key: taken.key.clone(),
            scope: taken.scope,
            limit: WireLimit::from(&taken.limit),
            token: match taken.token {
                Token::Gcra { at, rest } => WireToken::Gcra(at, rest),
                Token::Window(start) => WireToken::Window(start),
                Token::Entry(instant) => WireToken::Entry(instant),
                Token::Holder(holder) => WireToken::Holder(holder.get()),
            },
            factor: taken.factor,
            shared: taken.shared,
        });
        Self {
            id,
            instance,
            made: made.as_micros(),
            ttl: ttl.get(),
            units: receipt.units,
            taken: taken.collect(),
        }
    }

    /// From when on it can no longer be settled.
    pub(crate) fn expires(&self) -> Timestamp {
        Timestamp::from_micros(self.made) + Micros::new(self.ttl)
    }

    pub(crate) fn receipt(self) -> Result<Receipt, LimitError> {
        let taken = self.taken.into_iter().map(|taken| {
            Ok(Taken {
                place: taken.store.map_or(Place::Local, Place::Named),
                key: taken.key,
                scope: taken.scope,
                limit: taken.limit.limit()?,
                token: match taken.token {
                    WireToken::Gcra(at, rest) => Token::Gcra { at, rest },
                    WireToken::Window(start) => Token::Window(start),
                    WireToken::Entry(instant) => Token::Entry(instant),
                    WireToken::Holder(holder) => Token::Holder(Holder::new(holder)),
                },
                factor: taken.factor,
                shared: taken.shared,
            })
        });
        Ok(Receipt { units: self.units, taken: taken.collect::<Result<_, LimitError>>()? })
    }
}
