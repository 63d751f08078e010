//! One stretch of load: so many connections, one way in which requests come.

use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::client::{Answer, Client, Problem};
use crate::clock::{Clock as _, Monotonic};
use crate::draw::Draw;
use crate::error::LoadError;
use crate::ledger::Ledger;
use crate::measure::{Point, Recorder, Series, Tally};
use crate::options::Load;
use crate::pace::{Pace, Turn};
use crate::schedule::Schedule;
use crate::stop::Stop;

/// How long a caller in a closed loop waits when no connection comes about: else it would do nothing but try.
const PAUSE: Duration = Duration::from_millis(10);

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) load: Load,
    pub(crate) lasts: Duration,
    /// How long a request may take from when it is due.
    pub(crate) timeout: Duration,
    /// How long it may wait for a connection: less than that, or it would be sent with no time left for its answer.
    pub(crate) patience: Duration,
    /// How much time is one point of the series.
    pub(crate) window: Duration,
    pub(crate) draw: Arc<Draw>,
    /// Keeps a book of each key, if it is to be proven that none got too much.
    pub(crate) ledger: Option<Arc<Ledger>>,
}

/// What was done.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) load: Load,
    /// For how long requests were due: less than planned if it was stopped.
    pub(crate) lasted: Duration,
    pub(crate) tally: Tally,
    pub(crate) points: Vec<Point>,
    /// How late the generator was with letting requests go.
    pub(crate) late: Histogram<u64>,
    /// The share of the time that its threads were busy, in percent.
    pub(crate) busy_percent: u64,
}

/// A phase that has begun.
#[derive(Debug)]
pub(crate) struct Running {
    clock: Monotonic,
    lasts: Duration,
    pace: Arc<Pace>,
    stop: Stop,
    task: JoinHandle<(Measured, Vec<Client>)>,
}

impl Running {
    /// Waits until no more requests become due. Some may still be on their way.
    pub(crate) async fn over(&mut self) {
        let rest = self.lasts.saturating_sub(self.clock.elapsed());
        tokio::select! { () = sleep(rest) => {}, () = self.stop.stopped() => {} }
    }

    /// Sends no more: whoever still waits for a connection is given up.
    pub(crate) fn cut(&self) {
        self.pace.stop();
    }

    /// Waits for the last answers; gives the connections back.
    ///
    /// # Errors
    /// If a task ended in a way that it should not: a mistake of ours.
    pub(crate) async fn finish(self) -> Result<(Measured, Vec<Client>), LoadError> {
        self.task.await.map_err(|error| LoadError::option(format!("load: {error}")))
    }
}

impl Phase {
    /// Begins, with one task for each client.
    ///
    /// # Errors
    /// If a histogram cannot be made: a mistake of ours.
    pub(crate) fn start(self, clients: Vec<Client>, stop: &Stop) -> Result<Running, LoadError> {
        let pace = Arc::new(match self.load {
            Load::Constant(rate) => {
                Pace::constant(Schedule::new(rate, self.lasts), self.lasts, self.patience)?
            }
            Load::Closed => Pace::closed(self.lasts)?,
        });
        let recorder = Arc::new(Recorder::new(Handle::current().metrics().num_workers())?);
        let (window, total) = (Tally::new()?, Tally::new()?);
        let (clock, lasts) = (Monotonic::start(), self.lasts);
        let tasks = clients.len();
        let pacing = Arc::clone(&pace);
        tokio::task::spawn_blocking(move || pacing.run(&clock, tasks));
        let phase = Arc::new(self);
        let mut workers = JoinSet::new();
        for (number, client) in clients.into_iter().enumerate() {
            let worker = Worker {
                number,
                phase: Arc::clone(&phase),
                pace: Arc::clone(&pace),
                recorder: Arc::clone(&recorder),
            };
            workers.spawn(worker.run(client, clock));
        }
        let cut = Arc::clone(&pace);
        let supervisor = Supervisor { phase, pace, recorder, clock, stop: stop.clone(), window, total };
        Ok(Running {
            clock,
            lasts,
            pace: cut,
            stop: stop.clone(),
            task: tokio::spawn(supervisor.run(workers)),
        })
    }
}

