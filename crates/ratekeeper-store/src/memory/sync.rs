//! What a [`bucket`](super::bucket) needs of the machine. Its model is built on loom's twins of these.

pub(super) use std::sync::atomic::{AtomicU64, Ordering, fence};

/// How often somebody looks again at once: the lock is held for a few stores.
const AT_ONCE: u32 = 8;
/// How often before the processor goes to somebody else.
const SPINS: u32 = 100;

/// Waits a moment for whoever holds a lock, at the `tries`-th try.
pub(super) fn wait(tries: u32) {
    if tries < AT_ONCE {
        return;
    }
    if tries < SPINS {
        std::hint::spin_loop();
    } else {
        // Its holder may have lost the processor.
        std::thread::yield_now();
    }
}
