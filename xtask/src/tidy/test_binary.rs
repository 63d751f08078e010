//! One binary for the integration tests of a crate: each more is linked, and started, on its own.

use cargo_metadata::TargetKind;

use super::Rule;
use super::findings::Findings;
use super::tree::Tree;

pub(super) const RULE: Rule = Rule { name: "test-binary", check };

fn check(tree: &Tree, findings: &mut Findings) {
    for member in tree.members() {
        let targets = &member.package.targets;
        let tests: Vec<_> = targets
            .iter()
            .filter(|target| target.kind.contains(&TargetKind::Test))
            .map(|target| target.name.as_str())
            .collect();
        if tests.len() > 1 {
            let message =
                format!("{} test binaries ({}): make them modules of one", tests.len(), tests.join(", "));
            findings.add(&member.manifest, 1, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[test]
    fn a_second_binary_is_one_too_many() {
        fixture::check(
            super::RULE,
            "//- crates/a/tests/it/main.rs\n//- crates/a/tests/it/one.rs\n//- crates/b/src/lib.rs\n",
            &[],
        );
        fixture::check(
            super::RULE,
            "//- crates/a/tests/it/main.rs\n//- crates/a/tests/other.rs\n",
            &["crates/a/Cargo.toml:1: test-binary: 2 test binaries (it, other): make them modules of one"],
        );
    }
}
