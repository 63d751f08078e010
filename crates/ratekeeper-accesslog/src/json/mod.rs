//! JSON lines: one object a line, field names of many servers.

mod fields;
mod names;
mod value;

use std::borrow::Cow;
use std::str;

use ratekeeper_core::Timestamp;

use crate::request::{RequestLine, method};
use crate::target::Target;
use crate::time::{TimeFault, parse_any};
use crate::{Excerpt, LineError, Record, client, combined};
use fields::Fields;
use names::Slot;

/// Parses a line that is trimmed and not empty.
pub(crate) fn parse(line: &[u8]) -> Result<Record<'_>, LineError> {
    if line.first() != Some(&b'{') {
        return Err(LineError::NotAnObject { found: Excerpt::new(line) });
    }
    match str::from_utf8(line) {
        Ok(text) => record(text),
        // JSON's own marks are ASCII: only texts can hold the bytes that are replaced.
        Err(_) => record(&String::from_utf8_lossy(line)).map(Record::into_owned),
    }
}

fn record(line: &str) -> Result<Record<'_>, LineError> {
    let fields = Fields::collect(line).map_err(|error| syntax(&error))?;
    let mut record = Record { time: time(&fields)?, ..Record::default() };
    (record.ip, record.client_name) = who(&fields);
    record.user = fields.text(Slot::User);
    record.route = fields.text(Slot::Route);
    record.status = fields.texts(Slot::Status).find_map(|text| combined::status_code(text.as_bytes()));
    record.cost = fields.texts(Slot::Cost).find_map(|text| text.parse().ok());
    asked(&fields, &mut record);

    for headers in fields.objects(Slot::Headers) {
        for (name, value) in value::members(headers) {
            let name = lower(name);
            value::each_text(value, |text| record.headers.push((name.clone(), text)));
        }
    }
    record.add_header("user-agent", fields.text(Slot::UserAgent));
    record.add_header("referer", fields.text(Slot::Referer));
    for descriptors in fields.objects(Slot::Descriptors) {
        for (name, value) in value::members(descriptors) {
            record.descriptors.extend(value::text(value).map(|text| (name, text)));
        }
    }
    if record.host.is_none() {
        record.host = record.header("host").map(|host| Cow::Owned(host.to_owned()));
    }
    let tells_nothing = record.ip.is_none()
        && record.client_name.is_none()
        && record.user.is_none()
        && record.path.is_none()
        && record.headers.is_empty()
        && record.descriptors.is_empty();
    if tells_nothing {
        let expected = "one field such as remote_ip, user, path, headers or descriptors is needed";
        return Err(LineError::JsonMissing { what: "client, user or path", expected });
    }
    Ok(record)
}

/// The first field for a time that holds one.
fn time(fields: &Fields<'_>) -> Result<Timestamp, LineError> {
    let mut first_fault = None;
    for (unit, text) in fields.times() {
        match parse_any(&text, unit) {
            Ok(time) => return Ok(time),
            Err(fault) => _ = first_fault.get_or_insert_with(|| bad_time(&text, fault)),
        }
    }
    Err(first_fault.unwrap_or(LineError::JsonMissing {
        what: "time",
        expected: "a field such as time, ts, timestamp or time_local is needed",
    }))
}

fn bad_time(text: &str, fault: TimeFault) -> LineError {
    LineError::BadTime { found: Excerpt::new(text.as_bytes()), fault }
}

/// The first client field that is an address, or else the first as a name.
fn who<'a>(fields: &Fields<'a>) -> (Option<std::net::IpAddr>, Option<Cow<'a, str>>) {
    let mut name = None;
    for text in fields.texts(Slot::Client) {
        if let Some(ip) = client::address(text.as_bytes()) {
            return (Some(ip), None);
        }
        name.get_or_insert(text);
    }
    (None, name)
}

/// Method, path and host, from fields of their own or from a whole request line.
fn asked<'a>(fields: &Fields<'a>, record: &mut Record<'a>) {
    record.method = fields.texts(Slot::Method).find(|text| method(text.as_bytes()).is_some());
    record.host = fields.text(Slot::Host);
    let mut authority = None;
    if let Some(target) = fields.text(Slot::Path) {
        let (path, host) = Target::of_text(target);
        record.path = Some(path);
        authority = host;
    }
    if (record.method.is_none() || record.path.is_none())
        && let Some(line) = fields.text(Slot::Request)
        && let Ok(request) = RequestLine::parse(line.as_bytes())
    {
        let text = |part: &[u8]| Cow::Owned(String::from_utf8_lossy(part).into_owned());
        record.method.get_or_insert_with(|| text(request.method.as_bytes()));
        if record.path.is_none() {
            record.path = Some(text(request.target.path));
            authority = request.target.host.map(text);
        }
    }
    if record.host.is_none() {
        record.host = authority;
    }
}

fn lower(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        name
    }
}

fn syntax(error: &serde_json::Error) -> LineError {
    let message = error.to_string();
    // The position is a field of its own, and the line of the log is not this parser's "line 1".
    let reason = message.split(" at line ").next().unwrap_or_default().to_owned();
    LineError::JsonSyntax { column: error.column(), reason }
}

#[cfg(test)]
mod tests;
