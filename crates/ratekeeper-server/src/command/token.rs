//! `ratekeeper token`: a token for clients or operators.

use std::io::Write as _;

use crate::failure::{Failure, written};
use crate::tokens::TokenHash;

/// Prints a new token and its hash.
pub(crate) fn run() -> Result<(), Failure> {
    let token = make()?;
    let hash = TokenHash::of(&token);
    let text = format!(
        "token: {token}\nhash:  {hash}\n\nGive the token to the client, and the hash to the server.\n"
    );
    written(std::io::stdout().write_all(text.as_bytes()))
}

/// 256 bits of the operating system's randomness, as text.
// The edge where tokens are made.
#[allow(clippy::disallowed_methods)]
pub(crate) fn make() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Failure::start("a token", error))?;
    let mut token = String::from("rk_");
    for byte in bytes {
        token.push_str(&format!("{byte:02x}"));
    }
    Ok(token)
}
