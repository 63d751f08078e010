//! The parts of the suite, each of which leaves its results in a file of its own.

pub mod algorithms;
pub mod checks;
pub mod curves;
pub mod memory;
pub mod middleware;
pub mod peers;
pub mod policy;
pub mod redis;
