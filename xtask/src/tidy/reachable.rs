//! No dead files: every Rust file is the root of a target or a module of one that is built.

use std::collections::{BTreeMap, BTreeSet};

use super::Rule;
use super::findings::Findings;
use super::modules::pulled_in;
use super::tree::Tree;

pub(super) const RULE: Rule = Rule { name: "reachable", check };

fn check(tree: &Tree, findings: &mut Findings) {
    let texts: BTreeMap<_, _> = tree.texts(&[".rs"]).collect();
    let packages = tree.members().iter().chain(tree.outsiders());
    let mut waiting: Vec<_> = packages
        .flat_map(|member| member.roots.iter().cloned())
        .map(|root| (root, true))
        .collect();
    let mut reached = BTreeSet::new();
    while let Some((path, is_root)) = waiting.pop() {
        let Some(text) = texts.get(path.as_str()) else {
            continue;
        };
        if reached.insert(path.clone()) {
            waiting.extend(pulled_in(&path, is_root, text).into_iter().map(|path| (path, false)));
        }
    }
    for path in texts.keys().filter(|path| !reached.contains(**path)) {
        findings.add(path, 1, "Cargo never builds this file: no target and no `mod` leads to it");
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    const DEAD: &str = "reachable: Cargo never builds this file: no target and no `mod` leads to it";

    #[track_caller]
    fn check(text: &str, dead: &[&str]) {
        let expected: Vec<_> = dead.iter().map(|path| format!("{path}:1: {DEAD}")).collect();
        fixture::check(super::RULE, text, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn modules_of_targets_are_reached() {
        check(
            "//- crates/a/src/lib.rs\nmod b;\n//- crates/a/src/b.rs\nmod c;\n//- crates/a/src/b/c.rs\n\
             //- crates/a/tests/it/main.rs\nmod d;\n//- crates/a/tests/it/d.rs\n\
             //- crates/a/benches/e.rs\n//- crates/a/examples/f/main.rs\n//- crates/a/build.rs\n",
            &[],
        );
    }

    #[test]
    fn a_test_file_in_a_folder_without_main_is_dead() {
        check(
            "//- crates/a/tests/it/main.rs\nmod there;\n//- crates/a/tests/it/there.rs\n\
             //- crates/a/tests/it/forgotten.rs\n//- crates/a/tests/suite/lost.rs\n",
            &["crates/a/tests/it/forgotten.rs", "crates/a/tests/suite/lost.rs"],
        );
    }

    #[test]
    fn a_source_file_without_mod_is_dead() {
        check("//- crates/a/src/lib.rs\n// mod b;\n//- crates/a/src/b.rs\n", &["crates/a/src/b.rs"]);
    }

    #[test]
    fn packages_outside_of_the_workspace_count() {
        check(
            "//- Cargo.toml\n[workspace]\nmembers = [\"crates/a\"]\nexclude = [\"crates/a/side\"]\n\
             [workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n\
             [workspace.lints]\n\
             //- crates/a/src/lib.rs\n\
             //- crates/a/side/Cargo.toml\n[package]\nname = \"side\"\nedition = \"2024\"\n[workspace]\n\
             [[bin]]\nname = \"x\"\npath = \"x.rs\"\n\
             //- crates/a/side/x.rs\nfn main() {}\n//- crates/a/side/y.rs\n",
            &["crates/a/side/y.rs"],
        );
    }
}
