//! Methods.

use crate::decode::{FromText, Wrong};

/// A method in upper case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Method(pub(crate) String);

impl Method {
    /// Whether a request's method is this one; case does not matter.
    pub(crate) fn matches(&self, method: &str) -> bool {
        self.0.eq_ignore_ascii_case(method)
    }
}

impl FromText for Method {
    const EXPECTED: &'static str = "a method such as GET, or a list such as [GET, POST]";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.is_empty() || text.len() > 32 || !text.bytes().all(fits) {
            return Err(Wrong::new(
                "this is no method",
                "write one such as GET; for all methods remove the field",
            ));
        }
        Ok(Self(text.to_ascii_uppercase()))
    }
}
