//! Whom a rule counts: the parts of its key, and the bytes that counters are stored under.

mod address;
mod implied;
mod part;
mod scope;
mod subject;

pub(crate) use part::{DescriptorName, Part, Source, descriptor_name, header_name};
pub(crate) use scope::{push_scope, scopes};
pub(crate) use subject::{HashKey, KeyBytes, KeySpec};
