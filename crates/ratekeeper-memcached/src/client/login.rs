//! The name and password that a node started with `-Y` asks for.

use std::fmt;

/// A name and a password. Neither shows in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login(String);

impl Login {
    /// Both, unless they cannot be sent: they are separated by a space, and end with the line.
    pub(crate) fn new(user: &str, password: &str) -> Option<Self> {
        let plain = |text: &str| !text.is_empty() && !text.contains([' ', '\r', '\n', '\0', ':']);
        (plain(user) && plain(password)).then(|| Self(format!("{user} {password}")))
    }

    /// The command that logs in: the key does not matter. A node that asks for no login takes it for an item, which is over
    /// before it begins.
    pub(super) fn command(&self) -> String {
        format!("set login 0 -1 {}\r\n{}\r\n", self.0.len(), self.0)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Login;

    #[test]
    fn a_login_cannot_smuggle_commands_and_hides_itself() {
        assert_eq!(Login::new("a", "b\r\nflush_all"), None);
        assert_eq!(Login::new("a b", "c"), None);
        assert_eq!(Login::new("", "c"), None);
        let login = Login::new("limits", "s3cret").unwrap();
        assert_eq!(login.command(), "set login 0 -1 13\r\nlimits s3cret\r\n");
        assert!(!format!("{login:?}").contains("s3cret"));
    }
}
