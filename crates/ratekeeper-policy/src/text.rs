//! Foreign text in messages: escaped, shortened, compared.

use std::fmt::Write as _;

/// The most characters of a value that a message repeats.
const SHOWN: usize = 60;

/// `text` without characters that a terminal or a log would obey: they become `\u{1b}`, `\n` and so on.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => out.push(character),
            _ => out.extend(character.escape_debug()),
        }
    }
    out
}

/// `text` escaped and shortened.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => escaped(text),
        Some((end, _)) => format!("{}…", escaped(&text[..end])),
    }
}

/// `text` in quotes, escaped and shortened.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", shown(text))
}

/// A sentence as it goes on after a semicolon.
pub(crate) fn uncapitalized(sentence: &str) -> String {
    let mut rest = sentence.chars();
    rest.next()
        .map_or_else(String::new, |first| format!("{}{}", first.to_lowercase(), rest.as_str()))
}

/// `a, b or c`.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let mut out = String::new();
    for (index, name) in names.iter().enumerate() {
        let glue = match index {
            0 => "",
            _ if index + 1 == names.len() => " or ",
            _ => ", ",
        };
        let _ = write!(out, "{glue}{name}");
    }
    out
}

/// The name among `known` that `given` was most likely meant to be: one slip away, of longer names two.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > 40 {
        return None;
    }
    let given = given.to_ascii_lowercase().replace('-', "_");
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        let found = distance(&given, name);
        let allowed = (given.len().min(name.len()) / 3).min(2);
        if found <= allowed && best.is_none_or(|(least, _)| found < least) {
            best = Some((found, name));
        }
    }
    best.map(|(_, name)| name)
}

/// How many characters to insert, remove, replace, or swap with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            let replace = row[j] + usize::from(a[i] != b[j]);
            next[j + 1] = replace.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                next[j + 1] = next[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_not_given_orders() {
        assert_eq!(quoted("a\u{1b}[31mb\n\u{202e}"), "\"a\\u{1b}[31mb\\n\\u{202e}\"");
        assert_eq!(quoted("é \"x\""), "\"é \"x\"\"");
        assert_eq!(shown(&"x".repeat(100)), format!("{}…", "x".repeat(60)));
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("limit", ["name", "limits"]), Some("limits"));
        assert_eq!(nearest("on-store-error", ["on_store_error"]), Some("on_store_error"));
        assert_eq!(nearest("fortnight", ["name", "limits"]), None);
        assert_eq!(nearest("brust", ["burst"]), Some("burst"));
        assert_eq!(nearest("usr", ["host", "user"]), Some("user"));
        for (far, known) in [
            ("not", "host"),
            ("id", "ip"),
            ("x", "ip"),
            ("name", "mode"),
            ("rate", "route"),
        ] {
            assert_eq!(nearest(far, [known]), None, "{far}");
        }
    }
}
