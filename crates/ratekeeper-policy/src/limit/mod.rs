//! Limits in English: `100 per minute burst 20`.

mod error;
mod grammar;
mod names;
pub(crate) mod scan;
mod spec;

pub(crate) use error::LimitField;
pub use error::LimitSyntaxError;
pub(crate) use grammar::parse_spec;
pub(crate) use names::algorithm as algorithm_named;
pub(crate) use spec::LimitSpec;

use ratekeeper_core::Limit;

/// Reads a limit written in English, as the `limits` of a policy have them.
///
/// # Errors
/// [`LimitSyntaxError`] says what was not understood and what would be right.
///
/// ```
/// use ratekeeper_core::{Limit, Micros};
/// use ratekeeper_policy::parse_limit;
/// assert_eq!(parse_limit("100/s")?, Limit::token_bucket(100, Micros::SECOND)?);
/// assert_eq!(parse_limit("30 per 90s")?.window(), Micros::from_secs(90));
/// assert_eq!(parse_limit("1000 per day (calendar, Europe/Paris)")?.calendar().unwrap().zone(), "Europe/Paris");
/// assert_eq!(parse_limit("10 concurrent ttl 30s")?, Limit::concurrency(10, Micros::from_secs(30))?);
/// let error = parse_limit("100 per fortnight").unwrap_err();
/// assert!(error.to_string().starts_with("unknown unit \"fortnight\""));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn parse_limit(text: &str) -> Result<Limit, LimitSyntaxError> {
    parse_spec(text)?.build()
}
