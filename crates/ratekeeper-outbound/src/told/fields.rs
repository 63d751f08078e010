//! Families of plain fields: `X-RateLimit-Remaining` and `X-RateLimit-Reset`, under whichever name.

use http::HeaderMap;
use ratekeeper_core::Timestamp;
use smallvec::SmallVec;

use super::value::{count, span, text, until};
use super::{MAX_QUOTAS, Quota, Unit};

/// `used/limit`, in calls that leak away at a pace that Shopify does not say.
const SHOPIFY: &str = "x-shopify-shop-api-call-limit";

pub(super) fn read(headers: &HeaderMap, now: Timestamp, quotas: &mut SmallVec<[Quota; 2]>) {
    let families = headers.keys().filter_map(|name| family(headers, name.as_str(), now));
    let all = families.chain(shopify(headers));
    quotas.extend(all.take(MAX_QUOTAS.saturating_sub(quotas.len())));
}

/// The quota whose rest the field `name` says.
fn family(headers: &HeaderMap, name: &str, now: Timestamp) -> Option<Quota> {
    let (head, tail) = name.split_once("remaining")?;
    // ratelimit-, x-rate-limit-, x-app-limit-24hour-; then nothing, or -tokens.
    if !head.ends_with('-') || !head.contains("limit-") || !(tail.is_empty() || tail.starts_with('-')) {
        return None;
    }
    let remaining = count(text(headers, name)?)?;
    let sibling = |word: &str| text(headers, &format!("{head}{word}{tail}"));
    let reset = sibling("reset-after").and_then(span);
    let reset = reset.or_else(|| sibling("reset").and_then(|text| until(text, now)));
    let unit = match [head, tail].iter().any(|part| part.contains("requests")) {
        true => Unit::Calls,
        false => Unit::Cost,
    };
    Some(Quota { unit, remaining, reset })
}

fn shopify(headers: &HeaderMap) -> Option<Quota> {
    let (used, limit) = text(headers, SHOPIFY)?.split_once('/')?;
    let remaining = count(limit)?.saturating_sub(count(used)?);
    Some(Quota { unit: Unit::Calls, remaining, reset: None })
}
