//! How far a long replay has come.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ratekeeper_accesslog::LogReader;

use crate::failure::name;

/// How many lines pass between two looks at the reader: a short log never draws a bar.
const EVERY: u64 = 16_384;

/// A bar on standard error for each log, if that is a terminal and the user wants it.
#[derive(Debug)]
pub(crate) struct Progress {
    wanted: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { wanted: !quiet && std::io::stderr().is_terminal(), bar: None }
    }

    /// A log begins.
    pub(crate) fn start(&mut self, log: &str, reader: &LogReader) {
        self.finish();
        if !self.wanted {
            return;
        }
        let template = match reader.total_bytes() {
            Some(_) => "{msg} {bar:30} {percent:>3}% {binary_bytes_per_sec} eta {eta}",
            None => "{msg} {spinner} {binary_bytes} {binary_bytes_per_sec}",
        };
        let target = ProgressDrawTarget::stderr_with_hz(10);
        let bar =
            ProgressBar::with_draw_target(reader.total_bytes(), target).with_message(name(log.as_ref()));
        self.bar = Some(match ProgressStyle::with_template(template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        });
    }

    /// A line has been read.
    pub(crate) fn line(&self, number: u64, reader: &LogReader) {
        if let Some(bar) = &self.bar
            && number.is_multiple_of(EVERY)
        {
            bar.set_position(reader.bytes_read());
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
