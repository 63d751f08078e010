//! The lock of a bucket under every order of steps, and every value that memory may show, by loom.

/// What the bucket takes from its neighbours, as loom has it.
pub(crate) mod sync {
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};

    pub(crate) fn wait(_tries: u32) {
        loom::thread::yield_now();
    }
}

pub(crate) mod identity {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Identity {
        pub(crate) name: u64,
        pub(crate) mark: u16,
    }
}

#[allow(dead_code, unreachable_pub)]
#[path = "../../src/memory/bucket.rs"]
pub(crate) mod bucket;

use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;

use self::bucket::{Bucket, WORDS, Words};
use self::identity::Identity;

const ALICE: Identity = Identity { name: 7, mark: 7 };
const BOB: Identity = Identity { name: 9, mark: 9 };

fn words(count: u64) -> Words {
    Words { tag: 1, first: count, second: count }
}

fn bucket() -> Arc<[AtomicU64; WORDS]> {
    let bucket = Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
    Bucket(&bucket).lock().put(0, ALICE, words(0));
    bucket
}

/// As a check does it: reads without the lock, and writes if nothing has changed.
fn take(bucket: Bucket<'_>) {
    for tries in 0.. {
        if let Some(header) = bucket.header()
            && let Some(slot) = bucket.find(header, ALICE)
        {
            let seen = bucket.words(slot);
            if let Some(mut locked) = bucket.try_lock(header) {
                assert_eq!(seen.first, seen.second, "who has the lock has seen what is true");
                locked.write(slot, words(seen.first + 1));
                return;
            }
        }
        sync::wait(tries);
    }
}

/// As a refusal does it.
fn look(bucket: Bucket<'_>) {
    if let Some(header) = bucket.header()
        && let Some(slot) = bucket.find(header, ALICE)
    {
        let seen = bucket.words(slot);
        if bucket.is_still(header) {
            assert_eq!(seen.first, seen.second, "half of what somebody wrote");
        }
    }
}

fn model(check: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(check);
}

#[test]
fn takes_are_not_lost_and_nobody_sees_half_of_one() {
    model(|| {
        let shared = bucket();
        let other = Arc::clone(&shared);
        let taker = loom::thread::spawn(move || take(Bucket(&other)));
        let other = Arc::clone(&shared);
        let looker = loom::thread::spawn(move || look(Bucket(&other)));
        take(Bucket(&shared));
        taker.join().unwrap();
        looker.join().unwrap();
        assert_eq!(Bucket(&shared).words(0), words(2));
    });
}

/// A counter that makes way for another one while somebody takes from it: what he takes is of it, or he finds nothing.
#[test]
fn a_take_never_goes_to_another_counter() {
    model(|| {
        let shared = bucket();
        let other = Arc::clone(&shared);
        let taker = loom::thread::spawn(move || {
            let bucket = Bucket(&other);
            let header = bucket.header()?;
            let slot = bucket.find(header, ALICE)?;
            let seen = bucket.words(slot);
            bucket.try_lock(header)?.write(slot, words(seen.first + 1));
            Some(())
        });
        let mut locked = Bucket(&shared).lock();
        let taken = locked.bucket.words(0);
        locked.clear(0);
        locked.put(0, BOB, words(100));
        drop(locked);
        let took = taker.join().unwrap().is_some();
        assert_eq!(taken, words(u64::from(took)));
        assert_eq!(Bucket(&shared).words(0), words(100));
    });
}
