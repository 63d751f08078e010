//! Rate limit counters in Memcached: meta commands, compare-and-swap, several nodes.
