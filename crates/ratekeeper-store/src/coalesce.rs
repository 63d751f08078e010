//! Puts concurrent calls together: while one is in flight the next units gather, and go as one batch.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use foldhash::fast::RandomState;
use futures_util::future::{Either, FutureExt as _, select};
use hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard};
use ratekeeper_core::Key;
use tokio::runtime::{Handle, Id};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::copied_unit::{Answered, CopiedUnit};
use crate::store::pass_on;
use crate::{Answer, Batch, Store, StoreError, unit};

/// Bounds of a [`Coalesce`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoalesceConfig {
    /// Units in one call at most. Default 128: the work of each is small beside the way there and back by then.
    pub max_units: usize,
    /// Checks in one call at most, but for a unit that has more by itself. Default 512.
    pub max_checks: usize,
    /// Checks that wait for one lane at most. Default 4096: 32 calls of 128, behind which nobody is in time.
    pub max_waiting_in_lane: usize,
    /// Checks that wait in all lanes at most: a bound on memory, about 10 MB. Default 16,384.
    pub max_waiting: usize,
    /// A call that takes longer is not waited for any more: who comes then lets the next one go beside it. So nobody who
    /// stops polling halts the others. Default 50 ms, longer than the usual deadline.
    pub patience: Duration,
}

impl Default for CoalesceConfig {
    fn default() -> Self {
        Self {
            max_units: 128,
            max_checks: 512,
            max_waiting_in_lane: 4096,
            max_waiting: 16_384,
            patience: Duration::from_millis(50),
        }
    }
}

/// A store around a store that has at most one call in flight in every [lane](Store::lane): what is asked meanwhile is
/// put together, in order, into the next one. There is no timer: with nothing in flight a call goes at once, as it is.
///
/// What is put together is asked by a task of its own on the callers' tokio runtime, until it answers or all its callers
/// have given up. An error of the batch is the error of all of its units, so a store says in
/// [`Unit::error`](crate::Unit::error) what concerns only one.
///
/// Some calls go at once, whatever is in flight: batches of several units, which are put together already; those with an
/// instant of their own, since a batch has only one; those from outside of a runtime; and all calls of a store that makes
/// no [trips](crate::Capabilities::trips), which this costs nothing therefore.
///
/// ```
/// use std::sync::Arc;
/// use ratekeeper_core::{Key, Limit, Micros};
/// use ratekeeper_store::{Coalesce, CoalesceConfig, MemoryStore, StoreExt};
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let store = Coalesce::new(MemoryStore::default(), CoalesceConfig::default());
/// let limit = Limit::token_bucket(10, Micros::SECOND)?;
/// assert_eq!(store.take(Key::new(b"alice")?, &limit, 1).await?.remaining, 9);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Coalesce<S> {
    shared: Arc<Shared<S>>,
}

struct Shared<S> {
    inner: S,
    config: CoalesceConfig,
    makes_trips: bool,
    /// The lanes with a call in flight.
    lanes: [Mutex<HashMap<u64, Lane, RandomState>>; SHARDS],
    /// Checks that wait in all lanes.
    waiting: AtomicUsize,
    /// Calls of lanes so far; each has its number from here.
    calls: AtomicU64,
    gathered: AtomicU64,
}

const SHARDS: usize = 16;

/// A lane with a call in flight.
struct Lane {
    /// The number of the call.
    call: u64,
    since: Instant,
    /// Whether its task has been spawned; until then who ends it leaves the next one to the one who spawns.
    begun: bool,
    ended: bool,
    waiting: VecDeque<Waiting>,
    /// Checks that wait in it.
    checks: usize,
}

impl Lane {
    fn with(call: u64) -> Self {
        let waiting = VecDeque::new();
        Self { call, since: Instant::now(), begun: true, ended: false, waiting, checks: 0 }
    }
}

/// What is answered to one unit.
type Reply = Result<Answered, StoreError>;

struct Waiting {
    unit: CopiedUnit,
    reply: oneshot::Sender<Reply>,
    /// Where somebody waits, so that it runs as long as somebody does.
    runtime: Handle,
}

/// When a unit is asked.
enum Turn<S: Store + 'static> {
    /// Now, as the call in flight.
    Now(InFlight<S>),
    /// Now, beside the call in flight.
    Beside,
    /// In one of the next calls.
    Next(oneshot::Receiver<Reply>),
}

