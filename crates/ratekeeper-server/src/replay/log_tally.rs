//! What was read of the logs.

use ratekeeper_core::Timestamp;

/// How many lines that do not parse are remembered with their reason.
const REMEMBERED: usize = 1000;

/// A line that is not a request.
#[derive(Debug)]
pub(crate) struct BadLine {
    pub(crate) log: usize,
    pub(crate) line: u64,
    pub(crate) reason: String,
}

/// Counts of lines, and the lines that do not parse.
#[derive(Debug, Default)]
pub(crate) struct LogTally {
    pub(crate) lines: u64,
    pub(crate) blank: u64,
    pub(crate) requests: u64,
    /// How many lines do not parse.
    pub(crate) unparsed: u64,
    /// The first of them.
    pub(crate) bad_lines: Vec<BadLine>,
    /// Requests that are dated before one that came earlier in the log.
    pub(crate) backwards: u64,
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
}

impl LogTally {
    pub(crate) fn request(&mut self, time: Timestamp) {
        self.requests += 1;
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        if self.last.is_some_and(|last| time < last) {
            self.backwards += 1;
        }
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }

    pub(crate) fn unparsed(&mut self, log: usize, line: u64, reason: &dyn std::fmt::Display) {
        self.unparsed += 1;
        if self.bad_lines.len() < REMEMBERED {
            self.bad_lines.push(BadLine { log, line, reason: reason.to_string() });
        }
    }
}
