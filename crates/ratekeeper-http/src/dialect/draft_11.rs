//! `RateLimit-Policy: "login";q=20;w=240` and `RateLimit: "login";r=3;t=12`: lists of strings with parameters (RFC 9651).

use std::fmt::Write as _;

use http::{HeaderName, HeaderValue};

use super::Fields;
use super::told::Told;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

pub(super) fn fields(all: &[Told]) -> Fields {
    let (mut policy, mut limit) = (String::new(), String::new());
    for told in all {
        let comma = if policy.is_empty() { "" } else { ", " };
        // Names are rule names and windows: no quotes, nothing to escape. Writing to a string cannot fail.
        _ = write!(policy, "{comma}\"{}\";q={}", told.name, told.quota);
        _ = if told.holds {
            write!(policy, ";qu=\"concurrent-requests\"")
        } else {
            write!(policy, ";w={}", told.window)
        };
        _ = write!(limit, "{comma}\"{}\";r={}", told.name, told.remaining);
        if let Some(next) = told.next {
            _ = write!(limit, ";t={next}");
        }
    }
    let field = |name, text: String| HeaderValue::try_from(text).ok().map(|value| (name, value));
    if all.is_empty() {
        return Fields::new();
    }
    field(POLICY, policy).into_iter().chain(field(LIMIT, limit)).collect()
}
