//! Where the servers are, and how to talk to them: what a URL says.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use ratekeeper_store::{StoreError, percent_decoded};

use crate::dial::{Address, Credentials, Dial};
use crate::tls;

/// What a URL says.
#[derive(Debug)]
pub(crate) struct Location {
    pub(crate) dial: Dial,
    pub(crate) servers: Servers,
    /// What all keys begin with.
    pub(crate) prefix: Vec<u8>,
}

/// Which servers.
#[derive(Debug)]
pub(crate) enum Servers {
    One(Address),
    Watched {
        sentinels: Vec<Address>,
        credentials: Credentials,
        master: String,
    },
    Cluster(Vec<Address>),
}

/// What the scheme stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Single,
    Unix,
    Sentinel,
    Cluster,
}

const SCHEMES: [(&str, Kind, bool); 14] = [
    ("redis", Kind::Single, false),
    ("rediss", Kind::Single, true),
    ("valkey", Kind::Single, false),
    ("valkeys", Kind::Single, true),
    ("unix", Kind::Unix, false),
    ("redis+unix", Kind::Unix, false),
    ("redis-sentinel", Kind::Sentinel, false),
    ("rediss-sentinel", Kind::Sentinel, true),
    ("valkey-sentinel", Kind::Sentinel, false),
    ("valkeys-sentinel", Kind::Sentinel, true),
    ("redis-cluster", Kind::Cluster, false),
    ("rediss-cluster", Kind::Cluster, true),
    ("valkey-cluster", Kind::Cluster, false),
    ("valkeys-cluster", Kind::Cluster, true),
];

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26_379;
/// So much a prefix may have.
const LONGEST_PREFIX: usize = 64;

/// The parameters after `?`.
#[derive(Default)]
struct Parameters {
    prefix: Vec<u8>,
    ca: Option<PathBuf>,
    database: Option<i64>,
    sentinel: Credentials,
}

impl Location {
    /// Reads a URL; an error names what is wrong in it, and no secret.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| wrong("it has no scheme", "redis://host:6379"))?;
        let known = SCHEMES.iter().find(|(name, _, _)| *name == scheme);
        let &(_, kind, encrypted) = known.ok_or_else(|| {
            let names: Vec<&str> = SCHEMES.iter().map(|(name, _, _)| *name).collect();
            wrong("its scheme is unknown", &names.join(", "))
        })?;
        // What follows is echoed in errors: it must not be the rest of a password.
        let end_of_hosts = match kind {
            Kind::Unix => rest.find('?'),
            _ => rest.find(['/', '?']),
        };
        if end_of_hosts.is_some_and(|end| rest[end..].contains('@')) {
            return Err(wrong(
                "it has an @ after the first / or ?",
                "write %2F for / and %3F for ? in the password, and %40 for @ in what follows the hosts",
            ));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let parameters = Parameters::parse(query, kind, encrypted)?;
        let (authority, path) = match kind {
            // The path of the socket begins with the first slash.
            Kind::Unix => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            _ => rest.split_once('/').unwrap_or((rest, "")),
        };
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let database = match (kind, path) {
            (Kind::Unix | Kind::Sentinel, _) | (_, "") => parameters.database.unwrap_or(0),
            (Kind::Single, number) => database(number)?,
            (Kind::Cluster, _) => return Err(wrong("a cluster has no databases", "a URL without a path")),
        };
        let port = if kind == Kind::Sentinel {
            SENTINEL_PORT
        } else {
            PORT
        };
        let addresses = || hosts.split(',').map(|host| address(host, port)).collect::<Result<Vec<_>, _>>();
        let servers = match kind {
            Kind::Unix if hosts.is_empty() && path.len() > 1 => {
                Servers::One(Address::Unix(PathBuf::from(text(path, "the path")?.into_owned())))
            }
            Kind::Unix => return Err(wrong("it has no path", "unix:///run/redis/redis.sock")),
            Kind::Single => match <[Address; 1]>::try_from(addresses()?) {
                Ok([address]) => Servers::One(address),
                Err(_) => return Err(wrong("it has several hosts", "redis-cluster:// or redis-sentinel://")),
            },
            Kind::Sentinel if path.is_empty() || path.contains('/') => {
                return Err(wrong(
                    "it has no name of a master",
                    "redis-sentinel://host:26379,host:26379/name",
                ));
            }
            Kind::Sentinel => Servers::Watched {
                sentinels: addresses()?,
                credentials: parameters.sentinel,
                master: text(path, "the name of the master")?.into_owned(),
            },
            Kind::Cluster => Servers::Cluster(addresses()?),
        };
        let tls = encrypted.then(|| tls::config(parameters.ca.as_deref())).transpose()?.map(Arc::new);
        let dial = Dial { credentials: credentials(user)?, database, tls };
        Ok(Self { dial, servers, prefix: parameters.prefix })
    }
}

