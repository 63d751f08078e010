//! What a URL says.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use ratekeeper_store::{StoreError, percent_decoded};
use tokio_postgres::config::{SslMode, TargetSessionAttrs};

use crate::schema::{Migrate, Schema, is_name};
use crate::tls::{self, Tls};

/// The database, and how to use it.
pub(crate) struct Location {
    pub(crate) server: tokio_postgres::Config,
    pub(crate) tls: Tls,
    pub(crate) schema: Schema,
    pub(crate) migrate: Migrate,
    pub(crate) connections: usize,
    /// Statements are prepared once a connection.
    pub(crate) prepare: bool,
}

/// More connections make smaller calls, which take more of the server: two keep two of its processors busy.
const CONNECTIONS: usize = 2;
const MOST_CONNECTIONS: usize = 64;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The parameters that are ours, not those of the driver.
#[derive(Default)]
struct Own<'u> {
    schema: Option<Cow<'u, str>>,
    role: Option<Cow<'u, str>>,
    migrate: Option<Cow<'u, str>>,
    connections: Option<Cow<'u, str>>,
    prepare: Option<Cow<'u, str>>,
    sslmode: Option<Cow<'u, str>>,
    sslrootcert: Option<Cow<'u, str>>,
}

impl Location {
    /// Reads a URL; an error names what is wrong in it, and no secret.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(wrong("the scheme is unknown", "postgres://user@host/database"));
        }
        // The driver takes what follows the first for hosts and parameters, which are shown: it may be half of a password.
        if url.matches('@').count() > 1 {
            return Err(wrong("it has more than one @", "%40 for an @ in the password, or in a parameter"));
        }
        let (rest, own, targets) = Own::taken_from(url)?;
        let mut server: tokio_postgres::Config = rest.parse().map_err(|error: tokio_postgres::Error| {
            // The error of the driver names parameters, never their values.
            let why =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            wrong(&why, "postgres://user:password@host:5432/database?sslmode=require")
        })?;
        if server.get_hosts().is_empty() && server.get_hostaddrs().is_empty() {
            return Err(wrong("it has no host", "postgres://user@host/database"));
        }
        if !targets {
            // Every decision writes: of several hosts the primary is meant.
            server.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if server.get_connect_timeout().is_none() {
            server.connect_timeout(CONNECT_TIMEOUT);
        }
        if server.get_application_name().is_none() {
            server.application_name("ratekeeper");
        }
        let (mode, checked) = mode(own.sslmode.as_deref().unwrap_or("prefer"))?;
        server.ssl_mode(mode);
        let roots = own.sslrootcert.map(|path| PathBuf::from(path.into_owned()));
        if roots.is_some() && !checked {
            return Err(wrong("sslrootcert= is of no use with this sslmode", "sslmode=verify-full"));
        }
        Ok(Self {
            server,
            tls: tls::connector(checked, roots.as_deref())?,
            schema: Schema::new(own.schema.as_deref().unwrap_or("ratekeeper"), own.role.as_deref())?,
            migrate: match own.migrate.as_deref() {
                None | Some("auto") => Migrate::Auto,
                Some("never") => Migrate::Never,
                Some(other) => return Err(wrong(&format!("migrate={other} is unknown"), "auto or never")),
            },
            connections: connections(own.connections.as_deref())?,
            prepare: match own.prepare.as_deref() {
                None | Some("no") => false,
                Some("yes") => true,
                Some(other) => return Err(wrong(&format!("prepare={other} is unknown"), "yes or no")),
            },
        })
    }
}

impl<'u> Own<'u> {
    /// Takes our parameters out of a URL, and tells whether it says which of several hosts are wanted.
    fn taken_from(url: &'u str) -> Result<(String, Self, bool), StoreError> {
        let mut own = Self::default();
        // A password may have a question mark.
        let host = url.find('@').unwrap_or(0);
        let Some(mark) = url[host..].find('?').map(|mark| host + mark) else {
            return Ok((url.to_owned(), own, false));
        };
        let (mut rest, mut targets) = (url[..mark].to_owned(), false);
        let mut separator = '?';
        for pair in url[mark + 1..].split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if let Some(slot) = own.slot(name) {
                let value = decoded(value).ok_or_else(|| {
                    wrong(&format!("{name}= has a %XX that is broken or no UTF-8"), "%25 for %")
                })?;
                if slot.replace(value).is_some() {
                    return Err(wrong(&format!("{name}= is given twice"), "one of them"));
                }
                continue;
            }
            targets |= name == "target_session_attrs";
            rest.push(std::mem::replace(&mut separator, '&'));
            rest.push_str(pair);
        }
        Ok((rest, own, targets))
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<Cow<'u, str>>> {
        Some(match name {
            "schema" => &mut self.schema,
            "role" => &mut self.role,
            "migrate" => &mut self.migrate,
            "connections" => &mut self.connections,
            "prepare" => &mut self.prepare,
            "sslmode" => &mut self.sslmode,
            "sslrootcert" => &mut self.sslrootcert,
            _ => return None,
        })
    }
}

