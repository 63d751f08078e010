//! One part of a key, such as the user or a header.

use std::fmt;

use crate::decode::{FromText, Wrong};
use crate::text::{nearest, quoted};

/// Where a part comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The address, masked; the prefixes default to those of `client_ip`.
    Ip {
        ipv4_prefix: Option<u8>,
        ipv6_prefix: Option<u8>,
    },
    User,
    Method,
    Path,
    Route,
    Host,
    Header(String),
    Descriptor(String),
    /// The value of the entry at this place, counted from 0: where several entries have one name.
    Entry(usize),
}

/// A part of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) source: Source,
    /// Whether its value is hashed whatever it is.
    pub(crate) secret: bool,
}

const NAMES: &[&str] = &[
    "ip",
    "user",
    "method",
    "path",
    "route",
    "host",
    "header",
    "descriptor",
];
const HELP: &str =
    "the parts are ip, ip/56, user, method, path, route, host, header:NAME, descriptor:NAME, or global alone";

impl FromText for Source {
    const EXPECTED: &'static str = "a key part such as ip, user or header:x-api-key";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        let text = text.trim();
        if let Some((kind, name)) = text.split_once(':') {
            let name = name.trim();
            return match kind.trim() {
                "header" => Ok(Self::Header(header_name(name)?)),
                "descriptor" => Ok(Self::Descriptor(descriptor_name(name)?)),
                _ => Err(unknown(text)),
            };
        }
        if let Some((kind, prefix)) = text.split_once('/')
            && kind.trim() == "ip"
        {
            return tier(prefix.trim());
        }
        Ok(match text {
            "ip" | "client_ip" => Self::Ip { ipv4_prefix: None, ipv6_prefix: None },
            "user" => Self::User,
            "method" => Self::Method,
            "path" => Self::Path,
            "route" => Self::Route,
            "host" => Self::Host,
            "header" | "descriptor" => {
                let help = format!("write {text}:NAME, such as {text}:x-api-key");
                return Err(Wrong::new("a name is missing", help));
            }
            "global" => {
                let help = "write `key: global`, or remove it from the list";
                return Err(Wrong::new("global stands beside other parts", help));
            }
            _ => return Err(unknown(text)),
        })
    }
}

/// `ip/56`: a tier of IPv6.
fn tier(prefix: &str) -> Result<Source, Wrong> {
    match prefix.parse::<u8>() {
        Ok(length @ 33..=128) => Ok(Source::Ip { ipv4_prefix: None, ipv6_prefix: Some(length) }),
        _ => {
            let help = "ip/33 to ip/128 are prefixes of IPv6; for others write { ip: { ipv4_prefix: 24, ipv6_prefix: 56 } }";
            Err(Wrong::new("this prefix is not clear", help))
        }
    }
}

fn unknown(text: &str) -> Wrong {
    let help = match nearest(text, NAMES.iter().copied()) {
        Some(near) => format!("did you mean {near}? {HELP}"),
        None => HELP.to_owned(),
    };
    Wrong::new("unknown key part", help)
}

/// The name of a header, in lower case.
pub(crate) fn header_name(name: &str) -> Result<String, Wrong> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > 128 || !name.bytes().all(fits) {
        let help = "write a name such as x-api-key";
        return Err(Wrong::new(format!("{} is no name of a header", quoted(name)), help));
    }
    Ok(name.to_ascii_lowercase())
}

/// The name of a descriptor.
pub(crate) fn descriptor_name(name: &str) -> Result<String, Wrong> {
    if name.is_empty() || name.len() > 128 {
        let help = "write a name such as tenant";
        return Err(Wrong::new(format!("{} is no name of a descriptor", quoted(name)), help));
    }
    Ok(name.to_owned())
}

/// The name of a descriptor, read from a policy.
#[derive(Clone, Debug)]
pub(crate) struct DescriptorName(pub(crate) String);

impl FromText for DescriptorName {
    const EXPECTED: &'static str = "the name of a descriptor";

    fn from_text(text: &str) -> Result<Self, Wrong> {
        descriptor_name(text).map(Self)
    }
}

impl Part {
    /// As the policy names it, such as `ip` or `header:x-api-key`.
    pub(crate) fn name(&self) -> String {
        match &self.source {
            Source::Ip { .. } => "ip".to_owned(),
            Source::User => "user".to_owned(),
            Source::Method => "method".to_owned(),
            Source::Path => "path".to_owned(),
            Source::Route => "route".to_owned(),
            Source::Host => "host".to_owned(),
            Source::Header(name) => format!("header:{name}"),
            Source::Descriptor(name) => format!("descriptor:{name}"),
            Source::Entry(place) => format!("entry:{}", place + 1),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::text::escaped(&self.name()))?;
        if self.secret {
            f.write_str(" (secret)")
        } else {
            Ok(())
        }
    }
}
