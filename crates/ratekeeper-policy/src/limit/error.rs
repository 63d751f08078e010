//! What is wrong with a limit.

use ratekeeper_core::LimitError;

/// Which part of a limit an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitField {
    Rate,
    Algorithm,
    Burst,
    MaxDelay,
    Ttl,
    TimeZone,
    Align,
}

/// A text is not a limit: what was not understood, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}{help}", if help.is_empty() { "" } else { "; " })]
pub struct LimitSyntaxError {
    message: String,
    help: String,
    field: LimitField,
}

impl LimitSyntaxError {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), field: LimitField::Rate }
    }

    pub(crate) fn about(mut self, field: LimitField) -> Self {
        self.field = field;
        self
    }

    /// From the core's error, whose message says `field: wrong; right`.
    pub(crate) fn from_core(error: &LimitError, concurrent: bool) -> Self {
        let field = match error {
            LimitError::Burst { .. } | LimitError::BurstNotAllowed { .. } => LimitField::Burst,
            LimitError::MaxDelay { .. } => LimitField::MaxDelay,
            LimitError::TimeZone { .. } => LimitField::TimeZone,
            LimitError::Window { .. } if concurrent => LimitField::Ttl,
            _ => LimitField::Rate,
        };
        let text = match error {
            // The name is foreign text: the core escapes it, here it is also shortened.
            LimitError::TimeZone { name } => format!(
                "time zone: {} is not an IANA time zone; use a name such as UTC or Europe/Paris",
                crate::text::quoted(name)
            ),
            _ => error.to_string(),
        };
        let (message, help) = text.split_once("; ").unwrap_or((text.as_str(), ""));
        Self::new(message, help).about(field)
    }

    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would be right; may be empty.
    #[must_use]
    pub fn help(&self) -> &str {
        &self.help
    }

    pub(crate) fn field(&self) -> LimitField {
        self.field
    }
}
