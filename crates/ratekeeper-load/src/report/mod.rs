//! What is told of a run: the same in JSON and as text.

mod phase;
mod text;

use std::time::Duration;

use serde::Serialize;

pub(crate) use self::phase::PhaseReport;
use crate::draw::Distribution;
use crate::mode::{ExactReport, SoakReport, StressReport};
use crate::run::Run;

/// A run.
#[derive(Debug, Serialize)]
pub struct Report {
    version: &'static str,
    url: String,
    protocol: &'static str,
    settings: Settings,
    /// Whether it was ended before its time.
    interrupted: bool,
    notes: Vec<String>,
    #[serde(flatten)]
    outcome: Outcome,
}

/// What a run can be repeated with.
#[derive(Debug, Serialize)]
struct Settings {
    seed: u64,
    keys: u64,
    distribution: String,
    cost: [u64; 2],
    connections: usize,
    streams: usize,
    timeout_ms: u64,
}

/// What a run has shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Steady(Box<PhaseReport>),
    Stress(Box<StressReport>),
    Exact(Box<ExactReport>),
    Soak(Box<SoakReport>),
}

impl Report {
    pub(crate) fn new(run: &Run, outcome: Outcome) -> Self {
        let options = &run.options;
        Self {
            version: env!("CARGO_PKG_VERSION"),
            url: options.target.to_string(),
            protocol: options.target.protocol.name(),
            settings: Settings {
                seed: options.seed,
                keys: run.draw.keys(),
                distribution: match options.distribution {
                    Distribution::One => "one".to_owned(),
                    Distribution::Uniform => "uniform".to_owned(),
                    Distribution::Zipf(exponent) => format!("zipf:{exponent}"),
                },
                cost: [*options.cost.start(), *options.cost.end()],
                connections: options.connections,
                streams: options.streams,
                timeout_ms: millis(options.timeout),
            },
            interrupted: run.stop.is_stopped(),
            notes: run.notes.clone(),
            outcome,
        }
    }

    /// Whether nothing was shown that must not be: no key was given more than its limit.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !matches!(&self.outcome, Outcome::Exact(report) if !report.is_exact())
    }

    /// Whether it was ended before its time.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> String {
        // Names and numbers only: they can be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        text::report(self)
    }
}

pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// So many in a span, as a rate a second, rounded.
pub(crate) fn per_second(count: u64, span: Duration) -> u64 {
    let nanos = span.as_nanos().max(1);
    let scaled = u128::from(count) * 1_000_000_000;
    u64::try_from((scaled + nanos / 2) / nanos).unwrap_or(u64::MAX)
}
