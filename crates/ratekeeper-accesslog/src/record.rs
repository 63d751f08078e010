//! What a line tells of one request.

use std::borrow::Cow;
use std::net::IpAddr;

use ratekeeper_core::Timestamp;
use smallvec::SmallVec;

/// One request of the log. Only `time` is always there; a `-` or an empty text of the log is `None` here.
///
/// Texts are as the client sent them: they may hold control characters, quotes and terminal escapes.
///
/// ```
/// use ratekeeper_accesslog::{Format, parse_line};
///
/// let line = br#"piweba3y.example.com - - [01/Jul/1995:00:00:01 -0400] "GET /history/ HTTP/1.0" 200 6245"#;
/// let record = parse_line(line, Format::Combined)?;
/// assert_eq!((record.ip, record.client_name.as_deref()), (None, Some("piweba3y.example.com")));
/// assert_eq!(record.time.as_micros(), 804_571_201_000_000);
/// assert_eq!((record.method.as_deref(), record.path.as_deref()), (Some("GET"), Some("/history/")));
/// assert_eq!(record.status, Some(200));
/// # Ok::<(), ratekeeper_accesslog::LineError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// When the request was made, or logged, as the log says.
    pub time: Timestamp,
    /// The client's address, without a port; an IPv4 address mapped into IPv6 is given as IPv4.
    pub ip: Option<IpAddr>,
    /// The client as it was written, if that is not an address: a host name.
    pub client_name: Option<Cow<'a, str>>,
    /// The authenticated user.
    pub user: Option<Cow<'a, str>>,
    /// The method, case as written; absent in JSON logs that do not tell it.
    pub method: Option<Cow<'a, str>>,
    /// The path without query; `*` of `OPTIONS *` stays, and so does the `host:port` of `CONNECT`.
    pub path: Option<Cow<'a, str>>,
    /// The host asked for, case and port as written.
    pub host: Option<Cow<'a, str>>,
    /// The route template (JSON only).
    pub route: Option<Cow<'a, str>>,
    /// The status of the answer, 100 to 999.
    pub status: Option<u16>,
    /// Request headers: lower-case name, value. A name stands as often as the log gives it a value.
    pub headers: SmallVec<[(Cow<'a, str>, Cow<'a, str>); 2]>,
    /// The `descriptors` of a JSON line; numbers and booleans as they were written.
    pub descriptors: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The `cost` of a JSON line, if that is a whole number.
    pub cost: Option<u64>,
}

fn owned<'b>(text: Cow<'_, str>) -> Cow<'b, str> {
    Cow::Owned(text.into_owned())
}

impl<'a> Record<'a> {
    /// A copy that borrows nothing, to be kept longer than the line: its lifetime is free, also `'static`.
    #[must_use]
    pub fn into_owned<'b>(self) -> Record<'b> {
        Record {
            time: self.time,
            ip: self.ip,
            client_name: self.client_name.map(owned),
            user: self.user.map(owned),
            method: self.method.map(owned),
            path: self.path.map(owned),
            host: self.host.map(owned),
            route: self.route.map(owned),
            status: self.status,
            headers: self.headers.into_iter().map(|(name, value)| (owned(name), owned(value))).collect(),
            descriptors: self
                .descriptors
                .into_iter()
                .map(|(name, value)| (owned(name), owned(value)))
                .collect(),
            cost: self.cost,
        }
    }

    /// The first value of the header `name`, given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_ref())
    }

    /// Adds a header of the log's own fields unless the log gave that header in full already.
    pub(crate) fn add_header(&mut self, name: &'static str, value: Option<Cow<'a, str>>) {
        if let Some(value) = value
            && self.header(name).is_none()
        {
            self.headers.push((Cow::Borrowed(name), value));
        }
    }
}
