//! One element of `Forwarded` (RFC 7239): `for="[2001:db8::1]";proto=https;by=203.0.113.43`.

use super::hop::Hop;

/// The hop that an element names.
pub(super) fn hop(element: &[u8]) -> Hop {
    match std::str::from_utf8(element).ok().and_then(node) {
        Some(node) => read(&node),
        None => Hop::Unparsable,
    }
}

/// The value of `for`, which must be there once.
fn node(element: &str) -> Option<String> {
    let mut found = None;
    let mut rest = element;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after)?;
        if name.trim().eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
        match after.trim_start().strip_prefix(';') {
            Some(more) => rest = more,
            None if after.trim().is_empty() => return found,
            None => return None,
        }
    }
}

/// A token or a quoted string, and what comes after it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', '"']).unwrap_or(text.len());
        return Some((text[..end].trim_end().to_owned(), &text[end..]));
    };
    let (mut out, mut escaped) = (String::new(), false);
    for (index, letter) in quoted.char_indices() {
        match letter {
            _ if escaped => {
                out.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((out, &quoted[index + 1..])),
            _ => out.push(letter),
        }
    }
    None
}

/// An address; IPv6 stands in brackets. Ports are refused: they would be another spelling of the same client.
fn read(node: &str) -> Hop {
    match node.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) if v6.contains(':') => Hop::parse(v6.as_bytes()),
        Some(_) => Hop::Unparsable,
        None if node.matches(':').count() > 1 => Hop::Unparsable,
        None => Hop::parse(node.as_bytes()),
    }
}
