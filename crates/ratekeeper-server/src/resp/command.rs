//! The commands that there are.

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Throttle,
    Check,
    Ping,
    Echo,
    Hello,
    Auth,
    Client,
    Select,
    Command,
    Info,
    Reset,
    Quit,
    /// All others, which are not known.
    Other,
}

impl Command {
    /// All that are known, what is asked most first.
    pub(super) const KNOWN: [Self; 12] = [
        Self::Throttle,
        Self::Check,
        Self::Ping,
        Self::Echo,
        Self::Hello,
        Self::Auth,
        Self::Client,
        Self::Select,
        Self::Command,
        Self::Info,
        Self::Reset,
        Self::Quit,
    ];

    pub(super) fn named(name: &[u8]) -> Self {
        let found = Self::KNOWN
            .into_iter()
            .find(|command| command.name().as_bytes().eq_ignore_ascii_case(name));
        found.unwrap_or(Self::Other)
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Throttle => "cl.throttle",
            Self::Check => "rk.check",
            Self::Ping => "ping",
            Self::Echo => "echo",
            Self::Hello => "hello",
            Self::Auth => "auth",
            Self::Client => "client",
            Self::Select => "select",
            Self::Command => "command",
            Self::Info => "info",
            Self::Reset => "reset",
            Self::Quit => "quit",
            Self::Other => "other",
        }
    }

    /// Whether it may be asked before a token was shown.
    pub(super) const fn is_free(self) -> bool {
        matches!(self, Self::Hello | Self::Auth | Self::Reset | Self::Quit)
    }
}