impl Parameters {
    fn parse(query: &str, kind: Kind, encrypted: bool) -> Result<Self, StoreError> {
        let mut parameters = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "prefix" => parameters.prefix = prefix(value)?,
                "ca" if encrypted => {
                    parameters.ca = Some(PathBuf::from(text(value, "the file of ca=")?.into_owned()));
                }
                "ca" => return Err(wrong("ca= is of no use without TLS", "rediss://")),
                "db" if matches!(kind, Kind::Unix | Kind::Sentinel | Kind::Single) => {
                    parameters.database = Some(database(value)?);
                }
                "sentinel_user" if kind == Kind::Sentinel => {
                    parameters.sentinel.user = Some(text(value, "sentinel_user=")?.into_owned());
                }
                "sentinel_password" if kind == Kind::Sentinel => {
                    parameters.sentinel.password = Some(text(value, "sentinel_password=")?.into_owned());
                }
                _ => {
                    let known = "prefix, ca, db, sentinel_user or sentinel_password";
                    return Err(wrong(&format!("it has no parameter {name:?} for this scheme"), known));
                }
            }
        }
        Ok(parameters)
    }
}

fn wrong(what: &str, right: &str) -> StoreError {
    StoreError::Misconfigured { reason: format!("the URL of Redis: {what}; right would be: {right}") }
}

fn prefix(value: &str) -> Result<Vec<u8>, StoreError> {
    let prefix = percent_decoded(value).ok_or_else(|| wrong("prefix= has a broken %XX", "prefix=rk:"))?;
    if prefix.len() > LONGEST_PREFIX {
        return Err(wrong("prefix= is too long", &format!("at most {LONGEST_PREFIX} bytes")));
    }
    if prefix.iter().any(|byte| matches!(byte, b'{' | b'}')) {
        // A cluster places keys by what is between braces: by the subject, not by the prefix.
        return Err(wrong("prefix= has a brace", "prefix=rk:"));
    }
    Ok(prefix.into_owned())
}

fn database(number: &str) -> Result<i64, StoreError> {
    let parsed = number.parse().ok().filter(|number: &i64| (0..=1_000_000).contains(number));
    parsed.ok_or_else(|| wrong(&format!("{number:?} is no number of a database"), "0"))
}

fn credentials(text_before_at: &str) -> Result<Credentials, StoreError> {
    let (user, password) = text_before_at.split_once(':').unwrap_or((text_before_at, ""));
    let part = |part: &str, name: &str| -> Result<Option<String>, StoreError> {
        let decoded = text(part, name)?.into_owned();
        Ok((!decoded.is_empty()).then_some(decoded))
    };
    Ok(Credentials { user: part(user, "the user")?, password: part(password, "the password")? })
}

