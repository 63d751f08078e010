//! Who may ask what.

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use super::error::ApiError;
use crate::app::App;
use crate::tokens::TokenHash;

/// Lets those pass who may ask for decisions: everybody, if no token is configured for it.
pub(crate) fn may_check(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    let tokens = app.tokens.load();
    if tokens.check.is_empty() {
        return Ok(());
    }
    if tokens.let_check(&TokenHash::of(bearer(headers)?)) {
        Ok(())
    } else {
        Err(unknown())
    }
}

/// Lets operators pass. There is no default: without a token configured for it, nobody is one.
pub(super) fn may_operate(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    let tokens = app.tokens.load();
    if tokens.operator.is_empty() {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "No operator token is configured: make one with `ratekeeper token`, and put its hash into operator_tokens.",
        ));
    }
    let token = TokenHash::of(bearer(headers)?);
    if token.is_among(&tokens.operator) {
        Ok(())
    } else if token.is_among(&tokens.check) {
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "This token is for decisions only; operators have another.",
        ))
    } else {
        Err(unknown())
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let missing = || {
        ApiError::new(
            StatusCode::UNAUTHORIZED,
            "A token is needed: send it as `Authorization: Bearer TOKEN`.",
        )
    };
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(missing()),
    }
}

fn unknown() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "This token is not known here.")
}
