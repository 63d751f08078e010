//! No source file is so long that nobody reads it.

use super::Rule;
use super::findings::Findings;
use super::tree::Tree;

pub(super) const RULE: Rule = Rule { name: "length", check };

/// The most lines that a source file may have.
const MOST: usize = 500;

fn check(tree: &Tree, findings: &mut Findings) {
    for (path, text) in tree.texts(&[".rs"]) {
        let lines = text.lines().count();
        if lines > MOST {
            findings.add(path, MOST + 1, format!("{lines} lines; at most {MOST}: split it by its nouns"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[test]
    fn the_limit_itself_passes_and_one_more_does_not() {
        let file = |lines| format!("//- crates/a/src/lib.rs\n{}", "//\n".repeat(lines));
        fixture::check(super::RULE, &file(500), &[]);
        fixture::check(
            super::RULE,
            &file(501),
            &["crates/a/src/lib.rs:501: length: 501 lines; at most 500: split it by its nouns"],
        );
    }
}
