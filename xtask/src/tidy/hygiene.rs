//! Text without traces of the editor, code without things left to do.

use super::Rule;
use super::findings::{Findings, line_of};
use super::source::Source;
use super::tree::Tree;

pub(super) const RULE: Rule = Rule { name: "hygiene", check };

/// Macros that say that something is not finished.
const MACROS: &[&str] = &["todo!", "unimplemented!", "dbg!"];
/// Words that say so in a comment.
const WORDS: &[&str] = &["TODO", "FIXME"];

fn check(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.texts(&[".rs", ".md", ".toml", ".yaml", ".yml"]) {
        layout(path, &text, findings);
    }
    for (path, text) in tree.texts(&[".rs"]) {
        unfinished(path, &text, findings);
    }
}

/// White space where none belongs.
fn layout(path: &str, text: &str, findings: &mut Findings) {
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let line = line.strip_suffix('\n').unwrap_or(line);
        if line.ends_with('\r') {
            findings.add(path, index + 1, "line ends with CR LF: use LF alone");
        }
        if line.trim_end_matches('\r').ends_with([' ', '\t']) {
            findings.add(path, index + 1, "white space at the end of the line");
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.add(path, text.lines().count(), "no newline at the end of the file");
    }
}

/// Code and comments that say that something is left to do.
fn unfinished(path: &str, text: &str, findings: &mut Findings) {
    let Source { code, comments } = Source::new(text);
    for name in MACROS {
        for at in words(&code, name) {
            findings.add(path, line_of(&code, at), format!("`{name}` is not for code that is committed"));
        }
    }
    for (at, _) in code.match_indices("#[ignore") {
        findings.add(path, line_of(&code, at), "an ignored test is no test: make it run, or delete it");
    }
    for word in WORDS {
        for at in words(&comments, word) {
            findings.add(path, line_of(&comments, at), format!("`{word}`: do it, or write an issue"));
        }
    }
}

/// Where `wanted` stands as a word, or macro name, of its own.
fn words<'a>(text: &'a str, wanted: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    text.match_indices(wanted).map(|(at, _)| at).filter(move |at| {
        let after = text[at + wanted.len()..].chars().next();
        !text[..*at].ends_with(is_word) && (wanted.ends_with('!') || !after.is_some_and(is_word))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        fixture::check(super::RULE, text, expected);
    }

    #[test]
    fn white_space_at_the_end() {
        check(
            "//- a.md\na\x20\nb\t\nc\r\nd\x20\r\n",
            &[
                "a.md:1: hygiene: white space at the end of the line",
                "a.md:2: hygiene: white space at the end of the line",
                "a.md:3: hygiene: line ends with CR LF: use LF alone",
                "a.md:4: hygiene: line ends with CR LF: use LF alone",
                "a.md:4: hygiene: white space at the end of the line",
            ],
        );
    }

    #[test]
    fn the_last_line_ends() {
        check("//- a.yaml\na: 1\nb: 2", &["a.yaml:2: hygiene: no newline at the end of the file"]);
        check("//- empty.toml\n//- a.txt\nanything \r\n", &[]);
    }

    #[test]
    fn unfinished_code() {
        check(
            "//- crates/a/src/lib.rs\nfn f() { todo!() }\nfn g() { core::unimplemented!(\"x\") }\n\
             fn h() { dbg!(1); }\n#[ignore = \"slow\"]\nfn i() {}\n",
            &[
                "crates/a/src/lib.rs:1: hygiene: `todo!` is not for code that is committed",
                "crates/a/src/lib.rs:2: hygiene: `unimplemented!` is not for code that is committed",
                "crates/a/src/lib.rs:3: hygiene: `dbg!` is not for code that is committed",
                "crates/a/src/lib.rs:4: hygiene: an ignored test is no test: make it run, or delete it",
            ],
        );
    }

    #[test]
    fn unfinished_comments() {
        check(
            "//- crates/a/src/lib.rs\n// TODO: later\n/* x\nFIXME(me) */\n",
            &[
                "crates/a/src/lib.rs:1: hygiene: `TODO`: do it, or write an issue",
                "crates/a/src/lib.rs:3: hygiene: `FIXME`: do it, or write an issue",
            ],
        );
    }

    #[test]
    fn words_in_literals_and_parts_of_words_are_no_findings() {
        check(
            "//- crates/a/src/lib.rs\nconst A: &str = \"TODO dbg! #[ignore]\";\n// TODOS, METHODOLOGY\n\
             const TODO_LIST: u8 = 1;\nmacro_rules! my_todo { () => {} }\nmy_todo!();\n",
            &[],
        );
    }
}