impl<S: Store + 'static> Coalesce<S> {
    /// Puts concurrent calls of `inner` together.
    #[must_use]
    pub fn new(inner: S, config: CoalesceConfig) -> Self {
        let makes_trips = inner.capabilities().trips > 0;
        Self {
            shared: Arc::new(Shared {
                inner,
                config,
                makes_trips,
                lanes: Default::default(),
                waiting: AtomicUsize::new(0),
                calls: AtomicU64::new(0),
                gathered: AtomicU64::new(0),
            }),
        }
    }

    /// The store inside.
    #[must_use]
    pub fn inner(&self) -> &S {
        &self.shared.inner
    }

    /// How many units were asked together with others, or could have been, rather than by their callers.
    #[must_use]
    pub fn gathered(&self) -> u64 {
        self.shared.gathered.load(Relaxed)
    }

    /// How many checks wait at this moment.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.waiting.load(Relaxed)
    }

    async fn ask(&self, batch: &mut Batch<'_>, lane: u64) -> Result<(), StoreError> {
        let in_flight = match self.shared.turn(batch, lane)? {
            Turn::Now(in_flight) => Some(in_flight),
            Turn::Beside => None,
            Turn::Next(answer) => {
                return answer.await.unwrap_or_else(|_| Err(broke_off()))?.write_to(batch);
            }
        };
        batch.each_unit().for_each(|(unit, _)| unit.error = None);
        let answer = self.shared.inner.apply(batch).wait().await;
        drop(in_flight);
        answer?;
        // As it is told to those who were asked for together.
        batch.units().iter().find_map(|unit| unit.error.clone()).map_or(Ok(()), Err)
    }
}

/// The task that asked was ended: the store panicked, or the runtime was shut down.
#[cold]
fn broke_off() -> StoreError {
    StoreError::Unavailable { reason: "a call broke off that was made together with others".to_owned() }
}

#[cold]
fn too_many_wait() -> StoreError {
    StoreError::Unavailable { reason: "too many requests wait for it already".to_owned() }
}

impl<S: Store + 'static> Shared<S> {
    #[allow(clippy::cast_possible_truncation)]
    fn lanes(&self, lane: u64) -> MutexGuard<'_, HashMap<u64, Lane, RandomState>> {
        // Lanes may be hashes, or numbers in a row: the upper bits of a product differ in both.
        let shard = lane.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - SHARDS.ilog2());
        self.lanes[shard as usize].lock()
    }

    fn next_call(&self) -> u64 {
        self.calls.fetch_add(1, Relaxed)
    }

    /// When the only unit of `batch` is asked. Whoever comes while a call is in flight waits, in order.
    fn turn(self: &Arc<Self>, batch: &Batch<'_>, id: u64) -> Result<Turn<S>, StoreError> {
        let mut lanes = self.lanes(id);
        let Some(lane) = lanes.get_mut(&id) else {
            let call = self.next_call();
            lanes.insert(id, Lane::with(call));
            return Ok(Turn::Now(InFlight { shared: Arc::clone(self), lane: id, call }));
        };
        let Ok(runtime) = Handle::try_current() else {
            return Ok(Turn::Beside);
        };
        let overdue = (lane.since.elapsed() > self.config.patience).then_some(lane.call);
        let turn = self.gather(lane, batch, runtime);
        drop(lanes);
        if let Some(call) = overdue {
            self.go_on(id, call);
        }
        turn
    }

    fn gather(&self, lane: &mut Lane, batch: &Batch<'_>, runtime: Handle) -> Result<Turn<S>, StoreError> {
        // A mistake is an error of the whole batch: it must not meet those of others there.
        unit::validate(batch)?;
        let checks = batch.checks(0).len();
        let fits = |waiting: usize, most: usize| waiting.checked_add(checks).filter(|sum| *sum <= most);
        let waiting = fits(lane.checks, self.config.max_waiting_in_lane).ok_or_else(too_many_wait)?;
        let all = |waiting| fits(waiting, self.config.max_waiting);
        self.waiting.fetch_update(Relaxed, Relaxed, all).map_err(|_| too_many_wait())?;
        lane.checks = waiting;
        let (reply, answer) = oneshot::channel();
        lane.waiting.push_back(Waiting { unit: CopiedUnit::of(batch), reply, runtime });
        Ok(Turn::Next(answer))
    }

    /// The call with this number is in flight no longer: what has gathered in its lane goes.
    fn go_on(self: &Arc<Self>, id: u64, mut ended: u64) {
        while let Some((runtime, call, units)) = self.next_call_of(id, ended) {
            self.gathered.fetch_add(units.len() as u64, Relaxed);
            // A runtime that is shut down ends it in here. Were the next one begun by its end, and so on, the stack
            // would not hold them all.
            runtime.spawn(ask_together(InFlight { shared: Arc::clone(self), lane: id, call }, units));
            if !self.has_ended(id) {
                return;
            }
            ended = call;
        }
    }

    /// The call in flight has been spawned: whether it has ended already.
    fn has_ended(&self, id: u64) -> bool {
        self.lanes(id).get_mut(&id).is_some_and(|lane| {
            lane.begun = true;
            std::mem::take(&mut lane.ended)
        })
    }

    /// Where to spawn the call after the one that has ended, its number and its units.
    fn next_call_of(&self, id: u64, ended: u64) -> Option<(Handle, u64, Vec<Waiting>)> {
        let mut lanes = self.lanes(id);
        // One that took too long may come back when others have gone.
        let lane = lanes.get_mut(&id).filter(|lane| lane.call == ended)?;
        if !lane.begun {
            lane.ended = true;
            return None;
        }
        let units = self.next_units(lane);
        let Some(runtime) = units.first().map(|first| first.runtime.clone()) else {
            lanes.remove(&id);
            return None;
        };
        (lane.call, lane.since, lane.begun) = (self.next_call(), Instant::now(), false);
        Some((runtime, lane.call, units))
    }

    /// The number and the units of the call after the one that has ended, if the first of them waits in this runtime.
    fn next_call_here(&self, id: u64, ended: u64, here: Id) -> Option<(u64, Vec<Waiting>)> {
        let mut lanes = self.lanes(id);
        let lane = lanes.get_mut(&id).filter(|lane| lane.call == ended && lane.begun)?;
        if lane.waiting.front()?.runtime.id() != here {
            return None;
        }
        let units = self.next_units(lane);
        if units.is_empty() {
            return None;
        }
        (lane.call, lane.since) = (self.next_call(), Instant::now());
        Some((lane.call, units))
    }

    /// Takes the units of the next call out of the lane: the first ones that somebody still waits for.
    fn next_units(&self, lane: &mut Lane) -> Vec<Waiting> {
        let (mut units, mut checks) = (Vec::new(), 0);
        while let Some(next) = lane.waiting.pop_front() {
            let (gone, its_checks) = (next.reply.is_closed(), next.unit.checks());
            let full = units.len() >= self.config.max_units || checks + its_checks > self.config.max_checks;
            if full && !gone && !units.is_empty() {
                lane.waiting.push_front(next);
                break;
            }
            lane.checks -= its_checks;
            self.waiting.fetch_sub(its_checks, Relaxed);
            if !gone {
                checks += its_checks;
                units.push(next);
            }
        }
        units
    }
}

