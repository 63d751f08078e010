//! `RateLimit` and `RateLimit-Policy`: structured fields (RFC 9651) of the IETF's drafts.

use std::time::Duration;

use http::HeaderMap;
use sfv::{BareItem, Dictionary, List, ListEntry, Parameters, Parser, StringRef};
use smallvec::SmallVec;

use super::{MAX_QUOTAS, Quota, Unit};

const LIMIT: &str = "ratelimit";
const POLICY: &str = "ratelimit-policy";
/// Longer fields are not read.
const MAX_LENGTH: usize = 8192;

pub(super) fn read(headers: &HeaderMap, quotas: &mut SmallVec<[Quota; 2]>) {
    let Some(field) = joined(headers, LIMIT) else {
        return;
    };
    match Parser::new(&field).parse::<List>() {
        Ok(list) => {
            let policies = joined(headers, POLICY);
            let policies =
                policies.and_then(|field| Parser::new(&field).parse::<List>().ok()).unwrap_or_default();
            quotas.extend(list.iter().filter_map(|entry| draft_11(entry, &policies)).take(MAX_QUOTAS));
        }
        // `limit=100, remaining=50, reset=5`: a dictionary, and nothing but one.
        Err(_) => quotas.extend(Parser::new(&field).parse().ok().and_then(|fields| draft_07(&fields))),
    }
}

/// The lines of a field as one.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut all = String::new();
    for line in headers.get_all(name) {
        let separator = if all.is_empty() { "" } else { ", " };
        all.push_str(separator);
        all.push_str(line.to_str().ok()?);
    }
    (!all.is_empty() && all.len() <= MAX_LENGTH).then_some(all)
}

/// `"login";r=3;t=12`. Where nothing is left and `t` does not say for how long, it is the policy's window at the most.
fn draft_11(entry: &ListEntry, policies: &[ListEntry]) -> Option<Quota> {
    let ListEntry::Item(item) = entry else {
        return None;
    };
    let remaining = number(&item.params, "r")?;
    let policy = policies.iter().find_map(|entry| match entry {
        ListEntry::Item(policy) if policy.bare_item == item.bare_item => Some(&policy.params),
        _ => None,
    });
    let reset = number(&item.params, "t").or_else(|| policy.and_then(|policy| number(policy, "w")));
    let unit = policy.and_then(|policy| policy.get("qu")).and_then(BareItem::as_string);
    let unit = match unit.map(StringRef::as_str) {
        Some("requests") => Unit::Calls,
        _ => Unit::Cost,
    };
    Some(Quota { unit, remaining, reset: reset.map(Duration::from_secs) })
}

fn draft_07(fields: &Dictionary) -> Option<Quota> {
    let number = |name: &str| match fields.get(name) {
        Some(ListEntry::Item(item)) => whole(&item.bare_item),
        _ => None,
    };
    Some(Quota {
        unit: Unit::Cost,
        remaining: number("remaining")?,
        reset: number("reset").map(Duration::from_secs),
    })
}

fn number(parameters: &Parameters, name: &str) -> Option<u64> {
    parameters.get(name).and_then(whole)
}

/// Integers of structured fields have at most fifteen digits.
fn whole(item: &BareItem) -> Option<u64> {
    u64::try_from(item.as_integer()?).ok()
}
