//! Many times more than the server can do, and back: what it still does, and how soon it is as before.

use std::time::Duration;

use serde::Serialize;

use super::steady::window;
use crate::error::LoadError;
use crate::measure::Point;
use crate::options::Load;
use crate::report::PhaseReport;
use crate::run::Run;
use crate::schedule::Rate;

/// Points in a row that must be as before.
const IN_A_ROW: usize = 5;
/// Requests that a point should have at least, so that its 99th percentile says something.
const IN_A_POINT: u64 = 100;

/// How the server did.
#[derive(Debug, Serialize)]
pub(crate) struct StressReport {
    /// What it can do, a second, and where this was measured.
    pub(crate) sustainable_per_second: u64,
    pub(crate) calibration: Option<PhaseReport>,
    /// At half of it.
    pub(crate) before: PhaseReport,
    pub(crate) factor: u64,
    /// Connections during the overload: so many times more, too.
    pub(crate) overload_connections: usize,
    pub(crate) overload: PhaseReport,
    /// Answers during the overload, as a share of what it can do.
    pub(crate) goodput_percent: u64,
    /// At half of it again.
    pub(crate) after: PhaseReport,
    /// When the 99th percentile was again at most twice what it was before, and stayed there for five points; `null` if it
    /// did not within the time.
    pub(crate) recovered_after_ms: Option<u64>,
}

/// Overloads the server.
pub(crate) async fn stress(
    run: &Run,
    sustainable: Option<Rate>,
    lasts: Duration,
    factor: u64,
) -> Result<StressReport, LoadError> {
    let base = run.connected(run.options.connections).await?;
    let (sustainable, calibration, base) = match sustainable {
        Some(rate) => (rate, None, base),
        None => {
            let (measured, base) =
                run.phase(Load::Closed, lasts, window(lasts)).start(base, &run.stop)?.finish().await?;
            let report = PhaseReport::new(measured);
            (Rate::per_second(report.answered_per_second), Some(report), base)
        }
    };
    if calibration.as_ref().is_some_and(|report| report.answered == 0) {
        let detail = "it answered nothing at all under load".to_owned();
        return Err(LoadError::Server { url: run.options.target.to_string(), detail });
    }
    let half = sustainable.times(1, 2);
    let point = point(half);
    let (measured, base) =
        run.phase(Load::Constant(half), lasts, point).start(base, &run.stop)?.finish().await?;
    let before = PhaseReport::new(measured);
    let connections = run.options.connections.saturating_mul(usize::try_from(factor).unwrap_or(usize::MAX));
    let crowd = run.connected(connections).await?;
    let offered = Load::Constant(sustainable.times(factor, 1));
    let mut overload = run.phase(offered, lasts, point);
    // Whoever finds no connection is lost: a queue of the generator's own would say nothing of the server.
    overload.patience = run.options.timeout / 200;
    let mut overload = overload.start(crowd, &run.stop)?;
    overload.over().await;
    overload.cut();
    // The crowd's last calls are still there: from this instant on the server has to recover.
    let after = run.phase(Load::Constant(half), lasts, point).start(base, &run.stop)?;
    let (overload, after) = tokio::join!(overload.finish(), after.finish());
    let (overload, after) = (PhaseReport::new(overload?.0), PhaseReport::new(after?.0));
    let per_second = (sustainable.thousandths() + 500) / 1000;
    Ok(StressReport {
        sustainable_per_second: per_second,
        calibration,
        factor,
        overload_connections: connections,
        goodput_percent: overload.answered_per_second * 100 / per_second.max(1),
        recovered_after_ms: recovered(&after.timeline, before.latency_us.p99),
        before,
        overload,
        after,
    })
}

/// How much time is one point: enough for its requests to say something.
fn point(rate: Rate) -> Duration {
    let millis = IN_A_POINT * 1_000_000 / rate.thousandths();
    Duration::from_millis(millis.clamp(100, 1000))
}

/// When the first of enough points in a row began in which all was as before.
fn recovered(points: &[Point], before_p99: u64) -> Option<u64> {
    let as_before = |point: &Point| {
        point.errors == 0 && point.allowed + point.denied > 0 && point.p99_us <= before_p99.saturating_mul(2)
    };
    let first = points.windows(IN_A_ROW).position(|row| row.iter().all(as_before))?;
    Some(first.checked_sub(1).and_then(|before| points.get(before)).map_or(0, |point| point.at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(p99s: &[u64]) -> Vec<Point> {
        let at = (100..).step_by(100);
        p99s.iter()
            .zip(at)
            .map(|(&p99_us, at_ms)| Point { at_ms, p99_us, allowed: 1, ..Point::default() })
            .collect()
    }

    #[test]
    fn it_has_recovered_when_it_stays_as_before() {
        assert_eq!(recovered(&points(&[900, 300, 150, 900, 200, 100, 100, 199, 200]), 100), Some(400));
        assert_eq!(recovered(&points(&[100; 5]), 100), Some(0));
        assert_eq!(recovered(&points(&[100; 4]), 100), None, "too few to tell");
        assert_eq!(recovered(&points(&[100, 100, 100, 100, 201, 100, 100]), 100), None);
        let mut silent = points(&[100; 6]);
        silent[2].allowed = 0;
        assert_eq!(recovered(&silent, 100), None, "who does not answer has not recovered");
        let mut failing = points(&[100; 7]);
        failing[0].errors = 1;
        assert_eq!(recovered(&failing, 100), Some(100));
    }

    #[test]
    fn points_are_long_enough_to_say_something() {
        assert_eq!(point(Rate::per_second(100_000)), Duration::from_millis(100));
        assert_eq!(point(Rate::per_second(200)), Duration::from_millis(500));
        assert_eq!(point(Rate::from_thousandths(1)), Duration::from_secs(1));
    }
}