/// The call in flight of a lane. However it ends, answered, given up or in a panic: the next one goes.
struct InFlight<S: Store + 'static> {
    shared: Arc<Shared<S>>,
    lane: u64,
    call: u64,
}

impl<S: Store + 'static> InFlight<S> {
    /// Becomes the next call of its lane, if that is to be asked in this runtime.
    fn next(&mut self, here: Id) -> Option<Vec<Waiting>> {
        let (call, units) = self.shared.next_call_here(self.lane, self.call, here)?;
        self.call = call;
        self.shared.gathered.fetch_add(units.len() as u64, Relaxed);
        Some(units)
    }
}

impl<S: Store + 'static> Drop for InFlight<S> {
    fn drop(&mut self) {
        self.shared.go_on(self.lane, self.call);
    }
}

/// Answers that are handed out when this is dropped.
#[derive(Default)]
struct Answers(Vec<(oneshot::Sender<Reply>, Reply)>);

impl Drop for Answers {
    fn drop(&mut self) {
        for (reply, answer) in self.0.drain(..) {
            // Whoever has given up meanwhile does not hear it.
            let _ = reply.send(answer);
        }
    }
}

/// Asks one batch after the other, as long as any wait.
async fn ask_together<S: Store + 'static>(mut in_flight: InFlight<S>, units: Vec<Waiting>) {
    let here = Handle::current().id();
    let (mut next, mut answers) = (Some(units), Answers::default());
    while let Some(units) = next {
        answers = ask_batch(&in_flight.shared.inner, units, answers).await;
        next = in_flight.next(here);
    }
    drop(in_flight);
    drop(answers);
}

/// Asks all units in one batch, until all who wait have given up. The answers to the batch before are handed out when this
/// one has been sent, so that the store does not wait meanwhile.
async fn ask_batch<S: Store>(inner: &S, units: Vec<Waiting>, before: Answers) -> Answers {
    let (units, mut replies): (Vec<_>, Vec<_>) =
        units.into_iter().map(|waiting| (waiting.unit, waiting.reply)).unzip();
    let mut batch = Batch::new();
    units.iter().for_each(|unit| unit.push_to(&mut batch));
    let answer = {
        let call = pin!(inner.apply(&mut batch).wait());
        let given_up = pin!(async {
            for reply in &mut replies {
                reply.closed().await;
            }
        });
        let mut either = select(call, given_up);
        let at_once = poll_fn(|context| Poll::Ready(either.poll_unpin(context))).await;
        drop(before);
        let answered = match at_once {
            Poll::Ready(answered) => answered,
            Poll::Pending => either.await,
        };
        match answered {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => return Answers::default(),
        }
    };
    let answered = batch
        .each_unit()
        .zip(replies)
        .map(|((unit, checks), reply)| (reply, answer.clone().map(|()| Answered::of(unit, checks))));
    Answers(answered.collect())
}

impl<S: Store + 'static> Store for Coalesce<S> {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        let alone = batch.units().len() == 1 && batch.now.is_none() && self.shared.makes_trips;
        match batch.units().first().and_then(|_| batch.checks(0).first()) {
            Some(first) if alone => {
                let lane = self.lane(first.key);
                Answer::Later(Box::pin(self.ask(batch, lane)))
            }
            _ => self.shared.inner.apply(batch),
        }
    }

    pass_on!(self => self.shared.inner);
}

impl<S: Store> fmt::Debug for Coalesce<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coalesce")
            .field("inner", &self.shared.inner)
            .field("config", &self.shared.config)
            .field("waiting", &self.shared.waiting)
            .finish_non_exhaustive()
    }
}
