//! What a store says of the server behind it.

use ratekeeper_core::Timestamp;

/// What an operator should know of a store's server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// What it is, such as `Redis 7.0.15`; one for each server of a cluster. Empty where there is none.
    pub servers: Vec<String>,
    /// The time by the clock that decides, if it is a server's.
    pub time: Option<Timestamp>,
    /// What is wrong, or may become so.
    pub findings: Vec<Finding>,
}

/// Something that is wrong with a server, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was found, with the value that was found.
    pub what: String,
    /// What to do, as a command or setting where there is one.
    pub remedy: String,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Limits hold, but less well or less fast than they could.
    Warning,
    /// Limits do not hold as promised, or nothing works.
    Problem,
}
