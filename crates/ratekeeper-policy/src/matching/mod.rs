//! Whom a rule applies to.

mod entry;
mod host;
mod matcher;
mod method;
mod tree;
mod value;

pub(crate) use entry::Entry;
pub(crate) use host::{HostPattern, bare_host};
pub(crate) use matcher::{Matcher, Mismatch, NameValue};
pub(crate) use method::Method;
pub(crate) use tree::Trees;
pub(crate) use value::ValuePattern;
