//! The parts of a limit, and how they make one.

use ratekeeper_core::{Algorithm, Calendar, Limit, LimitError, Micros};

use super::{LimitField, LimitSyntaxError};
use crate::duration::Window;
use crate::text::quoted;

/// What was said of a limit, be it in English or field by field.
#[derive(Clone, Debug, Default)]
pub(crate) struct LimitSpec {
    pub(crate) count: Option<u64>,
    pub(crate) window: Option<Window>,
    pub(crate) concurrent: bool,
    pub(crate) calendar: bool,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) burst: Option<u64>,
    pub(crate) max_delay: Option<Micros>,
    pub(crate) ttl: Option<Micros>,
    pub(crate) zone: Option<String>,
    pub(crate) phase_by_key: bool,
}

impl LimitSpec {
    /// Sets where windows begin: `key` or `epoch`.
    pub(crate) fn align(&mut self, text: &str) -> Result<(), LimitSyntaxError> {
        self.phase_by_key = match text.to_ascii_lowercase().as_str() {
            "key" => true,
            "epoch" => false,
            _ => {
                let message = format!("unknown alignment {}", quoted(text));
                return Err(LimitSyntaxError::new(message, "use key or epoch").about(LimitField::Align));
            }
        };
        Ok(())
    }

    /// Puts the parts together.
    pub(crate) fn build(&self) -> Result<Limit, LimitSyntaxError> {
        let algorithm = self.chosen()?;
        self.refuse_strangers(algorithm)?;
        let core =
            |error: LimitError| LimitSyntaxError::from_core(&error, algorithm == Algorithm::Concurrency);
        let count = self.count.unwrap_or(0);
        let limit = match algorithm {
            Algorithm::Concurrency => Limit::concurrency(count, self.ttl()?).map_err(core)?,
            Algorithm::CalendarWindow => {
                let calendar = Calendar::new(self.period()?, self.zone.as_deref().unwrap_or("UTC"));
                Limit::calendar_window(count, calendar.map_err(core)?).map_err(core)?
            }
            Algorithm::LeakyQueue => {
                let help = "add one, such as max_delay 2s";
                let missing = || LimitSyntaxError::new("a leaky_queue needs a max_delay", help);
                let delay = self.max_delay.ok_or_else(missing)?;
                Limit::leaky_queue(count, self.span()?, delay).map_err(core)?
            }
            Algorithm::LeakyBucket => Limit::leaky_bucket(count, self.span()?).map_err(core)?,
            Algorithm::FixedWindow => Limit::fixed_window(count, self.span()?).map_err(core)?,
            Algorithm::SlidingWindow => Limit::sliding_window(count, self.span()?).map_err(core)?,
            Algorithm::SlidingLog => Limit::sliding_log(count, self.span()?).map_err(core)?,
            Algorithm::TokenBucket => Limit::token_bucket(count, self.span()?).map_err(core)?,
            _ => {
                let message = format!("{algorithm} cannot be used in policies yet");
                return Err(LimitSyntaxError::new(message, "use token_bucket").about(LimitField::Algorithm));
            }
        };
        let limit = match self.burst {
            Some(burst) => limit.with_burst(burst).map_err(core)?,
            None => limit,
        };
        Ok(if self.phase_by_key {
            limit.with_phase_by_key()
        } else {
            limit
        })
    }

    fn chosen(&self) -> Result<Algorithm, LimitSyntaxError> {
        let contradiction =
            |what: &str, help: &str| Err(LimitSyntaxError::new(what, help).about(LimitField::Algorithm));
        let of_calendar = self.calendar || self.zone.is_some();
        match self.algorithm {
            Some(Algorithm::LeakyBucket) if self.max_delay.is_some() => Ok(Algorithm::LeakyQueue),
            Some(Algorithm::CalendarWindow) => Ok(Algorithm::CalendarWindow),
            Some(found) if of_calendar => {
                let message = format!("{found} has no calendar and no time zone");
                contradiction(&message, "remove the zone, or use calendar_window")
            }
            Some(found) if self.concurrent && found != Algorithm::Concurrency => contradiction(
                &format!("{found} does not count what is concurrent"),
                "use algorithm: concurrency",
            ),
            Some(found) => Ok(found),
            None if self.concurrent => Ok(Algorithm::Concurrency),
            None if of_calendar => Ok(Algorithm::CalendarWindow),
            None if self.max_delay.is_some() => Ok(Algorithm::LeakyQueue),
            None => Ok(Algorithm::TokenBucket),
        }
    }

    /// Refuses options that this algorithm does not have.
    fn refuse_strangers(&self, algorithm: Algorithm) -> Result<(), LimitSyntaxError> {
        let error =
            |field, message: String, help: &str| Err(LimitSyntaxError::new(message, help).about(field));
        if self.burst.is_some() && !algorithm.has_burst() {
            let help = "remove it, or use token_bucket or leaky_bucket";
            return error(LimitField::Burst, format!("{algorithm} has no burst"), help);
        }
        if self.max_delay.is_some() && algorithm != Algorithm::LeakyQueue {
            let help = "remove it, or use leaky_bucket with max_delay";
            return error(LimitField::MaxDelay, format!("{algorithm} has no max_delay"), help);
        }
        if self.ttl.is_some() && algorithm != Algorithm::Concurrency {
            let help = "only limits on what is concurrent have one: \"10 concurrent ttl 30s\"";
            return error(LimitField::Ttl, format!("{algorithm} has no ttl"), help);
        }
        if self.window.is_some() && algorithm == Algorithm::Concurrency {
            let help = "write \"10 concurrent ttl 30s\"";
            return error(LimitField::Rate, "concurrency has no window".to_owned(), help);
        }
        if self.phase_by_key && !matches!(algorithm, Algorithm::FixedWindow | Algorithm::SlidingWindow) {
            let help = "remove it, or use fixed_window or sliding_window";
            return error(LimitField::Align, format!("{algorithm} cannot be aligned to the key"), help);
        }
        Ok(())
    }

    fn ttl(&self) -> Result<Micros, LimitSyntaxError> {
        let help = "say when a holder that never comes back is forgotten: \"10 concurrent ttl 30s\"";
        self.ttl.ok_or_else(|| LimitSyntaxError::new("a ttl is missing", help))
    }

    fn window(&self) -> Result<&Window, LimitSyntaxError> {
        let missing = || LimitSyntaxError::new("the window is missing", "say per what: \"100 per minute\"");
        self.window.as_ref().ok_or_else(missing)
    }

    fn span(&self) -> Result<Micros, LimitSyntaxError> {
        let window = self.window()?;
        let name = window.period.map_or("month", ratekeeper_core::Period::name);
        let help = format!("write \"{} per {name} (calendar)\", or days", self.count.unwrap_or(1));
        window
            .span
            .ok_or_else(|| LimitSyntaxError::new(format!("a {name} has no fixed length"), help))
    }

    fn period(&self) -> Result<ratekeeper_core::Period, LimitSyntaxError> {
        let window = self.window()?;
        let message = format!("{} is no period of the calendar", quoted(&window.written));
        let help = "use exactly one day, week, month or year";
        window.period.ok_or_else(|| LimitSyntaxError::new(message, help))
    }
}
