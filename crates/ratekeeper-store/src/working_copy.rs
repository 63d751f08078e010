//! The counters of a batch, copied out of a store that has them elsewhere.

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use ratekeeper_core::{Key, Limit, Stored, Timestamp};
use smallvec::SmallVec;

use crate::unit::{self, Counters};
use crate::{Batch, StoreError};

/// The counters that a batch asks for, each once, over which its units are decided in order.
///
/// For stores that fetch states, decide in this process and write back what has changed; and for those whose server
/// decides, to derive the verdicts from the states that it found: the same states at the same instant give the same
/// decisions.
///
/// ```
/// use ratekeeper_core::{Key, Limit, Micros, Op, Timestamp};
/// use ratekeeper_store::{Batch, Change, Check, WorkingCopy};
/// let limit = Limit::fixed_window(10, Micros::MINUTE)?;
/// let mut batch = Batch::new();
/// batch.push(Op::Take, [Check::new(Key::new(b"alice")?, &limit, 3)]);
/// batch.push(Op::Take, [Check::new(Key::new(b"alice")?, &limit, 4)]);
/// let mut copy = WorkingCopy::of(&batch)?;
/// copy.set(0, None); // The only counter, which the store does not have yet.
/// copy.decide(&mut batch, Timestamp::from_micros(1_700_000_000_000_000));
/// assert_eq!(batch.checks(1)[0].verdict.unwrap().remaining, 3);
/// assert!(matches!(copy.change(0), Some(Change::Put(_, _))));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WorkingCopy<'b> {
    counters: SmallVec<[Counter<'b>; 4]>,
    /// For every check of the batch, in their order, the place of its counter.
    places: SmallVec<[usize; 4]>,
}

#[derive(Debug)]
struct Counter<'b> {
    key: Key<'b>,
    /// The state that the store has, or that a unit has written.
    stored: Option<Stored>,
    found: bool,
    /// Under which limit it was written last.
    written: Option<&'b Limit>,
}

/// What has become of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// It is to be written, as the state under this limit.
    Put(&'a Stored, &'a Limit),
    /// It is to be forgotten.
    Delete,
}

impl<'b> WorkingCopy<'b> {
    /// The counters of `batch`, none of which is known yet.
    ///
    /// # Errors
    /// As [`unit::validate`].
    pub fn of(batch: &Batch<'b>) -> Result<Self, StoreError> {
        unit::validate(batch)?;
        let checks = || (0..batch.units().len()).flat_map(|unit| batch.checks(unit));
        let mut copy = Self { counters: SmallVec::new(), places: SmallVec::new() };
        let mut index = Index::default();
        for check in checks() {
            let place = index.place_of(check.key, &copy.counters);
            if place == copy.counters.len() {
                copy.counters.push(Counter { key: check.key, stored: None, found: false, written: None });
            }
            copy.places.push(place);
        }
        Ok(copy)
    }

    /// The keys, each once, in the order in which the batch first asks for them.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = Key<'b>> + '_ {
        self.counters.iter().map(|counter| counter.key)
    }

    /// For every check of every unit, in order, which of the [`keys`](Self::keys) it asks for.
    #[must_use]
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// The store has this state of the key at `place`, or none. What had been decided over it before is forgotten.
    pub fn set(&mut self, place: usize, stored: Option<Stored>) {
        if let Some(counter) = self.counters.get_mut(place) {
            (counter.found, counter.written) = (stored.is_some(), None);
            counter.stored = stored;
        }
    }

    /// Decides every unit of the batch that this is a copy of, in order.
    pub fn decide(&mut self, batch: &mut Batch<'b>, now: Timestamp) {
        let mut rest = self.places.as_slice();
        for (unit, checks) in batch.each_unit() {
            let (places, after) = rest.split_at(checks.len().min(rest.len()));
            rest = after;
            let limits: SmallVec<[&'b Limit; 4]> = checks.iter().map(|check| check.limit).collect();
            let mut view = View { counters: &mut self.counters, places, limits: &limits };
            view.fill_in();
            unit::decide(unit, checks, now, &mut view);
        }
    }

    /// What is to be done with the key at `place`; `None` if nothing.
    #[must_use]
    pub fn change(&self, place: usize) -> Option<Change<'_>> {
        let counter = self.counters.get(place)?;
        let (limit, stored) = (counter.written?, counter.stored.as_ref()?);
        if *stored != Stored::absent(limit) {
            return Some(Change::Put(stored, limit));
        }
        counter.found.then_some(Change::Delete)
    }
}

/// Finds the place of a key among those that are known.
#[derive(Default)]
struct Index<'b>(HashMap<&'b [u8], usize, RandomState>);

/// So few are compared one by one.
const FEW: usize = 8;

impl<'b> Index<'b> {
    /// Its place, or where it will be.
    fn place_of(&mut self, key: Key<'b>, counters: &[Counter<'b>]) -> usize {
        if counters.len() < FEW {
            let known = counters.iter().position(|counter| counter.key == key);
            return known.unwrap_or(counters.len());
        }
        if self.0.is_empty() {
            self.0
                .extend(counters.iter().enumerate().map(|(place, counter)| (counter.key.bytes(), place)));
        }
        *self.0.entry(key.bytes()).or_insert(counters.len())
    }
}

/// The counters of one unit.
struct View<'v, 'b> {
    counters: &'v mut [Counter<'b>],
    places: &'v [usize],
    limits: &'v [&'b Limit],
}

impl View<'_, '_> {
    /// What nobody has written yet is absent, as the limit of this unit sees it.
    fn fill_in(&mut self) {
        for (place, limit) in self.places.iter().zip(self.limits) {
            let counter = &mut self.counters[*place];
            if !counter.found && counter.written.is_none() {
                counter.stored = Some(Stored::absent(limit));
            }
        }
    }
}

impl Counters for View<'_, '_> {
    fn state(&mut self, index: usize) -> Option<&mut Stored> {
        self.counters[self.places[index]].stored.as_mut()
    }

    fn wrote(&mut self, index: usize) {
        self.counters[self.places[index]].written = Some(self.limits[index]);
    }
}
