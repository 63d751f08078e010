//! What is counted and measured.

mod recorder;
mod series;
mod slope;
mod tally;

pub(crate) use self::recorder::Recorder;
pub(crate) use self::series::{Point, Series};
pub(crate) use self::slope::{Trend, trend};
pub(crate) use self::tally::{Errors, Tally, histogram, micros};