/// One caller.
struct Worker {
    number: usize,
    phase: Arc<Phase>,
    pace: Arc<Pace>,
    recorder: Arc<Recorder>,
}

impl Worker {
    async fn run(self, mut client: Client, clock: Monotonic) -> Client {
        while let Some(turn) = self.pace.next(&clock).await {
            let outcome = self.ask(&mut client, turn, clock).await;
            if self.phase.load == Load::Closed && outcome.is_err_and(|problem| problem.kind == "connect") {
                sleep(PAUSE).await;
            }
        }
        client
    }

    async fn ask(&self, client: &mut Client, turn: Turn, clock: Monotonic) -> Result<Answer, Problem> {
        let question = self.phase.draw.question(turn.index);
        let began = clock.elapsed();
        let late = began.saturating_sub(turn.due);
        self.recorder.lost(self.number, turn.lost, late);
        let outcome = if late > self.phase.patience {
            Err(Problem::unsent())
        } else {
            let asked = timeout(self.phase.timeout.saturating_sub(late), client.ask(question)).await;
            asked.unwrap_or_else(|_| Err(Problem::timeout()))
        };
        let ended = clock.elapsed();
        self.recorder.note(
            self.number,
            turn.at_once.then_some(late),
            ended.saturating_sub(turn.due),
            &outcome,
        );
        if let Some(ledger) = &self.phase.ledger {
            ledger.note(question, began, ended, &outcome);
        }
        outcome
    }
}

/// Adds up what the callers note.
struct Supervisor {
    phase: Arc<Phase>,
    pace: Arc<Pace>,
    recorder: Arc<Recorder>,
    clock: Monotonic,
    stop: Stop,
    window: Tally,
    total: Tally,
}

impl Supervisor {
    async fn run(mut self, mut workers: JoinSet<Client>) -> (Measured, Vec<Client>) {
        let busy = Busy::start(self.clock);
        let mut lasted = self.phase.lasts;
        let (mut clients, mut series, mut stopped) = (Vec::new(), Series::default(), false);
        let mut ticks = interval(self.phase.window);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            tokio::select! {
                biased;
                () = self.stop.stopped(), if !stopped => {
                    stopped = true;
                    lasted = lasted.min(self.clock.elapsed());
                    self.pace.stop();
                }
                _ = ticks.tick() => self.look(&mut series),
                worker = workers.join_next() => match worker {
                    Some(worker) => clients.extend(worker.ok()),
                    None => break,
                },
            }
        }
        if !stopped {
            self.recorder.lost(0, self.pace.left(), self.phase.patience);
        }
        self.look(&mut series);
        let measured = Measured {
            load: self.phase.load,
            lasted,
            tally: self.total,
            points: series.into_points(),
            late: self.pace.late(),
            busy_percent: busy.percent(self.clock),
        };
        (measured, clients)
    }

    fn look(&mut self, series: &mut Series) {
        self.recorder.take(&mut self.window);
        self.total.add(&self.window);
        series.add(self.clock.elapsed(), &self.window);
    }
}

/// How busy the threads are.
struct Busy {
    nanos: u128,
    since: Duration,
}

impl Busy {
    fn start(clock: Monotonic) -> Self {
        Self { nanos: Self::nanos(), since: clock.elapsed() }
    }

    fn nanos() -> u128 {
        let metrics = Handle::current().metrics();
        (0..metrics.num_workers())
            .map(|worker| metrics.worker_total_busy_duration(worker).as_nanos())
            .sum()
    }

    fn percent(&self, clock: Monotonic) -> u64 {
        let threads = u128::try_from(Handle::current().metrics().num_workers()).unwrap_or(1);
        let there = (clock.elapsed().saturating_sub(self.since)).as_nanos() * threads;
        let percent = (Self::nanos() - self.nanos) * 100 / there.max(1);
        u64::try_from(percent.min(100)).unwrap_or(100)
    }
}
