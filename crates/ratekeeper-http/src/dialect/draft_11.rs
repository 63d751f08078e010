//! `RateLimit-Policy: "login";q=20;w=240` and `RateLimit: "login";r=3;t=12`: lists of strings with parameters (RFC 9651).

use super::TextFields;
use super::told::Told;

pub(super) fn fields(all: &[Told<'_>]) -> TextFields {
    if all.is_empty() {
        return TextFields::new();
    }
    let (mut policy, mut limit) = (String::with_capacity(48), String::with_capacity(48));
    for told in all {
        // Names are rule names and windows: no quotes, nothing to escape.
        for text in [&mut policy, &mut limit] {
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push('"');
            text.push_str(&told.name);
        }
        parameter(&mut policy, "\";q=", told.quota);
        if told.holds {
            policy.push_str(";qu=\"concurrent-requests\"");
        } else {
            parameter(&mut policy, ";w=", told.window);
        }
        parameter(&mut limit, "\";r=", told.remaining);
        if let Some(next) = told.next {
            parameter(&mut limit, ";t=", next);
        }
    }
    [("ratelimit-policy", policy), ("ratelimit", limit)].into_iter().collect()
}

fn parameter(text: &mut String, name: &str, value: u64) {
    text.push_str(name);
    text.push_str(itoa::Buffer::new().format(value));
}
