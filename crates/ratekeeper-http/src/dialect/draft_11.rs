//! `RateLimit-Policy: "login";q=20;w=240` and `RateLimit: "login";r=3;t=12`: lists of strings with parameters (RFC 9651).

use super::Take;
use super::line::Line;
use super::told::Told;

pub(super) fn fields(all: &[Told<'_>], take: Take<'_>) {
    if all.is_empty() {
        return;
    }
    let (mut policy, mut limit) = (Line::new(), Line::new());
    for told in all {
        // Names are rule names and windows: no quotes, nothing to escape.
        for line in [&mut policy, &mut limit] {
            line.push(if line.is_empty() { "\"" } else { ", \"" });
            line.push(&told.name);
        }
        parameter(&mut policy, "\";q=", told.quota);
        if told.holds {
            policy.push(";qu=\"concurrent-requests\"");
        } else {
            parameter(&mut policy, ";w=", told.window);
        }
        parameter(&mut limit, "\";r=", told.remaining);
        if let Some(next) = told.next {
            parameter(&mut limit, ";t=", next);
        }
    }
    take("ratelimit-policy", policy.bytes());
    take("ratelimit", limit.bytes());
}

fn parameter(line: &mut Line, name: &str, value: u64) {
    line.push(name);
    line.push_number(value);
}
