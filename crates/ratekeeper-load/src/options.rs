//! What a load test is made with.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use ratekeeper_core::Limit;

use crate::draw::Distribution;
use crate::schedule::Rate;
use crate::target::Target;

/// What every kind of load test needs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server.
    pub target: Target,
    /// What is shown to it.
    pub token: Option<Token>,
    /// Roots, in PEM, that its certificate is checked against, instead of the system's.
    pub ca: Option<PathBuf>,
    /// How many connections ask at the same time.
    pub connections: usize,
    /// How many calls each of them makes at once; more than one over gRPC only.
    pub streams: usize,
    /// How long a request may take from when it is due.
    pub timeout: Duration,
    /// How many keys there are.
    pub keys: u64,
    /// How often each is asked for.
    pub distribution: Distribution,
    /// From which costs one is drawn for each request.
    pub cost: RangeInclusive<u64>,
    /// What is drawn, and how keys are named.
    pub seed: u64,
    /// What is asked.
    pub asking: Asking,
    /// The limit of each key, where the server does not tell.
    pub limit: Option<Limit>,
}

/// What is asked, in each of the languages.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// Attributes of `/v1/check`, in JSON.
    pub attributes: Option<String>,
    /// The domain of Envoy's descriptors.
    pub domain: Option<String>,
    /// The entries of the one descriptor.
    pub descriptors: Vec<(String, String)>,
    /// The rule of `RK.CHECK`; without one it is `CL.THROTTLE`.
    pub rule: Option<String>,
    /// The parts of its key.
    pub key_parts: Vec<String>,
}

/// A secret that is shown to the server, and to nobody else.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A token, without the space around it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// How requests come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// At fixed instants, however the server does.
    Constant(Rate),
    /// Each connection asks anew as soon as it is answered.
    Closed,
}
