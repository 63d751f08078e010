//! Why a command is not answered.

use std::borrow::Cow;

/// The error that a command is answered: a code in capitals, and what is wrong.
#[derive(Debug)]
pub(super) struct Refused(pub(super) Cow<'static, str>);

impl From<&'static str> for Refused {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Refused {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Refused {
    pub(super) fn number_of_arguments(command: &str) -> Self {
        format!("ERR wrong number of arguments for '{command}' command").into()
    }

    pub(super) fn subcommand(command: &str, given: &[u8]) -> Self {
        format!("ERR unknown subcommand '{}' of {command}", excerpt(given)).into()
    }
}

/// The most bytes of what a client sent that an error repeats.
const SHOWN: usize = 128;

/// What a client sent, shortened and without anything that would steer a terminal.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    bytes[..bytes.len().min(SHOWN)].escape_ascii().to_string()
}
