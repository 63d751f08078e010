//! How far a long replay has come.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ratekeeper_accesslog::LogReader;

/// How many lines pass between two looks at the reader.
const EVERY: u64 = 16_384;

/// A bar on standard error, if that is a terminal and the user wants it.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let wanted = !quiet && std::io::stderr().is_terminal();
        Self {
            bar: wanted.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10))),
        }
    }

    /// A log begins.
    pub(crate) fn start(&self, name: &str, reader: &LogReader) {
        let Some(bar) = &self.bar else { return };
        let template = match reader.total_bytes() {
            Some(total) => {
                bar.set_length(total);
                "{msg} {bar:30} {percent:>3}% {binary_bytes_per_sec} eta {eta}"
            }
            None => "{msg} {spinner} {binary_bytes} {binary_bytes_per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
    }

    /// A line has been read.
    pub(crate) fn line(&self, number: u64, reader: &LogReader) {
        if let Some(bar) = &self.bar
            && number.is_multiple_of(EVERY)
        {
            bar.set_position(reader.bytes_read());
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
