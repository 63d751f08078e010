//! What a [`bucket`](super::bucket) needs of the machine. Its model is built on loom's twins of these.

pub(super) use std::sync::atomic::{AtomicU64, Ordering, fence};

/// For how many tries the pause doubles; the lock is held for a few stores.
const DOUBLINGS: u32 = 6;

/// Waits a moment for whoever holds a lock, at the `tries`-th try: longer each time, since the more of its work somebody
/// gets done while the line is his, the less it has to travel.
#[cold]
pub(super) fn wait(tries: u32) {
    if tries < 2 * DOUBLINGS {
        for _ in 0..1 << tries.min(DOUBLINGS) {
            std::hint::spin_loop();
        }
    } else {
        // Its holder may have lost the processor.
        std::thread::yield_now();
    }
}
