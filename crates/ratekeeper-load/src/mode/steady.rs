//! One load, for a time.

use std::time::Duration;

use crate::error::LoadError;
use crate::options::Load;
use crate::report::PhaseReport;
use crate::run::Run;

/// Loads the server for so long.
pub(crate) async fn steady(run: &Run, load: Load, lasts: Duration) -> Result<PhaseReport, LoadError> {
    let clients = run.connected(run.options.connections).await?;
    let running = run.phase(load, lasts, window(lasts)).start(clients, &run.stop)?;
    let (measured, _) = running.finish().await?;
    Ok(PhaseReport::new(measured))
}

/// A second; less in a run of few of them.
pub(crate) fn window(lasts: Duration) -> Duration {
    (lasts / 10).clamp(Duration::from_millis(100), Duration::from_secs(1))
}
