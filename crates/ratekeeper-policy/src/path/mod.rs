//! Paths in one form each, and patterns over them.

mod canonical;
mod pattern;

pub(crate) use canonical::CanonicalPath;
pub(crate) use pattern::PathPattern;
