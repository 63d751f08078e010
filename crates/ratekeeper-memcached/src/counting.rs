//! Fixed and calendar windows: one number for each window, added to and read in one trip.
//!
//! What a batch may take at most is added at once. The number that comes back, less that, is what had been counted
//! before: over it the batch is decided like everywhere else, and what was not granted is taken away again. So all
//! that passes never exceeds the limit: what passed was in the number when the next was decided.

use std::cmp::Ordering;

use ratekeeper_core::{
    Algorithm, Ask, Limit, MAX_COUNT, MAX_EXACT, Op, State, Stored, Timestamp, Token, Window, step,
};
use ratekeeper_store::{Batch, Change, StoreError, WorkingCopy};

use crate::client::Reply;
use crate::command;
use crate::counter::Counter;
use crate::item::Name;

/// Whether windows of this limit are counted by arithmetic.
pub(crate) fn is_counted(limit: &Limit) -> bool {
    matches!(limit.algorithm(), Algorithm::FixedWindow | Algorithm::CalendarWindow)
}

/// Whether both limits count in the same item.
pub(crate) fn same_item(one: &Limit, other: &Limit) -> bool {
    match (is_counted(one), is_counted(other)) {
        (false, false) => true,
        (true, true) if one.resets_on_change() || other.resets_on_change() => {
            one.tag() == other.tag() && one.resets_on_change() == other.resets_on_change()
        }
        (true, true) => one.tag().same_window(other.tag()),
        _ => false,
    }
}

impl<'b> Counter<'_, 'b> {
    /// Decides a batch at `now`, all of whose limits count in the item of `limit`.
    pub(crate) async fn count(
        &self,
        batch: &mut Batch<'b>,
        copy: &mut WorkingCopy<'b>,
        limit: &Limit,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let start = self.start_at(limit, now);
        let state = |current| Stored {
            tag: limit.tag(),
            state: State::Window(Window { start, current, previous: 0 }),
        };
        let name = self.prefix().window(self.key, limit, start);
        let end = state(1).idle_at(limit);
        let ttl = self.lifetime(end.since(now));
        let reserved = most_taken(batch);
        let number = self.read(&name, reserved, ttl).await?;
        // A number that has gone round was a very large one.
        let before = number.checked_sub(reserved).map_or(MAX_EXACT, |before| before.min(MAX_EXACT));
        copy.set(0, (before > 0).then(|| state(before)));
        copy.decide(batch, now);
        let after = match copy.change(0) {
            None => before,
            Some(Change::Put(Stored { state: State::Window(window), .. }, _)) => window.current,
            Some(_) => 0,
        };
        match number.cmp(&after) {
            Ordering::Less => self.done(command::add(&name, after - number, ttl)).await,
            Ordering::Equal => Ok(()),
            // Nobody waits until what was not granted is back: it comes before all that is asked from here later.
            Ordering::Greater if after >= before => {
                self.tell(command::take_away(&name, number - after)).await
            }
            Ordering::Greater => self.done(command::take_away(&name, number - after)).await,
        }
    }

    /// When the window began that `now` lies in.
    fn start_at(&self, limit: &Limit, now: Timestamp) -> u64 {
        let (phase, nothing) = (limit.phase(self.key.bytes()), Ask::new(Op::Charge, 0));
        match step::write(&mut Stored::absent(limit), limit, now, phase, &nothing, 0) {
            Some(Token::Window(start)) => start,
            _ => 0,
        }
    }

    /// The number once `reserved` is added.
    async fn read(&self, name: &Name, reserved: u64, ttl: u32) -> Result<u64, StoreError> {
        let question = match reserved {
            0 => command::get(name),
            _ => command::add(name, reserved, ttl),
        };
        match self.ask(question).await? {
            Reply::Value { data, .. } => {
                // A number that has become shorter is followed by spaces.
                let number = std::str::from_utf8(&data).ok().and_then(|text| text.trim_end().parse().ok());
                number.ok_or_else(|| self.foreign(name))
            }
            Reply::Missing if reserved == 0 => Ok(0),
            Reply::NotANumber => Err(self.foreign(name)),
            other => Err(self.refused(&other)),
        }
    }

    async fn done(&self, question: Vec<u8>) -> Result<(), StoreError> {
        match self.ask(question).await? {
            // Gone is what nothing needs to be taken away from.
            Reply::Done | Reply::Value { .. } | Reply::Missing => Ok(()),
            other => Err(self.refused(&other)),
        }
    }
}

/// The most that a batch adds: its takes never come to more than the limit, and charges go on from there.
fn most_taken(batch: &Batch<'_>) -> u64 {
    let (mut takes, mut charges, mut most) = (0_u64, 0_u64, 0);
    for (index, unit) in batch.units().iter().enumerate() {
        for check in batch.checks(index) {
            let count = check.limit.count();
            most = count.max(most);
            match check.op.unwrap_or(unit.op) {
                Op::Take if check.cost <= count => takes = takes.saturating_add(check.cost),
                Op::TakeUpTo => takes = takes.saturating_add(check.cost.min(count)),
                Op::Charge => charges = charges.saturating_add(check.cost),
                _ => {}
            }
        }
    }
    takes.min(most) + charges.min(MAX_COUNT)
}
