//! The names under which servers log what a record holds.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

use crate::time::Unit;

/// What a field can be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Slot {
    Time,
    Client,
    Method,
    Path,
    Request,
    User,
    Host,
    Route,
    Status,
    UserAgent,
    Referer,
    Headers,
    Descriptors,
    Cost,
    /// An object that holds other fields and nothing of its own.
    Nested,
}

/// What the name of a field means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meaning {
    pub(super) slot: Slot,
    /// The place among the names of its slot: the least wins.
    pub(super) rank: u8,
    /// The unit of a time, if the name says one.
    pub(super) unit: Option<Unit>,
    /// Whether fields are looked for inside, if it is an object; the least rank wins.
    pub(super) nested: Option<u8>,
}

/// For every slot its names, the preferred first. Case, `_`, `-`, `.` and `@` make no difference.
const NAMES: [(Slot, &[&str]); 14] = [
    (
        Slot::Time,
        &[
            "time",
            "ts",
            "timestamp",
            "time_us",
            "time_ms",
            "time_ns",
            "ts_us",
            "ts_ms",
            "ts_ns",
            "timestamp_us",
            "timestamp_ms",
            "timestamp_ns",
            "time_iso8601",
            "time_local",
            "datetime",
            "date_time",
            "date",
            "msec",
            "start_time",
            "StartUTC",
            "StartLocal",
            "event_time",
            "request_timestamp",
            "epoch",
            "unix_time",
        ],
    ),
    (
        Slot::Client,
        &[
            "ip",
            "client_ip",
            "remote_ip",
            "remote_addr",
            "remote_host",
            "clientip",
            "client",
            "ClientHost",
            "src_ip",
            "source_ip",
            "client_addr",
            "client_address",
            "remote_address",
            "remote",
            "ip_address",
            "peer",
            "peer_addr",
            "source_address",
            "net.peer.ip",
        ],
    ),
    (
        Slot::Method,
        &[
            "method",
            "request_method",
            "verb",
            "http_method",
            "http.request.method",
            "req_method",
            "HTTPRequestMethod",
        ],
    ),
    (
        Slot::Path,
        &[
            "path",
            "uri",
            "url",
            "request_uri",
            "target",
            "request_path",
            "request_url",
            "http.target",
            "url_path",
            "uri_path",
            "http_path",
            "http.url",
            "url.full",
            "url.original",
            "original",
        ],
    ),
    (Slot::Request, &["request", "request_line", "requestline"]),
    (
        Slot::User,
        &[
            "user",
            "remote_user",
            "username",
            "user_id",
            "ClientUsername",
            "auth_user",
            "user.name",
            "enduser.id",
        ],
    ),
    (
        Slot::Host,
        &[
            "host",
            "http_host",
            "server_name",
            "RequestHost",
            "vhost",
            "domain",
            "server.address",
        ],
    ),
    (Slot::Route, &["route", "http.route"]),
    (
        Slot::Status,
        &[
            "status",
            "status_code",
            "response_code",
            "DownstreamStatus",
            "http_status",
            "http.response.status_code",
            "response_status",
            "OriginStatus",
            "code",
        ],
    ),
    (
        Slot::UserAgent,
        &[
            "user_agent",
            "http_user_agent",
            "agent",
            "request_User-Agent",
            "user_agent.original",
            "ua",
        ],
    ),
    (
        Slot::Referer,
        &[
            "referer",
            "http_referer",
            "referrer",
            "http_referrer",
            "request_Referer",
        ],
    ),
    (Slot::Headers, &["headers", "request_headers", "http_headers", "req_headers"]),
    (Slot::Descriptors, &["descriptors"]),
    (Slot::Cost, &["cost"]),
];

/// Objects in which fields are looked for as well, the preferred first.
const NESTED: [&str; 7] = [
    "request",
    "attributes",
    "http",
    "httpRequest",
    "url",
    "client",
    "source",
];

/// More bytes than any name in the lists has.
const LONGEST: usize = 32;

/// Filled from the lists alone, never from input: a fixed seed is safe.
static MEANINGS: LazyLock<HashMap<Vec<u8>, Meaning, FixedState>> = LazyLock::new(|| {
    let mut meanings = HashMap::default();
    for (slot, names) in NAMES {
        for (rank, name) in (0..).zip(names) {
            let meaning = Meaning { slot, rank, unit: Unit::of_name(name), nested: None };
            meanings.entry(letters(name).collect()).or_insert(meaning);
        }
    }
    for (rank, name) in (0..).zip(NESTED) {
        let alone = Meaning { slot: Slot::Nested, rank, unit: None, nested: None };
        meanings.entry(letters(name).collect()).or_insert(alone).nested = Some(rank);
    }
    meanings
});

/// What `name` means, if it is one of those known.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    let mut key = [0; LONGEST];
    let mut length = 0;
    for letter in letters(name) {
        *key.get_mut(length)? = letter;
        length += 1;
    }
    MEANINGS.get(key.get(..length)?).copied()
}

fn letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes()
        .filter(|byte| !matches!(byte, b'_' | b'-' | b'.' | b'@'))
        .map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_is_found_in_its_slot() {
        for (slot, names) in NAMES {
            for name in names {
                assert_eq!(meaning(name).map(|meaning| meaning.slot), Some(slot), "{name}");
            }
        }
        for name in NESTED {
            assert!(meaning(name).unwrap().nested.is_some(), "{name}");
        }
        assert_eq!(meaning("TimestampMs").unwrap().unit, Some(Unit::Millis));
        assert!(meaning("resp_headers").is_none());
        assert!(meaning(&"x".repeat(1000)).is_none());
    }
}
