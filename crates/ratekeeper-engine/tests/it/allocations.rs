//! Deciding allocates nothing.
