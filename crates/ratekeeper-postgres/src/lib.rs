//! Rate limit counters in PostgreSQL: one function call per batch.
