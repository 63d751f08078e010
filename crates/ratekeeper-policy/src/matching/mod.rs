//! Whom a rule applies to.

mod host;
mod matcher;
mod method;
mod value;

pub(crate) use host::{HostPattern, bare_host};
pub(crate) use matcher::{Matcher, Mismatch, NameValue};
pub(crate) use method::Method;
pub(crate) use value::ValuePattern;
