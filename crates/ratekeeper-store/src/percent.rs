//! Percent-encoding, as the urls of stores have it.

use std::borrow::Cow;

/// Undoes percent-encoding. `None` where a `%` is not followed by two hexadecimal digits.
///
/// ```
/// assert_eq!(ratekeeper_store::percent_decoded("p%40ss").as_deref(), Some(b"p@ss".as_slice()));
/// assert_eq!(ratekeeper_store::percent_decoded("100%"), None);
/// ```
#[must_use]
pub fn percent_decoded(encoded: &str) -> Option<Cow<'_, [u8]>> {
    if !encoded.contains('%') {
        return Some(Cow::Borrowed(encoded.as_bytes()));
    }
    let mut parts = encoded.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok().filter(|_| !code.starts_with('+'))?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(Cow::Owned(bytes))
}
