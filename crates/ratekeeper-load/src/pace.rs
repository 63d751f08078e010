//! When the connections may ask: at the instants of a schedule, or as fast as they are answered.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::error::LoadError;
use crate::measure::histogram;
use crate::schedule::Schedule;

/// The longest that the pacing thread sleeps, so that it sees when it is told to stop.
const NAP: Duration = Duration::from_millis(20);

/// A request's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) index: u64,
    /// When it was due, since the start.
    pub(crate) due: Duration,
    /// Whether a connection was free for it when it was due.
    pub(crate) at_once: bool,
    /// Other requests that waited too long for a connection to be sent, and are given up.
    pub(crate) lost: u64,
}

/// Tells connections when to ask. It holds numbers only: requests that wait for a connection take no memory.
#[derive(Debug)]
pub(crate) struct Pace {
    schedule: Option<Schedule>,
    lasts: Duration,
    /// How long a request waits for a connection.
    patience: Duration,
    /// Requests that are due, and not taken.
    due: Semaphore,
    taken: AtomicU64,
    /// No request from this place on.
    end: AtomicU64,
    stopped: AtomicBool,
    /// How late requests were let go.
    late: Mutex<Histogram<u64>>,
}

impl Pace {
    /// # Errors
    /// If a histogram cannot be made: a mistake of ours.
    pub(crate) fn constant(
        schedule: Schedule,
        lasts: Duration,
        patience: Duration,
    ) -> Result<Self, LoadError> {
        Self::new(Some(schedule), lasts, patience)
    }

    /// # Errors
    /// As [`constant`](Self::constant).
    pub(crate) fn closed(lasts: Duration) -> Result<Self, LoadError> {
        Self::new(None, lasts, Duration::MAX)
    }

    fn new(schedule: Option<Schedule>, lasts: Duration, patience: Duration) -> Result<Self, LoadError> {
        Ok(Self {
            schedule,
            lasts,
            patience,
            due: Semaphore::new(0),
            taken: AtomicU64::new(0),
            end: AtomicU64::new(u64::MAX),
            stopped: AtomicBool::new(false),
            late: Mutex::new(histogram()?),
        })
    }

    /// The next turn; none once all have been taken, or the run was stopped.
    pub(crate) async fn next(&self, clock: &dyn Clock) -> Option<Turn> {
        let Some(schedule) = &self.schedule else {
            let due = clock.elapsed();
            let over = self.stopped.load(Ordering::Relaxed) || due >= self.lasts;
            let index = self.taken.fetch_add(1, Ordering::Relaxed);
            return (!over).then_some(Turn { index, due, at_once: true, lost: 0 });
        };
        let at_once = match self.due.try_acquire() {
            Ok(permit) => {
                permit.forget();
                false
            }
            Err(_) => {
                self.due.acquire().await.ok()?.forget();
                true
            }
        };
        let index = self.taken.fetch_add(1, Ordering::Relaxed);
        let over = index >= self.end.load(Ordering::Relaxed) || self.stopped.load(Ordering::Relaxed);
        let lost = if at_once || over {
            0
        } else {
            self.give_up(schedule, clock)
        };
        (!over).then(|| Turn { index, due: schedule.due(index), at_once, lost })
    }

    /// Takes all requests at once that have waited for too long: one by one they would take the time of those that have not.
    fn give_up(&self, schedule: &Schedule, clock: &dyn Clock) -> u64 {
        let Some(before) = clock.elapsed().checked_sub(self.patience) else {
            return 0;
        };
        let taken = self.taken.load(Ordering::Relaxed);
        let end = self.end.load(Ordering::Relaxed);
        let late = schedule.due_by(before).min(end).saturating_sub(taken);
        let late = late.min(u64::try_from(self.due.available_permits()).unwrap_or(u64::MAX));
        match self.due.try_acquire_many(u32::try_from(late).unwrap_or(u32::MAX)) {
            Ok(permits) => {
                let lost = u64::try_from(permits.num_permits()).unwrap_or_default();
                permits.forget();
                self.taken.fetch_add(lost, Ordering::Relaxed);
                lost
            }
            // Others have taken them meanwhile.
            Err(_) => 0,
        }
    }

    /// Lets requests go as they become due, until the last one; then `tasks` find that there are no more.
    pub(crate) fn run(&self, clock: &dyn Clock, tasks: usize) {
        let Some(schedule) = &self.schedule else {
            return;
        };
        let (mut gone, total) = (0, schedule.total());
        while gone < total && !self.stopped.load(Ordering::Relaxed) {
            let now = clock.elapsed();
            let due = schedule.due_by(now);
            if due > gone {
                let late = now.saturating_sub(schedule.due(gone));
                let late = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
                // All of them as late as the latest.
                self.late.lock().saturating_record_n(late, due - gone);
                self.let_go(due - gone);
                gone = due;
            } else {
                clock.sleep(schedule.due(gone).saturating_sub(now).min(NAP));
            }
        }
        self.end.store(gone, Ordering::Relaxed);
        self.let_go(u64::try_from(tasks).unwrap_or(u64::MAX));
    }

