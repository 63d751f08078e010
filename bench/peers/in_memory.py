"""Checks in memory: `limits`, beside a dictionary and a lock. The argument is the seed."""

import random
import sys
import threading
import time

from limits import RateLimitItemPerHour, storage, strategies
from rounds import keys, measure

LIMIT = RateLimitItemPerHour(1_000_000_000)
SEED = int(sys.argv[1])


def bare():
    """Token bucket of a dictionary: what a check in Python costs at least."""
    states, lock = {}, threading.Lock()

    def check(key: str) -> bool:
        with lock:
            now = time.monotonic_ns()
            state = max(states.get(key, 0), now) + 1
            if state - now > 4_000_000_000_000:
                return False
            states[key] = state
            return True

    return check


def limiter(strategy):
    """One call to `hit` a check, on a storage of its own."""
    made = strategy(storage.MemoryStorage())
    return lambda key: made.hit(LIMIT, key)


def subjects(log: bool) -> dict:
    made = {
        "Python: a dictionary and a lock": bare(),
        "Python: limits, fixed window": limiter(strategies.FixedWindowRateLimiter),
        "Python: limits, sliding window counter": limiter(strategies.SlidingWindowCounterRateLimiter),
    }
    if log:
        made["Python: limits, moving window"] = limiter(strategies.MovingWindowRateLimiter)
    return made


# A log of what one key may take in a second is not what a log is for: it is measured over many keys only.
measure("python-hot", "Python: one hot key, allowed", subjects(log=False), keys(1, SEED))
many = keys(100_000, SEED)
random.Random(SEED).shuffle(many)
measure("python-many", "Python: 100,000 keys, allowed", subjects(log=True), many)