impl Schema {
    fn new(name: &str, owner: Option<&str>) -> Result<Self, StoreError> {
        if !is_name(name) || name.starts_with("pg_") {
            return Err(wrong("schema= is no name of a schema", "1 to 63 bytes that do not begin with pg_"));
        }
        if owner.is_some_and(|owner| !is_name(owner)) {
            return Err(wrong("role= is no name of a role", "1 to 63 bytes"));
        }
        Ok(Self { name: name.to_owned(), owner: owner.map(ToOwned::to_owned) })
    }
}

/// The mode for the driver, and whether certificates are checked.
fn mode(sslmode: &str) -> Result<(SslMode, bool), StoreError> {
    Ok(match sslmode {
        "disable" => (SslMode::Disable, false),
        "allow" | "prefer" => (SslMode::Prefer, false),
        "require" | "verify-ca" | "verify-full" => (SslMode::Require, true),
        other => {
            let right = "disable, prefer, require or verify-full";
            return Err(wrong(&format!("sslmode={other} is unknown"), right));
        }
    })
}

fn connections(text: Option<&str>) -> Result<usize, StoreError> {
    let Some(text) = text else {
        return Ok(CONNECTIONS);
    };
    let number = text.parse().ok().filter(|number| (1..=MOST_CONNECTIONS).contains(number));
    let right = format!("a number from 1 to {MOST_CONNECTIONS}");
    number.ok_or_else(|| wrong(&format!("connections={text} is no number of connections"), &right))
}

pub(crate) fn wrong(what: &str, right: &str) -> StoreError {
    StoreError::Misconfigured { reason: format!("the URL of PostgreSQL: {what}; right would be: {right}") }
}

/// Decodes `%XX`.
fn decoded(encoded: &str) -> Option<Cow<'_, str>> {
    match percent_decoded(encoded)? {
        Cow::Borrowed(_) => Some(Cow::Borrowed(encoded)),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_parameters_are_taken_out_and_the_others_handed_on() {
        let url = "postgres://me:a?b@one,two:7/db?schema=a%22b&options=-c%20x%3D1&connections=2&role=owner&\
                   migrate=never&prepare=yes&sslmode=disable";
        let location = Location::parse(url).unwrap();
        assert_eq!(location.schema, Schema { name: "a\"b".to_owned(), owner: Some("owner".to_owned()) });
        assert_eq!((location.connections, location.migrate, location.prepare), (2, Migrate::Never, true));
        let server = &location.server;
        assert_eq!((server.get_user(), server.get_password()), (Some("me"), Some(b"a?b".as_slice())));
        assert_eq!((server.get_options(), server.get_dbname()), (Some("-c x=1"), Some("db")));
        assert_eq!(server.get_hosts().len(), 2);
        assert_eq!(server.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(server.get_ssl_mode(), SslMode::Disable);
        let at = Location::parse("postgres://me:a%40b@one/db").unwrap();
        assert_eq!(at.server.get_password(), Some(b"a@b".as_slice()));
        let any = Location::parse("postgresql://host/db?target_session_attrs=any").unwrap();
        assert_eq!(any.server.get_target_session_attrs(), TargetSessionAttrs::Any);
        assert_eq!((any.connections, any.schema.name.as_str()), (2, "ratekeeper"));
    }

    #[test]
    fn errors_say_what_is_wrong_and_no_secret() {
        let cases = [
            ("localhost", "the scheme"),
            ("mysql://u:hush@a", "the scheme"),
            ("postgres://u:p@hush@db/app", "%40"),
            ("postgres://u:p@a/hush@db/app", "%40"),
            ("postgres://u:p@a?hush@db/app", "%40"),
            ("postgres://u:hush@/db", "no host"),
            ("postgres://u:hush@a:port/db", "port"),
            ("postgres://u:hush@a?what=1", "what"),
            ("postgres://u:hush@a?schema=", "schema="),
            ("postgres://u:hush@a?schema=pg_x", "schema="),
            ("postgres://u:hush@a?schema=a%00b", "schema="),
            ("postgres://u:hush@a?schema=%zz", "schema="),
            ("postgres://u:hush@a?schema=a&schema=b", "twice"),
            ("postgres://u:hush@a?role=", "role="),
            ("postgres://u:hush@a?connections=0", "connections=0"),
            ("postgres://u:hush@a?connections=65", "connections=65"),
            ("postgres://u:hush@a?migrate=yes", "migrate=yes"),
            ("postgres://u:hush@a?prepare=1", "prepare=1"),
            ("postgres://u:hush@a?sslmode=on", "sslmode=on"),
            ("postgres://u:hush@a?sslrootcert=x", "sslrootcert="),
            ("postgres://u:hush@a?sslmode=require&sslrootcert=/no/such", "/no/such"),
        ];
        for (url, part) in cases {
            let error = Location::parse(url).err().unwrap().to_string();
            assert!(error.contains(part) && !error.contains("hush"), "{url}: {error}");
        }
    }
}
