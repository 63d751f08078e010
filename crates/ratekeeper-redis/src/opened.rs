//! Something that is opened once for all who want it, and again when it has gone bad, but not all the time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ratekeeper_store::StoreError;
use tokio::sync::watch;
use tokio::time::Instant;

/// Waits between attempts: they double from the first to the longest, and are cut by up to a half at random.
const FIRST_WAIT: Duration = Duration::from_millis(20);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Nobody waits longer for one attempt.
const PATIENCE: Duration = Duration::from_secs(2);

/// A value that is opened on demand by one task at a time, whoever gives up waiting for it. While it cannot be had, those
/// who want it are told at once why.
#[derive(Debug)]
pub(crate) struct Opened<T>(Arc<Mutex<State<T>>>);

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    /// Closed when the attempt is over.
    attempt: Option<watch::Receiver<()>>,
    /// Attempts of late, successful or not: what is opened and breaks at once is no better than what is not opened.
    attempts: u32,
    /// No attempt before.
    rests_until: Option<Instant>,
    why: Option<StoreError>,
}

impl<T> Default for Opened<T> {
    fn default() -> Self {
        let state = State { value: None, attempt: None, attempts: 0, rests_until: None, why: None };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl<T: Clone + Send + 'static> Opened<T> {
    /// The value, unless `is_bad`; opened by `open` if need be.
    pub(crate) async fn get<F>(
        &self,
        is_bad: impl Fn(&T) -> bool,
        open: impl Fn() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        loop {
            let mut attempt = {
                let mut state = self.0.lock();
                if state.value.as_ref().is_some_and(&is_bad) {
                    state.value = None;
                }
                if let Some(value) = &state.value {
                    return Ok(value.clone());
                }
                match state.under_way() {
                    Some(attempt) => attempt.clone(),
                    None => match state.why_not() {
                        Some(why) => return Err(why),
                        None => self.attempt(&mut state, open()),
                    },
                }
            };
            // It never says anything but that it is over.
            let _ = attempt.changed().await;
        }
    }

    /// Opens it anew in the background; until then the old one is good enough.
    pub(crate) fn renew<F>(&self, open: impl Fn() -> F)
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let mut state = self.0.lock();
        if state.under_way().is_none() && !state.rests() {
            self.attempt(&mut state, open());
        }
    }

    fn attempt<F>(&self, state: &mut State<T>, open: F) -> watch::Receiver<()>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let (over, attempt) = watch::channel(());
        state.attempt = Some(attempt.clone());
        if state.rests_until.is_none_or(|until| until.elapsed() > 2 * LONGEST_WAIT) {
            state.attempts = 0;
        }
        let shared = Arc::clone(&self.0);
        // A task of its own: those who asked may have given up when it is there.
        tokio::spawn(async move {
            let opened = tokio::time::timeout(PATIENCE, open).await;
            let mut state = shared.lock();
            state.attempt = None;
            match opened.unwrap_or_else(|_| Err(unheard())) {
                Ok(value) => (state.value, state.why) = (Some(value), None),
                Err(why) => state.why = Some(why),
            }
            let wait = FIRST_WAIT.saturating_mul(1 << state.attempts.min(8)).min(LONGEST_WAIT);
            state.attempts = state.attempts.saturating_add(1);
            state.rests_until = Some(Instant::now() + shortened(wait));
            drop(over);
        });
        attempt
    }
}

impl<T> State<T> {
    /// The attempt that is being made; one whose runtime was shut down is none.
    fn under_way(&self) -> Option<&watch::Receiver<()>> {
        self.attempt.as_ref().filter(|attempt| attempt.has_changed().is_ok())
    }

    fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| Instant::now() < until)
    }

    /// Why there is no attempt yet.
    fn why_not(&self) -> Option<StoreError> {
        let lost = || StoreError::Unavailable {
            reason: "Redis broke off right after it was connected to; it is tried again soon".to_owned(),
        };
        self.rests().then(|| self.why.clone().unwrap_or_else(lost))
    }
}

fn unheard() -> StoreError {
    StoreError::Unavailable { reason: format!("Redis does not answer within {PATIENCE:?} when connected to") }
}

/// A wait cut by up to a half at random, so that many processes do not come back in step.
#[allow(clippy::disallowed_methods, reason = "no decision depends on it")]
fn shortened(wait: Duration) -> Duration {
    let mut byte = [0];
    // Without randomness all wait for the longest.
    let _ = getrandom::fill(&mut byte);
    wait - wait * u32::from(byte[0]) / 512
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_share_one_attempt_and_failures_are_not_repeated_at_once() {
        let (opened, attempts) = (Opened::<u32>::default(), Arc::new(AtomicU32::new(0)));
        let open = || {
            let attempts = Arc::clone(&attempts);
            async move {
                let number = attempts.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                if number == 0 {
                    Err(StoreError::Resting)
                } else {
                    Ok(number)
                }
            }
        };
        let never = |_: &u32| false;
        // The first gives up at once; its attempt goes on.
        assert!(tokio::time::timeout(Duration::from_millis(1), opened.get(never, open)).await.is_err());
        assert_eq!(opened.get(never, open).await, Err(StoreError::Resting));
        assert_eq!(opened.get(never, open).await, Err(StoreError::Resting));
        assert_eq!(attempts.load(Ordering::SeqCst), 1, "one attempt for all");
        tokio::time::advance(LONGEST_WAIT).await;
        assert_eq!(opened.get(never, open).await, Ok(1));
        assert!(opened.get(|value| *value == 1, open).await.is_err(), "not so soon after the last");
        tokio::time::advance(LONGEST_WAIT).await;
        assert_eq!(opened.get(|value| *value == 1, open).await, Ok(2), "a bad one is replaced");
        opened.renew(open);
        assert_eq!(opened.get(never, open).await, Ok(2), "the old one serves until the new one is there");
        assert_eq!(attempts.load(Ordering::SeqCst), 3, "not so soon after the last");
        tokio::time::advance(LONGEST_WAIT).await;
        opened.renew(open);
        opened.renew(open);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(opened.get(never, open).await, Ok(3));
    }

    #[test]
    fn an_attempt_ends_with_its_runtime() {
        let opened = Opened::<u32>::default();
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let first = runtime();
        first.block_on(async {
            let waiting = opened.get(|_| false, std::future::pending);
            assert!(tokio::time::timeout(Duration::from_millis(1), waiting).await.is_err());
        });
        drop(first);
        assert_eq!(runtime().block_on(opened.get(|_| false, || async { Ok(1) })), Ok(1));
    }

    #[test]
    fn waits_are_cut_by_at_most_a_half() {
        for _ in 0..100 {
            let wait = shortened(LONGEST_WAIT);
            assert!(wait > LONGEST_WAIT / 2 && wait <= LONGEST_WAIT);
        }
    }
}
