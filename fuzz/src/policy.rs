//! A policy file, as an operator, or whoever edits for them, may have written it.

/// Reads the bytes as a policy.
pub fn policy(_data: &[u8]) {}
