//! What every crate has in common is said once, in the manifest of the workspace.

use super::Rule;
use super::findings::Findings;
use super::tree::Tree;

pub(super) const RULE: Rule = Rule { name: "manifest", check };

fn check(tree: &Tree, findings: &mut Findings) {
    for member in tree.members() {
        let text = String::from_utf8_lossy(tree.bytes(&member.manifest).unwrap_or_default()).into_owned();
        for key in ["version", "edition", "license"] {
            // The version of what is never published says nothing.
            let published = member.package.publish.as_deref() != Some(&[]);
            if (key != "version" || published) && !inherits(&text, "package", key) {
                findings.add(&member.manifest, 1, format!("[package] needs `{key}.workspace = true`"));
            }
        }
        if !sets(&text, "lints", "workspace=true") {
            findings.add(&member.manifest, 1, "[lints] needs `workspace = true`");
        }
    }
}

/// Whether a section takes this key from the workspace, in either of the two spellings.
fn inherits(text: &str, section: &str, key: &str) -> bool {
    sets(text, section, &format!("{key}.workspace=true"))
        || sets(text, section, &format!("{key}={{workspace=true}}"))
}

/// Whether a section has this line, spaces and comments aside.
fn sets(text: &str, section: &str, wanted: &str) -> bool {
    let header = format!("[{section}]");
    text.lines()
        .map(str::trim)
        .skip_while(|line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .map(|line| line.split('#').next().unwrap_or_default().replace(' ', ""))
        .any(|line| line == wanted)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[test]
    fn inherited_in_either_spelling() {
        fixture::check(
            super::RULE,
            "//- crates/a/Cargo.toml\n[package]\nname = \"a\"\nversion = { workspace = true } # same\n\
             edition.workspace = true\nlicense.workspace=true\n[lints]\nworkspace = true\n",
            &[],
        );
    }

    #[test]
    fn every_missing_key_is_named() {
        fixture::check(
            super::RULE,
            "//- crates/a/Cargo.toml\n[package]\nname = \"a\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\
             [dependencies]\n",
            &[
                "crates/a/Cargo.toml:1: manifest: [lints] needs `workspace = true`",
                "crates/a/Cargo.toml:1: manifest: [package] needs `edition.workspace = true`",
                "crates/a/Cargo.toml:1: manifest: [package] needs `license.workspace = true`",
                "crates/a/Cargo.toml:1: manifest: [package] needs `version.workspace = true`",
            ],
        );
    }

    #[test]
    fn what_is_never_published_may_have_a_version_of_its_own() {
        fixture::check(
            super::RULE,
            "//- crates/a/Cargo.toml\n[package]\nname = \"a\"\nversion = \"0.0.0\"\npublish = false\n\
             edition.workspace = true\nlicense.workspace = true\n[lints]\nworkspace = true\n",
            &[],
        );
    }
}
