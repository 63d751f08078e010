//! Rate limit counters in Redis, Redis Cluster, Sentinel or Valkey: one script per batch.
