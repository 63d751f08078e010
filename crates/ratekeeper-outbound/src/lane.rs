//! One key: its counters, its peer, its line.
//!
//! Who comes when nobody waits and all limits agree goes at once. Everybody else stands in line, and a task that lives as
//! long as the line lets them go in order: it alone has a timer, it wakes those who go and nobody else, and it does not
//! depend on those who wait being polled.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ratekeeper_core::{Holder, Timestamp};
use smallvec::SmallVec;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout_at;

use crate::counters::{Asked, Counters};
use crate::line::{Answer, Forecast, Line, Waiting};
use crate::peer::{Amount, Peer, Source};
use crate::permit::Receipt;
use crate::settings::Settings;
use crate::{PaceError, Permit, Told};

pub(crate) struct Lane {
    key: Box<[u8]>,
    settings: Arc<Settings>,
    state: Mutex<State>,
    /// Something that the line waits for may have come earlier or later.
    changed: Notify,
}

struct State {
    counters: Counters,
    peer: Peer,
    line: Line,
    /// Whether there is a task that serves the line.
    served: bool,
    /// All that ever went.
    gone: Amount,
    /// What went and has not been answered.
    out: Amount,
}

/// When the first in line goes.
enum Next {
    Now,
    At(Timestamp),
    /// Once calls before it have been answered: nobody knows when.
    Answered,
}

/// What becomes of a call that may wait.
pub(crate) enum Entered {
    Passed(Permit),
    Waits(Place, oneshot::Receiver<Answer>),
}

/// A place in line, left when it is dropped.
pub(crate) struct Place {
    lane: Arc<Lane>,
    number: u64,
}

impl Lane {
    pub(crate) fn new(key: &[u8], settings: Arc<Settings>) -> Self {
        let state = State {
            counters: Counters::new(&settings.limits),
            peer: Peer::new(!settings.limits.is_empty()),
            line: Line::default(),
            served: false,
            gone: Amount::default(),
            out: Amount::default(),
        };
        Self { key: key.into(), settings, state: Mutex::new(state), changed: Notify::new() }
    }

    /// Lets a call go if nobody waits and nothing is in its way.
    pub(crate) fn try_pass(self: &Arc<Self>, cost: u64) -> Result<Permit, PaceError> {
        self.settings.check_cost(cost)?;
        let mut state = self.state.lock();
        let now = self.settings.time.now();
        self.pass_at_once(&mut state, cost, now).ok_or_else(|| {
            let wait = self.served_at(&mut state, cost, now).since(now).into();
            PaceError::TooLong { wait, most: Duration::ZERO }
        })
    }

    /// Lets a call go, or gives it a place in line if it may wait long enough.
    pub(crate) fn enter(self: &Arc<Self>, cost: u64, until: Timestamp) -> Result<Entered, PaceError> {
        self.settings.check_cost(cost)?;
        let mut state = self.state.lock();
        let now = self.settings.time.now();
        if let Some(permit) = self.pass_at_once(&mut state, cost, now) {
            return Ok(Entered::Passed(permit));
        }
        let at = self.served_at(&mut state, cost, now);
        let wait = at.since(now).into();
        if at > until {
            return Err(PaceError::TooLong { wait, most: until.since(now).into() });
        }
        if state.line.len() >= self.settings.config.max_waiting {
            return Err(PaceError::Full { waiting: state.line.len(), wait });
        }
        if !state.served {
            let runtime = Handle::try_current().map_err(|_| PaceError::NoRuntime)?;
            state.served = true;
            runtime.spawn(serve_all(Serving(Some(Arc::clone(self)))));
        }
        if let Some(forecast) = &mut state.line.forecast {
            forecast.counters.take(self.asked(cost), at, Holder::default());
            forecast.at = at;
        }
        let (answer, receiver) = oneshot::channel();
        let number = state.line.push(Waiting { cost, since: now, until, answer });
        Ok(Entered::Waits(Place { lane: Arc::clone(self), number }, receiver))
    }

    /// Takes in what a response says; without a receipt it is taken for that of the latest call.
    pub(crate) fn hear(&self, told: &Told, receipt: Option<&mut Receipt>) {
        let mut state = self.state.lock();
        let now = self.settings.time.now();
        let latest = state.gone.calls;
        let source = match receipt {
            Some(receipt) => {
                state.answer(receipt);
                // Those that were out when it went, and those that went since.
                let unseen = receipt.out.plus(state.gone.minus(receipt.gone));
                Source { call: receipt.gone.calls, latest, unseen }
            }
            None => Source { call: latest, latest, unseen: state.out },
        };
        let paused_until = state.peer.paused_until();
        state
            .peer
            .hear(told, source, now, &self.settings.config, |most| self.settings.random_up_to(most));
        if state.peer.paused_until() != paused_until {
            state.line.forecast = None;
        }
        self.news(&state);
    }

    /// A call is over: its slots are free, and if it never went, everything that it took.
    pub(crate) fn give_back(&self, receipt: &mut Receipt, everything: bool) {
        let mut state = self.state.lock();
        let now = self.settings.time.now();
        state.answer(receipt);
        state.counters.give_back(self.asked(receipt.cost), now, &receipt.tokens, everything);
        if everything {
            state.line.forecast = None;
        }
        self.news(&state);
    }

