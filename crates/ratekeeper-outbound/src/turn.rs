//! A call's turn: what is asked for before it goes.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ratekeeper_core::Micros;
use tokio::time::timeout_at;

use crate::lane::{Entered, Lane};
use crate::{PaceError, Permit};

/// The turn of one call: await it, or take it [`now`](Self::now) or not at all.
///
/// Nothing happens before. Dropping what is awaited leaves the line and takes nothing.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use std::time::Duration;
/// use ratekeeper_core::{Limit, Micros};
/// use ratekeeper_outbound::{PaceError, Pacer};
/// let pacer = Pacer::new(Limit::token_bucket(10, Micros::MINUTE)?);
/// let permit = pacer.until_ready().cost(10).await?;
/// let error = pacer.until_ready().within(Duration::from_secs(2)).await.unwrap_err();
/// assert!(matches!(error, PaceError::TooLong { wait, .. } if wait > Duration::from_secs(5)));
/// # drop(permit);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a turn does nothing until it is awaited"]
pub struct Turn {
    lane: Result<Arc<Lane>, PaceError>,
    cost: u64,
    within: Option<Duration>,
}

impl Turn {
    pub(crate) fn new(lane: Result<Arc<Lane>, PaceError>) -> Self {
        Self { lane, cost: 1, within: None }
    }

    /// The same turn of a call that costs `cost`, instead of 1.
    pub fn cost(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    /// The same turn of a call that may wait for so long, if the pacer lets it. What is known to take longer fails at once.
    pub fn within(mut self, longest: Duration) -> Self {
        self.within = Some(longest);
        self
    }

    /// Takes the turn if there is nothing to wait for, and does not wait.
    ///
    /// # Errors
    /// [`PaceError::TooLong`] if there is, and those that [`Pacer`](crate::Pacer) has for every call.
    pub fn now(self) -> Result<Permit, PaceError> {
        self.lane?.try_pass(self.cost).map(Permit::taken)
    }

    async fn wait(self) -> Result<Permit, PaceError> {
        let lane = self.lane?;
        let time = lane.settings().time;
        let since = time.now();
        let most = lane.settings().config.max_wait;
        let most = self.within.map_or(most, |within| within.min(most));
        let until = since + Micros::from(most);
        loop {
            let (place, mut answer) = match lane.enter(self.cost, until)? {
                Entered::Passed(permit) => return Ok(permit.taken()),
                Entered::Waits(place, answer) => (place, answer),
            };
            let answer = match timeout_at(time.instant(until), &mut answer).await {
                Ok(answer) => answer.ok(),
                Err(_) => {
                    lane.serve_late();
                    let late = PaceError::TooLong { wait: time.now().since(since).into(), most };
                    Some(answer.try_recv().unwrap_or(Err(late)))
                }
            };
            drop(place);
            // None: who served the line is gone, and somebody else has to.
            if let Some(answer) = answer {
                return answer.map(Permit::taken);
            }
        }
    }
}

impl IntoFuture for Turn {
    type Output = Result<Permit, PaceError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.wait())
    }
}
