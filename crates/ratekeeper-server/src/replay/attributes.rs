//! What a line of a log tells of its request.

use ratekeeper_accesslog::Record;
use ratekeeper_policy::Attributes;

/// Calls `then` with the attributes of a record.
pub(super) fn with_attributes<T>(record: &Record<'_>, then: impl FnOnce(&Attributes<'_>) -> T) -> T {
    let headers: Vec<(&str, &str)> = record.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let descriptors: Vec<(&str, &str)> =
        record.descriptors.iter().map(|(name, value)| (&**name, &**value)).collect();
    then(&Attributes {
        ip: record.ip,
        client_name: record.client_name.as_deref(),
        user: record.user.as_deref(),
        method: record.method.as_deref(),
        path: record.path.as_deref(),
        route: record.route.as_deref(),
        host: record.host.as_deref(),
        headers: &headers,
        domain: None,
        descriptors: &descriptors,
    })
}
