//! Stores as a third party might write them: a right one over `unit::decide`, one that answers later, and the same
//! with one flaw each, for the suite to find.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;
use ratekeeper_core::{Op, Stored, Timestamp};
use ratekeeper_store::unit::{self, Counters};
use ratekeeper_store::{
    Answer, Batch, Capabilities, Check, Clock, ClockSource, Group, Overflow, Store, StoreError, SystemClock,
};

/// A mistake that a store may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Decides at its own time, whatever is injected.
    OwnClock,
    /// Refused units write, too.
    WritesRefused,
    /// Peeks write.
    PeeksWrite,
    /// Looks, lets go of its lock, and writes.
    TwoTrips,
    /// Keys are text in C.
    CutsAtZero,
    /// Keys are text that is trimmed.
    Trims,
    /// Keys are text in some encoding.
    Lossy,
    /// Upper and lower case are the same.
    FoldsCase,
    /// Long keys are cut.
    CutsLong,
    /// Duplicates and operations that do not exist are not looked for.
    NoValidation,
    /// Resets keep the counter.
    KeepsReset,
    /// What somebody else has written meanwhile is forgotten: the last of a batch wins.
    UnitsInAnyOrder,
    /// Shadow groups refuse.
    ShadowsRefuse,
    /// Shadow groups count whatever comes of the request.
    ShadowsAlwaysCount,
    /// Every change of a limit forgets its counters.
    ForgetsOnReload,
    /// The clock is read for every unit.
    ReadsClockOften,
    /// A refund gives back what it says, token or not.
    IgnoresTokens,
    /// Each check of a unit is written as soon as it passes.
    CheckByCheck,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    counters: Mutex<HashMap<Vec<u8>, Stored>>,
    clock: SystemClock,
    flaw: Option<Flaw>,
}

/// The counters of one unit, copied out of the table.
struct Copies(Vec<(Stored, bool)>);

impl Counters for Copies {
    fn state(&mut self, index: usize) -> Option<&mut Stored> {
        Some(&mut self.0[index].0)
    }

    fn wrote(&mut self, index: usize) {
        self.0[index].1 = true;
    }
}

