//! An input that once broke a property stays in the repository: its file must be in git.

use super::Rule;
use super::findings::Findings;
use super::tree::Tree;

pub(super) const RULE: Rule = Rule { name: "regressions", check };

fn check(tree: &Tree, findings: &mut Findings) {
    for path in tree.untracked_regressions() {
        findings.add(path, 1, "a property test failed here: fix it, then `git add` this file");
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[test]
    fn a_regression_file_must_be_added() {
        fixture::check(super::RULE, "//- +crates/a/proptest-regressions/b.txt\ncc 1\n", &[]);
        fixture::check(
            super::RULE,
            "//- crates/a/proptest-regressions/b.txt\ncc 1\n//- crates/a/tests/c.proptest-regressions\n",
            &[
                "crates/a/proptest-regressions/b.txt:1: regressions: \
                 a property test failed here: fix it, then `git add` this file",
                "crates/a/tests/c.proptest-regressions:1: regressions: \
                 a property test failed here: fix it, then `git add` this file",
            ],
        );
    }

    #[test]
    fn even_if_git_is_told_to_ignore_it() {
        fixture::check(
            super::RULE,
            "//- !proptest-regressions/b.txt\ncc 1\n",
            &["proptest-regressions/b.txt:1: regressions: \
               a property test failed here: fix it, then `git add` this file"],
        );
    }
}