    /// Whether nothing of this key needs to be remembered.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        let state = self.state.lock();
        let idle_at = state.counters.idle_at(&self.settings.limits).max(state.peer.idle_at());
        state.line.is_empty() && state.out == Amount::default() && idle_at <= now
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    fn asked(&self, cost: u64) -> Asked<'_> {
        Asked { limits: &self.settings.limits, key: &self.key, cost }
    }

    /// Tells the task that serves the line, if there is one, to look again.
    fn news(&self, state: &State) {
        if state.served {
            self.changed.notify_one();
        }
    }

    fn pass_at_once(self: &Arc<Self>, state: &mut State, cost: u64, now: Timestamp) -> Option<Permit> {
        let at_once = state.line.is_empty() && matches!(self.next(state, cost, now), Next::Now);
        at_once.then(|| self.pass(state, cost, now, now))
    }

    fn next(&self, state: &State, cost: u64, now: Timestamp) -> Next {
        let at = (now + state.counters.wait(self.asked(cost), now)).max(state.peer.paused_until());
        if at > now {
            Next::At(at)
        } else if state.peer.expects(cost) || state.out.calls == 0 {
            Next::Now
        } else {
            Next::Answered
        }
    }

    fn pass(self: &Arc<Self>, state: &mut State, cost: u64, since: Timestamp, now: Timestamp) -> Permit {
        let out = state.out;
        state.gone = state.gone.plus(Amount::one(cost));
        state.out = out.plus(Amount::one(cost));
        state.peer.pass(cost);
        let holder = Holder::new(state.gone.calls.into());
        let tokens = state.counters.take(self.asked(cost), now, holder);
        let receipt = Receipt { cost, gone: state.gone, out, tokens, answered: false };
        Permit::new(Arc::clone(self), receipt, now.since(since).into())
    }

    /// When a call that comes now goes, after all who wait: at the earliest, as far as limits and pauses say.
    fn served_at(&self, state: &mut State, cost: u64, now: Timestamp) -> Timestamp {
        let start = now.max(state.peer.paused_until());
        if state.line.is_empty() {
            return state.counters.earliest(self.asked(cost), start);
        }
        let forecast = state.line.forecast(|costs| {
            let mut forecast = Forecast { counters: state.counters.clone(), at: start };
            for cost in costs {
                forecast.at = forecast.counters.earliest(self.asked(cost), forecast.at);
                forecast.counters.take(self.asked(cost), forecast.at, Holder::default());
            }
            forecast
        });
        forecast.counters.earliest(self.asked(cost), forecast.at.max(start))
    }

    /// Lets all go who may. Says for whom the rest waits; `None` if nobody is left, and then nobody serves the line.
    fn serve(self: &Arc<Self>) -> Option<Next> {
        let mut state = self.state.lock();
        let (answers, next) = self.let_go(&mut state);
        state.served = next.is_some();
        drop(state);
        answers.send();
        next
    }

    /// The same for a call whose time has come, which may go in this very instant.
    pub(crate) fn serve_late(self: &Arc<Self>) {
        let (answers, _) = self.let_go(&mut self.state.lock());
        answers.send();
    }

    fn let_go(self: &Arc<Self>, state: &mut State) -> (Answers, Option<Next>) {
        let mut answers = Answers::default();
        let now = self.settings.time.now();
        let paused_until = state.peer.paused_until();
        for waiting in state.line.take_hopeless(paused_until) {
            let error = PaceError::TooLong {
                wait: paused_until.since(waiting.since).into(),
                most: waiting.until.since(waiting.since).into(),
            };
            answers.0.push((waiting.answer, Err(error)));
        }
        while let Some(cost) = state.line.first().map(|first| first.cost) {
            match self.next(state, cost, now) {
                Next::Now => {
                    if let Some(first) = state.line.pop() {
                        let permit = self.pass(state, cost, first.since, now);
                        answers.0.push((first.answer, Ok(permit)));
                    }
                }
                next => return (answers, Some(next)),
            }
        }
        (answers, None)
    }
}

/// What those are told who waited, once no lock is held: who is gone by now drops the permit, and so gives everything back.
#[derive(Default)]
#[must_use]
struct Answers(SmallVec<[(oneshot::Sender<Answer>, Answer); 4]>);

impl Answers {
    fn send(self) {
        for (sender, answer) in self.0 {
            let _ = sender.send(answer);
        }
    }
}

impl State {
    /// The call is no longer out.
    fn answer(&mut self, receipt: &mut Receipt) {
        if !std::mem::replace(&mut receipt.answered, true) {
            self.out = self.out.minus(Amount::one(receipt.cost));
        }
    }
}

/// Serves a line until it is empty.
async fn serve_all(mut serving: Serving) {
    let Some(lane) = serving.0.clone() else {
        return;
    };
    while let Some(next) = lane.serve() {
        let news = lane.changed.notified();
        match next {
            Next::Now => {}
            Next::At(at) => {
                let at = at + lane.settings.random_up_to(lane.settings.config.jitter.into());
                let _ = timeout_at(lane.settings.time.instant(at), news).await;
            }
            Next::Answered => news.await,
        }
    }
    serving.0 = None;
}

/// That a line is served. When the runtime that does so ends before the line does, the line is dissolved, and those who
/// still wait, in other runtimes, come back and have it served there.
struct Serving(Option<Arc<Lane>>);

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(lane) = self.0.take() {
            let mut state = lane.state.lock();
            state.served = false;
            let dissolved = state.line.dissolve();
            drop(state);
            drop(dissolved);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.lane.state.lock();
        if state.line.leave(self.number) {
            self.lane.news(&state);
        }
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane({})", self.key.escape_ascii())
    }
}
