//! What came back.

use std::borrow::Cow;

/// A decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) allowed: bool,
    /// Whether it was made without a counter that should have been asked.
    pub(crate) degraded: bool,
    /// The enforced limits that made it, as they are written; of a look before the load only.
    pub(crate) limits: Vec<String>,
    /// Whether the server told of limits at all.
    pub(crate) tells_limits: bool,
}

/// No decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// A word for statistics.
    pub(crate) kind: Cow<'static, str>,
    /// What else there is to say.
    pub(crate) detail: String,
}

/// The most characters that are kept of what a server says.
const KEPT: usize = 200;

impl Problem {
    pub(crate) fn new(kind: impl Into<Cow<'static, str>>, detail: impl std::fmt::Display) -> Self {
        let detail = detail.to_string();
        let shown = detail.chars().take(KEPT).map(|letter| if letter.is_control() { ' ' } else { letter });
        Self { kind: kind.into(), detail: shown.collect() }
    }

    /// No connection came about.
    pub(crate) fn connect(detail: impl std::fmt::Display) -> Self {
        Self::new("connect", detail)
    }

    /// The connection broke.
    pub(crate) fn broken(detail: impl std::fmt::Display) -> Self {
        Self::new("connection", detail)
    }

    /// What came back is not understood.
    pub(crate) fn strange(detail: impl std::fmt::Display) -> Self {
        Self::new("answer", detail)
    }

    /// It took longer than somebody waits.
    pub(crate) fn timeout() -> Self {
        Self::new("timeout", "not answered in time")
    }

    /// It could not even be sent in the time that somebody waits.
    pub(crate) fn unsent() -> Self {
        Self::new("unsent", "no connection was free in time")
    }
}
