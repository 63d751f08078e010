//! Forgetting counters that are idle.

use std::sync::Arc;
use std::time::Duration;

use ratekeeper_store::StoreError;
use tokio::time::{Instant, sleep};
use tokio_postgres::types::Type;

use crate::connection::{Connection, SILENCE, jittered};
use crate::schema::identifier;
use crate::server::Server;

/// Rows of a step: it takes about a millisecond, for which decisions on the same connection wait.
const STEP: i32 = 500;
/// So long a row is kept after it has become idle, should the server's clock step back.
const GRACE: Duration = Duration::from_secs(60);
/// Between two times through the table, of all processes together.
const PAUSE: Duration = Duration::from_secs(60);
/// A step is followed by a pause of so many times its length.
const REST: u32 = 4;

/// Sweeps for as long as it is let.
pub(crate) async fn run(server: Arc<Server>) {
    loop {
        sleep(jittered(PAUSE)).await;
        // Who does not count does not sweep.
        if server.any_ready().is_some()
            && let Err(error) = through(&server, PAUSE).await
        {
            tracing::debug!(%error, "idle counters could not be swept");
        }
    }
}

/// Goes through the rest of the table, and says how many rows were deleted; `None` if it was not our turn.
pub(crate) async fn through(server: &Server, pause: Duration) -> Result<Option<u64>, StoreError> {
    let mut sum = None;
    loop {
        let begun = Instant::now();
        let Some((seen, deleted)) = step(server, pause).await? else {
            return Ok(sum);
        };
        sum = Some(sum.unwrap_or(0) + u64::from(deleted.unsigned_abs()));
        if seen < STEP {
            return Ok(sum);
        }
        sleep(begun.elapsed() * REST).await;
    }
}

async fn step(server: &Server, pause: Duration) -> Result<Option<(i32, i32)>, StoreError> {
    let statement =
        format!("SELECT * FROM {}.sweep_1($1, $2, $3)", identifier(&server.location().schema.name));
    let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    let (grace, pause) = (micros(GRACE), micros(pause));
    let ask = async move |connection: Arc<Connection>| {
        let row = connection
            .client
            .query_typed_one(&statement, &[(&STEP, Type::INT4), (&grace, Type::INT8), (&pause, Type::INT8)])
            .await?;
        Ok(row.try_get::<_, Option<i32>>(0)?.zip(row.try_get::<_, Option<i32>>(1)?))
    };
    server.run(0, SILENCE, ask).await.map_err(|failure| failure.error)
}
