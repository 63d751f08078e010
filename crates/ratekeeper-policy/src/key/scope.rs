//! The front of stored keys: which limit of which rule.

use ratekeeper_core::{Algorithm, Limit};

use super::KeyBytes;

/// The name of a window that would be longer, with the mark of an override, is replaced by its hash, so that keys stay
/// within 250 bytes.
const MAX_LABEL: usize = 48;

/// The front of the keys of each limit of a rule, such as `login:1m:`.
///
/// The count and the burst are not in it, so that a changed limit keeps its counters; the window is. Limits with equal
/// windows are told apart by a number. The `mark` of an override whose counters are its own follows: `login:1m!0a1b2c3d:`.
pub(crate) fn scopes(rule: &str, limits: &[Limit], mark: &str) -> Vec<Box<[u8]>> {
    let room = MAX_LABEL.saturating_sub(mark.len());
    let labels: Vec<String> = limits.iter().map(|limit| label(limit, room)).collect();
    let mut scopes = Vec::with_capacity(limits.len());
    for (index, label) in labels.iter().enumerate() {
        let before = labels[..index].iter().filter(|other| *other == label).count();
        let scope = match before {
            0 => format!("{rule}:{label}{mark}:"),
            ordinal => format!("{rule}:{label}.{ordinal}{mark}:"),
        };
        scopes.push(scope.into_bytes().into());
    }
    scopes
}

/// The front of the key of a limit that a request brings along: `(request):1m:`.
pub(crate) fn push_scope(out: &mut KeyBytes, rule: &str, limit: &Limit) {
    out.extend_from_slice(rule.as_bytes());
    out.push(b':');
    out.extend_from_slice(label(limit, MAX_LABEL).as_bytes());
    out.push(b':');
}

fn label(limit: &Limit, most: usize) -> String {
    let label = match limit.calendar() {
        Some(calendar) => format!("{}@{}", calendar.period().name(), calendar.zone()),
        None if limit.algorithm() == Algorithm::Concurrency => "c".to_owned(),
        None => limit.window().to_string(),
    };
    if label.len() <= most && label.bytes().all(|byte| byte.is_ascii_graphic() && !b"{}".contains(&byte)) {
        return label;
    }
    blake3::hash(label.as_bytes()).to_hex()[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_limit;

    #[test]
    fn the_window_tells_limits_apart_and_the_count_does_not() {
        let limits: Vec<Limit> = [
            "5 per minute burst 20",
            "100 per day",
            "9 per 60s (sliding_window)",
            "1000 per day (calendar, Europe/Paris)",
            "3 concurrent ttl 30s",
        ]
        .iter()
        .map(|text| parse_limit(text).unwrap())
        .collect();
        let scopes = |mark| -> Vec<String> {
            scopes("login", &limits, mark)
                .into_iter()
                .map(|scope| String::from_utf8_lossy(&scope).into_owned())
                .collect()
        };
        assert_eq!(
            scopes(""),
            [
                "login:1m:",
                "login:1d:",
                "login:1m.1:",
                "login:day@Europe/Paris:",
                "login:c:"
            ]
        );
        let marked = scopes("!0a1b2c3d");
        assert_eq!((marked[2].as_str(), marked[4].as_str()), ("login:1m.1!0a1b2c3d:", "login:c!0a1b2c3d:"));
    }
}
