//! Whether the server's memory grows, over a long time.

use std::time::Duration;

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::steady::window;
use crate::client::{Get, Plug};
use crate::clock::{Clock as _, Monotonic};
use crate::error::LoadError;
use crate::measure::{Trend, trend};
use crate::options::Load;
use crate::report::PhaseReport;
use crate::run::Run;
use crate::target::Target;

/// The most samples that are kept: when there are more, every second one is left out.
const MOST: usize = 4096;
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(5);
const MEMORY: &str = "process_resident_memory_bytes";
const KEYS: &str = "ratekeeper_store_keys";

/// How the server's memory went.
#[derive(Debug, Serialize)]
pub(crate) struct SoakReport {
    pub(crate) metrics_url: String,
    pub(crate) samples: Vec<Sample>,
    /// Pages that did not come, or told nothing of memory.
    pub(crate) missed: u64,
    /// `null` if there are too few samples to tell.
    pub(crate) trend: Option<Trend>,
    pub(crate) load: PhaseReport,
}

/// The server at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Sample {
    pub(crate) at_ms: u64,
    pub(crate) resident_bytes: u64,
    /// Counters in its memory stores: what fills memory at first.
    pub(crate) keys: u64,
}

/// Loads the server for long.
pub(crate) async fn soak(
    run: &Run,
    load: Load,
    lasts: Duration,
    metrics: Target,
    every: Duration,
) -> Result<SoakReport, LoadError> {
    let url = metrics.to_string();
    let mut watch =
        Watch { page: Get::new(Plug::to(metrics, &run.options)?), samples: Vec::new(), missed: 0 };
    let server = |detail: &str| LoadError::Server { url: url.clone(), detail: detail.to_owned() };
    if watch.look().await.is_none() {
        return Err(server(&format!("it tells no {MEMORY}; --metrics-url says where the metrics are")));
    }
    let clients = run.connected(run.options.connections).await?;
    let running = run.phase(load, lasts, window(lasts)).start(clients, &run.stop)?;
    let clock = Monotonic::start();
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let finished = running.finish();
    tokio::pin!(finished);
    let measured = loop {
        tokio::select! {
            biased;
            measured = &mut finished => break measured?.0,
            _ = ticks.tick() => watch.note(clock).await,
        }
    };
    watch.note(clock).await;
    let trend = trend(&watch.samples.iter().map(Sample::point).collect::<Vec<_>>());
    let (samples, missed) = (watch.samples, watch.missed);
    Ok(SoakReport { metrics_url: url, samples, missed, trend, load: PhaseReport::new(measured) })
}

impl Sample {
    #[allow(
        clippy::float_arithmetic,
        clippy::cast_precision_loss,
        reason = "bytes and milliseconds are far below 2^53"
    )]
    fn point(&self) -> (f64, f64) {
        (self.at_ms as f64 / 1000.0, self.resident_bytes as f64)
    }
}

/// Looks at the metrics.
struct Watch {
    page: Get,
    samples: Vec<Sample>,
    missed: u64,
}

impl Watch {
    async fn note(&mut self, clock: Monotonic) {
        match self.look().await {
            None => self.missed += 1,
            Some((resident_bytes, keys)) => {
                let at_ms = crate::report::millis(clock.elapsed());
                if self.samples.len() == MOST {
                    let mut odd = false;
                    self.samples.retain(|_| {
                        odd = !odd;
                        odd
                    });
                }
                self.samples.push(Sample { at_ms, resident_bytes, keys });
            }
        }
    }

    async fn look(&mut self) -> Option<(u64, u64)> {
        let page = timeout(PATIENCE, self.page.page()).await.ok()?.ok()?;
        let text = std::str::from_utf8(&page).ok()?;
        Some((value(text, MEMORY)?, value(text, KEYS).unwrap_or_default()))
    }
}

/// The sum of the series of this name.
fn value(page: &str, name: &str) -> Option<u64> {
    let of_name = |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
    let numbers = page.lines().filter(of_name).filter_map(|line| whole(line.rsplit(' ').next()?));
    numbers.reduce(|sum, number| sum + number)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is looked at before"
)]
fn whole(text: &str) -> Option<u64> {
    let number: f64 = text.parse().ok()?;
    (0.0..9e15).contains(&number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_from_a_page() {
        let page = "# TYPE a gauge\nab 7\na{store=\"x y\"} 1e3\na{store=\"z\"} 5\nprocess_resident_memory_bytes 12345856\n";
        assert_eq!(value(page, "a"), Some(1005));
        assert_eq!(value(page, MEMORY), Some(12_345_856));
        assert_eq!(value(page, "process_resident"), None);
        assert_eq!(value("a NaN\na -1\n", "a"), None);
    }
}
