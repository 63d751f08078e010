//! What a hostile peer may say of its limits: a status, then fields, a line each.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ratekeeper_core::{Limit, Micros, Timestamp};
use ratekeeper_outbound::{PaceError, Pacer, PacerConfig, Told};

const LONGEST: Duration = Duration::from_secs(3600);

/// Reads the bytes as a response, and takes it in: whatever it says, no call waits for longer than is set.
pub fn told(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let Some(status) = lines.next().and_then(|line| StatusCode::from_bytes(line).ok()) else {
        return;
    };
    let mut headers = HeaderMap::new();
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(at);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let now = Timestamp::from_micros(1_764_028_800_000_000);
    let told = Told::read(status, &headers, now);
    assert!(told.quotas.len() <= 16, "{told:?}");
    assert!(told.wait().is_none_or(|wait| !wait.is_zero()), "{told:?}");
    let Ok(limit) = Limit::token_bucket(10, Micros::SECOND) else {
        return;
    };
    let pacer = Pacer::with([limit], PacerConfig { longest_pause: LONGEST, ..PacerConfig::default() });
    if let Ok(mut permit) = pacer.try_ready() {
        permit.observe(status, &headers);
    }
    if let Err(PaceError::TooLong { wait, .. }) = pacer.try_ready() {
        assert!(wait <= LONGEST, "{told:?}");
    }
}
