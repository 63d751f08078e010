//! Replaying access logs through policies: who would have been refused, when, by which rule.

mod attributes;
mod decisions;
mod difference;
mod json;
mod log_tally;
mod progress;
mod ranking;
mod run;
mod side;
mod text;
mod timeline;

pub(crate) use decisions::Decisions;
pub(crate) use difference::Difference;
pub(crate) use json::print_json;
pub(crate) use log_tally::LogTally;
pub(crate) use progress::Progress;
pub(crate) use run::Replay;
pub(crate) use side::Side;
pub(crate) use text::print_text;
