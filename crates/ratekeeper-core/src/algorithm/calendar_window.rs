//! Calendar window: a count that starts anew with each day, week, month or year of a time zone.
//!
//! Admits at most 2N in any interval no longer than the shortest period.

use crate::{Algorithm, Calendar, Limit, LimitError, MAX_COUNT, Micros};

impl Limit {
    /// Calendar window: `count` in each day, week, month or year of a time zone.
    ///
    /// # Errors
    /// If `count` is out of range.
    pub fn calendar_window(count: u64, calendar: Calendar) -> Result<Self, LimitError> {
        let mut limit = Self::new(Algorithm::CalendarWindow, count, Micros::DAY, MAX_COUNT)?;
        limit.calendar = Some(calendar);
        limit.derive()
    }
}
