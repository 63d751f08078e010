//! `CLIENT`: what clients say of themselves when they connect.

use ratekeeper_resp::{Reply, Request};

use super::refused::Refused;
use super::session::Session;

/// The longest name of a connection.
const NAME: usize = 256;

pub(super) fn client(session: &mut Session, request: &Request<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let Some(subcommand) = request.get(1) else {
        return Err(Refused::number_of_arguments("client"));
    };
    let is = |name: &str| subcommand.eq_ignore_ascii_case(name.as_bytes());
    let mut reply = Reply::new(out, session.version);
    match (request.len(), request.get(2)) {
        (2, _) if is("id") => reply.integer(session.id),
        (2, _) if is("getname") && session.name.is_empty() => reply.null(),
        (2, _) if is("getname") => reply.bulk(&session.name),
        (3, Some(given)) if is("setname") => {
            name(given)?.clone_into(&mut session.name);
            reply.simple("OK")
        }
        // Nothing is done with it, since there is nothing to evict.
        (4, _) if is("setinfo") => reply.simple("OK"),
        (3, _) if is("no-evict") || is("no-touch") => reply.simple("OK"),
        _ if ["id", "getname", "setname", "setinfo", "no-evict", "no-touch"]
            .iter()
            .any(|name| is(name)) =>
        {
            return Err(Refused::number_of_arguments("client"));
        }
        _ => return Err(Refused::subcommand("CLIENT", subcommand)),
    };
    Ok(())
}

/// The name of a connection, if it is one.
pub(super) fn name(given: &[u8]) -> Result<&[u8], Refused> {
    if given.len() <= NAME && given.iter().all(u8::is_ascii_graphic) {
        Ok(given)
    } else {
        Err("ERR Client names cannot contain spaces, newlines or special characters.".into())
    }
}
