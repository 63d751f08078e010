//! How a connection begins: its protocol, its token.

use ratekeeper_resp::{Reply, Request, Version};

use super::refused::{Refused, excerpt};
use super::session::Session;

const WRONG: &str = "WRONGPASS invalid username-password pair or user is disabled.";

/// `AUTH [user] token`. Tokens have no users: any name will do.
pub(super) fn auth(session: &mut Session, request: &Request<'_>) -> Result<(), Refused> {
    match (request.len(), request.get(1), request.get(2)) {
        (2, Some(_), _) if session.access.needs_none() => Err(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?"
                .into(),
        ),
        (2, Some(token), _) | (3, _, Some(token)) => show(session, token),
        _ => Err(Refused::number_of_arguments("auth")),
    }
}

fn show(session: &mut Session, token: &[u8]) -> Result<(), Refused> {
    let app = session.app.clone();
    if session.access.show(&app, token) {
        Ok(())
    } else {
        Err(WRONG.into())
    }
}

/// `HELLO [2|3 [AUTH user token] [SETNAME name]]`.
pub(super) fn hello(session: &mut Session, request: &Request<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let version = match request.get(1) {
        None => session.version,
        Some(b"2") => Version::Resp2,
        Some(b"3") => Version::Resp3,
        Some(other) if other.iter().all(u8::is_ascii_digit) => {
            return Err("NOPROTO unsupported protocol version".into());
        }
        Some(_) => return Err("ERR Protocol version is not an integer or out of range".into()),
    };
    let (mut token, mut name) = (None, None);
    let mut options = request.from(2);
    while let Some(option) = options.next() {
        let syntax = || Refused::from(format!("ERR Syntax error in HELLO option '{}'", excerpt(option)));
        match option {
            option if option.eq_ignore_ascii_case(b"auth") => {
                token = Some(options.nth(1).ok_or_else(syntax)?);
            }
            option if option.eq_ignore_ascii_case(b"setname") => {
                name = Some(super::client::name(options.next().ok_or_else(syntax)?)?);
            }
            _ => return Err(syntax()),
        }
    }
    if let Some(token) = token {
        show(session, token)?;
    }
    let app = session.app.clone();
    if !session.access.is_granted(&app) {
        return Err("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
                    <user> <pass> option can be used to authenticate the client and select the RESP protocol version at \
                    the same time"
            .into());
    }
    if let Some(name) = name {
        name.clone_into(&mut session.name);
    }
    session.version = version;
    let mut reply = Reply::new(out, version);
    reply
        .map(7)
        .bulk("server")
        .bulk("ratekeeper")
        .bulk("version")
        .bulk(env!("CARGO_PKG_VERSION"));
    reply.bulk("proto").integer(match version {
        Version::Resp2 => 2,
        Version::Resp3 => 3,
    });
    reply.bulk("id").integer(session.id).bulk("mode").bulk("standalone");
    reply.bulk("role").bulk("master").bulk("modules").array(0);
    Ok(())
}
