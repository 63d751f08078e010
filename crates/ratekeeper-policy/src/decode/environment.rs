//! `${NAME}` in values.

use super::Wrong;
use crate::text::quoted;

/// Expands `${NAME}` and `${NAME:-default}`; `$${` stands for `${` itself.
pub(super) fn expand(
    text: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    room: usize,
) -> Result<String, Wrong> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let before = &rest[..start];
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        out.push_str(before);
        let Some(length) = rest[start..].find('}') else {
            return Err(Wrong::new("${ is not closed", "write ${NAME}, or $${ for the text ${"));
        };
        let inside = &rest[start + 2..start + length];
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_name(name) {
            let message = format!("{} is no name of an environment variable", quoted(name));
            return Err(Wrong::new(message, "write ${NAME}, or $${ for the text ${"));
        }
        match (environment(name), default) {
            (Some(value), _) => out.push_str(&value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => {
                let message = format!("the environment variable {name} is not set");
                return Err(Wrong::new(message, format!("set it, or write ${{{name}:-a default}}")));
            }
        }
        if out.len() > room {
            return Err(Wrong::new("the expanded values are too long", "at most 8 MiB for the whole policy"));
        }
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(name: &str) -> bool {
    let head = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    head && name.len() <= 255 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        let environment = |name: &str| (name == "HOST").then(|| "db${X}".to_owned());
        expand(text, &environment, 100).map_err(|wrong| wrong.message)
    }

    #[test]
    fn variables_expand_once() {
        assert_eq!(expanded("redis://${HOST}:1"), Ok("redis://db${X}:1".into()));
        assert_eq!(expanded("${PORT:-6379}$"), Ok("6379$".into()));
        assert_eq!(expanded("$${HOST}"), Ok("${HOST}".into()));
        assert_eq!(expanded("${PORT}"), Err("the environment variable PORT is not set".into()));
        assert_eq!(expanded("${HOST"), Err("${ is not closed".into()));
        assert_eq!(expanded("${a b}"), Err("\"a b\" is no name of an environment variable".into()));
        assert!(expanded(&"${HOST}".repeat(20)).is_err());
    }
}
