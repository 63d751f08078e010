//! Whether a connection may ask.

use std::sync::Arc;

use crate::app::{App, Tokens};
use crate::tokens::TokenHash;

/// The token that a connection has shown, and what it is worth.
#[derive(Debug)]
pub(super) struct Access {
    shown: Option<TokenHash>,
    /// The tokens of the server when it was last looked at.
    tokens: Arc<Tokens>,
    granted: bool,
}

impl Access {
    /// Nothing is shown yet.
    pub(super) fn new(app: &App) -> Self {
        let tokens = app.tokens.load_full();
        Self { shown: None, granted: tokens.check.is_empty(), tokens }
    }

    /// Whether the connection may ask for decisions. A token that the server has no more is worth nothing from then on.
    pub(super) fn is_granted(&mut self, app: &App) -> bool {
        if !Arc::ptr_eq(&app.tokens.load(), &self.tokens) {
            self.tokens = app.tokens.load_full();
            self.look();
        }
        self.granted
    }

    /// Whether it might when it was last looked at.
    pub(super) fn was_granted(&self) -> bool {
        self.granted
    }

    /// Shows a token; whether it is known. If not, everything stays as it was.
    pub(super) fn show(&mut self, app: &App, token: &[u8]) -> bool {
        let token = TokenHash::of(token);
        self.tokens = app.tokens.load_full();
        let known = self.needs_none() || self.tokens.let_check(&token);
        if known {
            self.shown = Some(token);
        }
        self.look();
        known
    }

    /// Whether the server has no tokens, so that any is as good as none.
    pub(super) fn needs_none(&self) -> bool {
        self.tokens.check.is_empty() && self.tokens.operator.is_empty()
    }

    fn look(&mut self) {
        let shown = self.shown.as_ref().is_some_and(|token| self.tokens.let_check(token));
        self.granted = self.tokens.check.is_empty() || shown;
    }
}