/// `host`, `host:port`, or with an IPv6 address in brackets.
fn address(text: &str, default_port: u16) -> Result<Address, StoreError> {
    let right = "host:6379 or [::1]:6379";
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(|| wrong("a bracket is not closed", right))?;
            (host, port.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    if host.is_empty() {
        return Err(wrong("a host is missing", right));
    }
    let port = match port {
        None => default_port,
        Some(port) => port.parse().map_err(|_| wrong(&format!("{port:?} is no port"), right))?,
    };
    Ok(Address::Tcp(host.to_owned(), port))
}

/// Decodes `%XX`. The text may be a secret: `what` stands for it in an error.
fn text<'t>(encoded: &'t str, what: &str) -> Result<Cow<'t, str>, StoreError> {
    let broken = || wrong(&format!("{what} has a %XX that is broken or no UTF-8"), "%25 for %, %40 for @");
    match percent_decoded(encoded).ok_or_else(broken)? {
        Cow::Borrowed(_) => Ok(Cow::Borrowed(encoded)),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).map_err(|_| broken()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp(host.to_owned(), port)
    }

    #[test]
    fn urls_say_where_and_how() {
        let one = Location::parse("redis://alice:p%40ss@[::1]:7000/3?prefix=rk%3A").unwrap();
        assert!(matches!(&one.servers, Servers::One(address) if *address == tcp("::1", 7000)));
        assert_eq!((one.dial.database, one.prefix.as_slice()), (3, b"rk:".as_slice()));
        assert_eq!(one.dial.credentials.user.as_deref(), Some("alice"));
        assert_eq!(one.dial.credentials.password.as_deref(), Some("p@ss"));
        assert!(one.dial.tls.is_none());

        let unix = Location::parse("redis+unix:///run/redis.sock?db=2").unwrap();
        assert!(matches!(&unix.servers, Servers::One(Address::Unix(path)) if path.ends_with("redis.sock")));
        assert_eq!(unix.dial.database, 2);

        let unix = Location::parse("unix:///run/user@1000/redis.sock").unwrap();
        assert!(
            matches!(&unix.servers, Servers::One(Address::Unix(path)) if path.ends_with("user@1000/redis.sock"))
        );
        let hash = Location::parse("redis://u:pa#ss@a").unwrap();
        assert_eq!(hash.dial.credentials.password.as_deref(), Some("pa#ss"));

        let watched = Location::parse("redis-sentinel://:pw@a,b:7/main?sentinel_password=other").unwrap();
        let Servers::Watched { sentinels, credentials, master } = &watched.servers else {
            panic!("{watched:?}");
        };
        assert_eq!(
            (sentinels.as_slice(), master.as_str()),
            ([tcp("a", 26_379), tcp("b", 7)].as_slice(), "main")
        );
        assert_eq!(credentials.password.as_deref(), Some("other"));

        let cluster = Location::parse("rediss-cluster://a,b:7").unwrap();
        assert!(matches!(&cluster.servers, Servers::Cluster(seeds) if seeds.len() == 2));
        assert!(cluster.dial.tls.is_some());
    }

    #[test]
    fn errors_say_what_is_wrong_and_no_secret() {
        let cases = [
            ("localhost", "no scheme"),
            ("http://a", "scheme is unknown"),
            ("hush://x@a", "scheme is unknown"),
            ("redis://", "a host is missing"),
            ("redis://a:b", "no port"),
            ("redis://a,b", "several hosts"),
            ("redis://a/x", "no number of a database"),
            ("redis://:hush%4@a", "the password has a %XX"),
            ("redis://:hush@a?prefix={x}", "a brace"),
            ("redis://:hush@a?prefix=%zz", "prefix="),
            ("redis://:hush@a?what=1", "no parameter \"what\""),
            ("redis://:hush@a?ca=x", "without TLS"),
            ("rediss://:hush@a?ca=/no/such/file", "/no/such/file"),
            ("redis-sentinel://:hush@a", "no name of a master"),
            ("redis-cluster://:hush@a/1", "no databases"),
            ("unix://", "no path"),
            ("redis://[::1", "a bracket"),
            ("redis://u:AbC/hush@a:6379/0", "write %2F for /"),
            ("redis://u:hush/1@a:6379/0", "write %2F for /"),
            ("redis://u:pa?hush@a", "%3F for ?"),
            ("redis://u:hush?prefix=x@a", "%3F for ?"),
            ("redis://u:pa#x/hush@a", "write %2F for /"),
            ("redis-sentinel://u:12/hush@a/main", "write %2F for /"),
            ("redis-cluster://u:12/hush@a", "write %2F for /"),
            ("unix://u:hush?x@/run/redis.sock", "%3F for ?"),
            ("unix://u:hush/x@/run/redis.sock", "no path"),
        ];
        for (url, part) in cases {
            let error = Location::parse(url).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("hush"), "{url}: {error}");
        }
        let secret = Location::parse("redis-sentinel://a:hush@b/c?sentinel_password=hush").unwrap();
        assert!(!format!("{secret:?}").contains("hush"));
    }
}
