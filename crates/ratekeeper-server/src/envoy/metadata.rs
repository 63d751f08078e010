//! Dynamic metadata: the request, and what the policy says of the rules that let it pass.

use ratekeeper_engine::Outcome;
use ratekeeper_envoy::{
    Code, RateLimitDescriptor, RateLimitRequest, RateLimitResponse, RateLimitUnit, Struct,
};
use serde_json::{Map, Value, json};

/// What Envoy gets as dynamic metadata, in the form that its own service has.
pub(super) fn metadata(
    request: &RateLimitRequest,
    outcome: &Outcome,
    response: &RateLimitResponse,
) -> Option<Struct> {
    let descriptors: Vec<Value> = request.descriptors.iter().map(descriptor).collect();
    let mut all = json!({ "domain": request.domain, "descriptors": descriptors });
    if request.hits_addend != 0 {
        all["hitsAddend"] = request.hits_addend.into();
    }
    let mut merged = Map::new();
    let limited = outcome.limits.iter().map(|limit| (limit.part, limit.rule));
    for (part, rule) in limited.chain(outcome.unlimited.iter().copied()) {
        let passes = response.statuses.get(part).is_some_and(|status| status.code() == Code::Ok);
        if let Some(Value::Object(own)) = outcome.policy().rule(rule).envoy_metadata()
            && passes
        {
            merge(&mut merged, own);
        }
    }
    if !merged.is_empty() {
        all["metadata"] = merged.into();
    }
    serde_json::from_value(all).ok()
}

fn descriptor(descriptor: &RateLimitDescriptor) -> Value {
    let entries = descriptor.entries.iter();
    let entries: Vec<String> = entries.map(|entry| format!("{}={}", entry.key, entry.value)).collect();
    let mut value = json!({ "entries": entries });
    if let Some(limit) = &descriptor.limit {
        let unit = RateLimitUnit::try_from(limit.unit).unwrap_or_default().as_str_name();
        value["limit"] = format!("requests_per_unit:{} unit:{unit}", limit.requests_per_unit).into();
    }
    if let Some(hits) = &descriptor.hits_addend {
        value["hitsAddend"] = hits.value.into();
    }
    value
}

/// Adds what is not there yet, mapping by mapping.
fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (None, value) => _ = into.insert(name.clone(), value.clone()),
            (Some(Value::Object(into)), Value::Object(from)) => merge(into, from),
            (Some(_), _) => {}
        }
    }
}
