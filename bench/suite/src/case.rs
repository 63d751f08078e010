//! The subjects by name, behind one interface: the loops over each are compiled for it alone.

use foldhash::fast::RandomState as Foldhash;
use std::hash::RandomState as Default;

use crate::subject::{Quota, Subject};
use crate::subjects::{
    floors, governor::governor, limitador::Limitador, ratekeeper, throttlecrab::Throttlecrab,
};
use crate::work::{Ran, Work};

/// The floor that tables compare with.
pub const FLOOR: &str = "floor: fixed table, no locks";
pub const OURS: &str = "ratekeeper";

/// Makes a subject for a quota and a number of keys.
type Make = fn(Quota, usize) -> Box<dyn Case>;

/// A subject of a table.
#[derive(Clone, Copy)]
pub struct Named {
    pub name: &'static str,
    /// Whether it tells keys apart, so that a table over many says something of it.
    pub keyed: bool,
    pub make: Make,
}

/// All subjects, floors first.
pub const SUBJECTS: &[Named] = &[
    Named {
        name: "nothing (reading the key)",
        keyed: true,
        make: |_, _| Box::new(floors::Nothing),
    },
    Named {
        name: "floor: one AtomicU64, fetch_update",
        keyed: false,
        make: |quota, _| Box::new(floors::Counter::new(quota)),
    },
    Named {
        name: "floor: GCRA on one word",
        keyed: false,
        make: |quota, _| Box::new(floors::Word::new(quota)),
    },
    Named {
        name: FLOOR,
        keyed: true,
        make: |quota, keys| Box::new(floors::Fixed::new(quota, keys)),
    },
    Named { name: OURS, keyed: true, make: |quota, keys| ours(quota, keys) },
    Named {
        name: "governor, default hasher",
        keyed: true,
        make: |quota, _| Box::new(governor::<Default>(quota)),
    },
    Named {
        name: "governor, ahash",
        keyed: true,
        make: |quota, _| Box::new(governor::<ahash::RandomState>(quota)),
    },
    Named {
        name: "governor, foldhash",
        keyed: true,
        make: |quota, _| Box::new(governor::<Foldhash>(quota)),
    },
    Named {
        name: THROTTLECRAB,
        keyed: true,
        make: |quota, keys| Box::new(Throttlecrab::new(quota, keys)),
    },
    Named {
        name: LIMITADOR,
        keyed: true,
        make: |quota, keys| Box::new(Limitador::new(quota, keys, 1)),
    },
];

pub const THROTTLECRAB: &str = "throttlecrab, periodic store";
pub const LIMITADOR: &str = "limitador, memory";

fn ours(quota: Quota, keys: usize) -> Box<dyn Case> {
    if keys > 1_000_000 {
        return Box::new(ratekeeper::limiter_of(ratekeeper::bucket(quota), keys));
    }
    Box::new(ratekeeper::limiter(quota))
}

pub fn subject(name: &str) -> Named {
    *SUBJECTS.iter().find(|named| named.name == name).expect("a subject of this name")
}

/// A subject whose type is forgotten.
pub trait Case {
    fn check(&self, key: &String) -> bool;
    fn fill(&self, work: &Work);
    fn run(&self, work: &Work, checks: usize) -> Ran;
}

impl<S: Subject> Case for S {
    fn check(&self, key: &String) -> bool {
        Subject::check(self, key)
    }

    fn fill(&self, work: &Work) {
        work.fill(self);
    }

    fn run(&self, work: &Work, checks: usize) -> Ran {
        work.run(self, checks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_limits_each_key_as_it_is_told() {
        let keys = ["user:000000001".to_owned(), "user:000000002".to_owned()];
        for named in SUBJECTS.iter().skip(1) {
            let case = (named.make)(Quota::Burst(3), keys.len());
            let admitted = |key: &String| (0..10).filter(|_| case.check(key)).count();
            assert_eq!(admitted(&keys[0]), 3, "{}", named.name);
            assert_eq!(admitted(&keys[1]), if named.keyed { 3 } else { 0 }, "{}", named.name);
        }
    }
}