    fn let_go(&self, count: u64) {
        let room = Semaphore::MAX_PERMITS - self.due.available_permits();
        self.due.add_permits(usize::try_from(count).unwrap_or(usize::MAX).min(room));
    }

    /// Ends it early: whoever waits for a turn gets none.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.due.close();
    }

    /// How many requests were let go and not taken.
    pub(crate) fn left(&self) -> u64 {
        let let_go = self.late.lock().len();
        let_go.saturating_sub(self.taken.load(Ordering::Relaxed))
    }

    /// How late requests were let go.
    pub(crate) fn late(&self) -> Histogram<u64> {
        self.late.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Rate;

    /// Stands still, but for whoever sleeps; and oversleeps once.
    struct Slow {
        now: Mutex<Duration>,
        oversleeps_at: Duration,
    }

    impl Clock for Slow {
        fn elapsed(&self) -> Duration {
            *self.now.lock()
        }

        fn sleep(&self, span: Duration) {
            let mut now = self.now.lock();
            let before = *now;
            *now += span;
            if before < self.oversleeps_at && *now >= self.oversleeps_at {
                *now += Duration::from_millis(100);
            }
        }
    }

    fn paced(oversleeps_at: Duration) -> Pace {
        let lasts = Duration::from_secs(2);
        let pace =
            Pace::constant(Schedule::new(Rate::per_second(1000), lasts), lasts, Duration::from_millis(50))
                .unwrap();
        pace.run(&Slow { now: Mutex::default(), oversleeps_at }, 3);
        pace
    }

    #[tokio::test]
    async fn every_request_has_its_turn_and_its_instant() {
        let pace = paced(Duration::MAX);
        let clock = Slow { now: Mutex::default(), oversleeps_at: Duration::MAX };
        for index in 0..2000 {
            let due = Duration::from_millis(index);
            assert_eq!(pace.next(&clock).await, Some(Turn { index, due, at_once: false, lost: 0 }));
        }
        for _ in 0..3 {
            assert_eq!(pace.next(&clock).await, None);
        }
        assert_eq!((pace.late().len(), pace.late().max()), (2000, 0));
    }

    #[tokio::test]
    async fn who_oversleeps_leaves_nothing_out_and_says_so() {
        let pace = paced(Duration::from_secs(1));
        let clock = Slow { now: Mutex::default(), oversleeps_at: Duration::MAX };
        for index in 0..2000 {
            assert_eq!(pace.next(&clock).await.map(|turn| turn.due), Some(Duration::from_millis(index)));
        }
        assert_eq!(pace.late().len(), 2000);
        assert!((100..102).contains(&(pace.late().max() / 1_000_000)), "{}", pace.late().max());
    }

    #[tokio::test]
    async fn who_waited_too_long_is_given_up_at_once() {
        let pace = paced(Duration::MAX);
        let clock = Slow { now: Mutex::new(Duration::from_millis(1050)), oversleeps_at: Duration::MAX };
        // The first, and those due until the first second.
        let turn = pace.next(&clock).await.unwrap();
        assert_eq!((turn.index, turn.lost), (0, 1000));
        let turn = pace.next(&clock).await.unwrap();
        assert_eq!((turn.index, turn.due, turn.lost), (1001, Duration::from_millis(1001), 0));
        assert_eq!(pace.left(), 998);
    }

    #[tokio::test]
    async fn a_closed_loop_ends_with_its_time() {
        let pace = Pace::closed(Duration::from_secs(1)).unwrap();
        let clock = Slow { now: Mutex::default(), oversleeps_at: Duration::MAX };
        assert!(pace.next(&clock).await.is_some_and(|turn| turn.due == Duration::ZERO));
        clock.sleep(Duration::from_secs(1));
        assert_eq!(pace.next(&clock).await, None);
    }

    #[tokio::test]
    async fn whoever_waits_when_it_is_stopped_gets_no_turn() {
        let schedule = Schedule::new(Rate::per_second(1), Duration::from_secs(9));
        let pace = Pace::constant(schedule, Duration::from_secs(9), Duration::MAX).unwrap();
        let clock = Slow { now: Mutex::default(), oversleeps_at: Duration::MAX };
        let (turn, ()) = tokio::join!(pace.next(&clock), async { pace.stop() });
        assert_eq!(turn, None);
    }
}
