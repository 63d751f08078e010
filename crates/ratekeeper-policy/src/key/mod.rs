//! Whom a rule counts: the parts of its key, and the bytes that counters are stored under.

mod part;
mod scope;
mod subject;

pub(crate) use part::{Part, Source};
pub(crate) use scope::scopes;
pub(crate) use subject::{KeySpec, SubjectBytes};
