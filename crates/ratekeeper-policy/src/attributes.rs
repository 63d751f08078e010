//! What is known of a request.

use std::net::IpAddr;

/// What is known of a request; everything is borrowed, so that making one costs nothing.
///
/// ```
/// use ratekeeper_policy::Attributes;
/// let request = Attributes {
///     ip: Some("203.0.113.7".parse()?),
///     method: Some("POST"),
///     path: Some("/api/v1/auth/login"),
///     headers: &[("Host", "example.com")],
///     ..Attributes::default()
/// };
/// assert_eq!(request.header("host"), Some("example.com"));
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes<'a> {
    /// The client's address, already told from its proxies.
    pub ip: Option<IpAddr>,
    /// The name of a client that is known by name only, as in access logs with resolved names; the key part `ip` uses
    /// it when there is no address.
    pub client_name: Option<&'a str>,
    /// Who the client is, after authentication.
    pub user: Option<&'a str>,
    /// The method, such as `GET`.
    pub method: Option<&'a str>,
    /// The path as it was sent, without the query.
    pub path: Option<&'a str>,
    /// The route template that the path matched, such as `/users/{id}`.
    pub route: Option<&'a str>,
    /// The host, with or without a port.
    pub host: Option<&'a str>,
    /// Names and values; names are compared without regard to case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The domain of the descriptors, which keeps those of different users of one service apart.
    pub domain: Option<&'a str>,
    /// Free names and values, in order: the entries of a descriptor, as Envoy's rate limit service has them.
    pub descriptors: &'a [(&'a str, &'a str)],
}

impl<'a> Attributes<'a> {
    /// The value of the first header with this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// The value of the first descriptor with this name.
    #[must_use]
    pub fn descriptor(&self, name: &str) -> Option<&'a str> {
        self.descriptors.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}