impl Table {
    pub(crate) fn with(flaw: Flaw) -> Self {
        Self { flaw: Some(flaw), ..Self::default() }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn name(&self, bytes: &[u8]) -> Vec<u8> {
        match self.flaw {
            Some(Flaw::CutsAtZero) => bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec(),
            Some(Flaw::Trims) => bytes.trim_ascii().to_vec(),
            Some(Flaw::Lossy) => String::from_utf8_lossy(bytes).into_owned().into_bytes(),
            Some(Flaw::FoldsCase) => bytes.to_ascii_lowercase(),
            Some(Flaw::CutsLong) => bytes[..bytes.len().min(249)].to_vec(),
            _ => bytes.to_vec(),
        }
    }

    fn copies(&self, checks: &[Check<'_>]) -> Copies {
        let counters = self.counters.lock();
        let copies = checks.iter().map(|check| {
            let stored = counters.get(&self.name(check.key.bytes())).cloned();
            let changed = |stored: &Stored| stored.tag != check.limit.tag();
            let stored = stored.filter(|stored| !(self.has(Flaw::ForgetsOnReload) && changed(stored)));
            (stored.unwrap_or_else(|| Stored::absent(check.limit)), false)
        });
        Copies(copies.collect())
    }

    fn write(&self, checks: &[Check<'_>], copies: Copies) {
        let mut counters = self.counters.lock();
        for (check, (stored, written)) in checks.iter().zip(copies.0) {
            let name = self.name(check.key.bytes());
            let reset = stored == Stored::absent(check.limit);
            if written && !reset {
                counters.insert(name, stored);
            } else if written && !self.has(Flaw::KeepsReset) {
                counters.remove(&name);
            }
        }
    }

    fn decide(&self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        // One lock around everything is what makes this store right, and its absence what makes one wrong.
        static WHOLE: Mutex<()> = Mutex::new(());
        let _whole = (!self.has(Flaw::TwoTrips)).then(|| WHOLE.lock());
        if !self.has(Flaw::NoValidation) {
            unit::validate(batch)?;
        }
        let injected = batch.now.filter(|_| !self.has(Flaw::OwnClock));
        let read = injected.unwrap_or_else(|| self.clock.now());
        let now = || match injected {
            None if self.has(Flaw::ReadsClockOften) => self.clock.now(),
            _ => read,
        };
        let mut units: Vec<_> = batch.each_unit().collect();
        if self.has(Flaw::UnitsInAnyOrder) {
            units.reverse();
        }
        for (unit, checks) in units {
            if self.has(Flaw::CheckByCheck) {
                let mut passes = true;
                for check in checks {
                    self.decide_unit(unit, std::slice::from_mut(check), now());
                    passes &= unit.passes;
                }
                unit.passes = passes;
            } else {
                self.decide_unit(unit, checks, now());
            }
        }
        Ok(())
    }

    fn decide_unit(&self, unit: &mut ratekeeper_store::Unit, checks: &mut [Check<'_>], now: Timestamp) {
        let groups: Vec<Group> = checks.iter().map(|check| check.group).collect();
        let tokens: Vec<_> = checks.iter().map(|check| check.token).collect();
        let op = unit.op;
        let mut copies = self.copies(checks);
        if self.has(Flaw::TwoTrips) {
            std::thread::yield_now();
        }
        for check in &mut *checks {
            if self.has(Flaw::ShadowsRefuse) {
                check.group = Group::Enforced;
            }
            if self.has(Flaw::IgnoresTokens) && op == Op::Refund && check.limit.max_delay().get() == 0 {
                check.token = check.token.filter(|token| matches!(token, ratekeeper_core::Token::Holder(_)));
            }
        }
        if self.has(Flaw::PeeksWrite) && op == Op::Peek {
            unit.op = Op::Take;
        }
        unit::decide(unit, checks, now, &mut copies);
        unit.op = op;
        if self.has(Flaw::WritesRefused) && !unit.passes || self.has(Flaw::ShadowsAlwaysCount) {
            let mut alone = Batch::new();
            for (index, check) in checks.iter().enumerate() {
                let counts = check.group != Group::Enforced || self.has(Flaw::WritesRefused);
                if counts && !copies.0[index].1 && check.verdict.is_some_and(|verdict| verdict.allowed) {
                    let mut check = check.clone();
                    check.group = Group::Enforced;
                    alone.push_by(op, unit.holder, [check]);
                    for (unit, checks) in alone.each_unit() {
                        let mut copy = Copies(vec![copies.0[index].clone()]);
                        unit::decide(unit, checks, now, &mut copy);
                        copies.0[index] = copy.0.remove(0);
                    }
                }
            }
        }
        for (check, (group, token)) in checks.iter_mut().zip(groups.into_iter().zip(tokens)) {
            (check.group, check.token) = (group, token);
        }
        self.write(checks, copies);
    }
}

impl Store for Table {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        Answer::Ready(self.decide(batch))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "table",
            atomic_units: true,
            exact: true,
            survives_restart: false,
            survives_failover: false,
            clock: ClockSource::Process,
            injectable_clock: true,
            largest_state: None,
            trips: 0,
            overflow: Overflow::Unbounded,
        }
    }
}

/// A table that answers when it is asked a second time, having been woken from another thread.
#[derive(Debug, Default)]
pub(crate) struct Later(Arc<Table>);

impl Store for Later {
    fn apply<'a, 'b: 'a>(&'a self, batch: &'a mut Batch<'b>) -> Answer<'a> {
        let mut asked = false;
        Answer::Later(Box::pin(std::future::poll_fn(move |context| {
            if asked {
                return Poll::Ready(self.0.decide(batch));
            }
            asked = true;
            let waker = context.waker().clone();
            std::thread::spawn(move || waker.wake());
            Poll::Pending
        })))
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { name: "later", trips: 1, ..self.0.capabilities() }
    }
}
