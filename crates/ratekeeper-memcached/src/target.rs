//! Where the nodes are and how they are asked, as a URL says it.

use std::time::Duration;

use ratekeeper_core::Micros;
use ratekeeper_store::{StoreError, percent_decoded};

use crate::client::{Address, Login};

/// What a URL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) nodes: Vec<Address>,
    pub(crate) login: Option<Login>,
    pub(crate) prefix: String,
    /// How long a node may take for one step.
    pub(crate) timeout: Duration,
    /// How far the clocks of clients may be apart.
    pub(crate) skew: Micros,
}

const DEFAULT_PORT: u16 = 11211;
const DEFAULT_PREFIX: &str = "ratekeeper:";
const LONGEST_PREFIX: usize = 64;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);
const DEFAULT_SKEW: Micros = Micros::SECOND;
const MOST_NODES: usize = 256;

impl Target {
    /// Reads a URL. What is said of a wrong one never shows its password.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        read(url).map_err(|why| StoreError::Misconfigured { reason: format!("the URL of memcached: {why}") })
    }
}

fn read(url: &str) -> Result<Target, String> {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let (nodes, login) = if let Some(place) = place.strip_prefix("memcached://") {
        let place = place.strip_suffix('/').unwrap_or(place);
        let (login, hosts) = split_login(place)?;
        (hosts.split(',').zip(1..).map(tcp).collect::<Result<Vec<_>, _>>()?, login)
    } else if let Some(place) = place.strip_prefix("memcached+unix://") {
        let (login, path) = split_login(place)?;
        (vec![unix(path)?], login)
    } else {
        return Err("it must begin with memcached:// or memcached+unix://".to_owned());
    };
    if nodes.len() > MOST_NODES {
        return Err(format!("{} nodes are too many; there may be {MOST_NODES}", nodes.len()));
    }
    if let Some(twice) = (1..nodes.len()).find(|place| nodes[..*place].contains(&nodes[*place])) {
        return Err(format!("the node {} is named twice", nodes[twice]));
    }
    let mut target = Target {
        nodes,
        login,
        prefix: DEFAULT_PREFIX.to_owned(),
        timeout: DEFAULT_TIMEOUT,
        skew: DEFAULT_SKEW,
    };
    let mut seen = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if seen.contains(&name) {
            return Err(format!("{name} is given twice"));
        }
        seen.push(name);
        target.set(name, &decoded(value)?)?;
    }
    Ok(target)
}

impl Target {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "prefix"
                if value.len() <= LONGEST_PREFIX && value.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                self.prefix = value.to_owned();
            }
            "prefix" => {
                return Err(format!(
                    "prefix has at most {LONGEST_PREFIX} printable ASCII characters, no spaces"
                ));
            }
            "timeout" => match span(value) {
                Some(timeout) if !timeout.is_zero() && timeout <= LONGEST_TIMEOUT => self.timeout = timeout,
                _ => return Err("timeout is between 1ms and 60s, such as 500ms".to_owned()),
            },
            "skew" => match span(value) {
                Some(skew) if skew <= Duration::from_secs(3600) => self.skew = skew.into(),
                _ => return Err("skew is between 0s and 3600s, such as 2s".to_owned()),
            },
            _ if name.contains(['@', ':']) => {
                return Err("write %3F for a ? in the password, and %40 for an @".to_owned());
            }
            _ => return Err(format!("there is no parameter {name:?}; there are prefix, timeout and skew")),
        }
        Ok(())
    }
}

/// The user and password before the last `@`, and what is after it.
fn split_login(place: &str) -> Result<(Option<Login>, &str), String> {
    let Some((login, rest)) = place.rsplit_once('@') else {
        return Ok((None, place));
    };
    let wrong = "before the @ stands user:password, both without spaces and colons";
    let (user, password) = login.split_once(':').ok_or(wrong)?;
    let login = Login::new(&decoded(user).map_err(|_| wrong)?, &decoded(password).map_err(|_| wrong)?);
    Ok((Some(login.ok_or(wrong)?), rest))
}

/// `host`, `host:port`, `[address]` or `[address]:port`.
///
/// What is wrong is told by its number: what looks like a node may be a part of a password.
fn tcp((text, number): (&str, usize)) -> Result<Address, String> {
    let wrong = || format!("node {number} is no node; write host:port, or [address]:port for IPv6");
    let after_host = text.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match text[after_host..].find(':') {
        Some(colon) => {
            (&text[..after_host + colon], text[after_host + colon + 1..].parse().map_err(|_| wrong())?)
        }
        None => (text, DEFAULT_PORT),
    };
    let is_host = match host.strip_prefix('[') {
        Some(address) => address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        }
    };
    if !is_host || port == 0 {
        return Err(wrong());
    }
    Ok(Address::Tcp(format!("{}:{port}", host.to_ascii_lowercase())))
}

fn unix(path: &str) -> Result<Address, String> {
    let path = decoded(path)?;
    if !path.starts_with('/') || path.contains('\0') {
        return Err("this is no socket; write memcached+unix:///absolute/path".to_owned());
    }
    Ok(Address::Unix(path))
}

/// A whole number of `ms` or `s`.
fn span(text: &str) -> Option<Duration> {
    let number = |digits: &str| digits.parse::<u32>().ok().map(u64::from);
    match text.strip_suffix("ms") {
        Some(digits) => number(digits).map(Duration::from_millis),
        None => number(text.strip_suffix('s')?).map(Duration::from_secs),
    }
}

/// The text behind `%XX`.
fn decoded(text: &str) -> Result<String, String> {
    let bytes = percent_decoded(text).ok_or("a % is followed by two hexadecimal digits")?;
    String::from_utf8(bytes.into_owned()).map_err(|_| "what is written with % is no text".to_owned())
}

#[cfg(test)]
mod tests;
