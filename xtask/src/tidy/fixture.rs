//! Small repositories for the tests of the rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::tree::Tree;
use super::{Rule, check as check_rules};
use crate::project::Project;

/// Writes the files of `text` into a repository of its own and compares what `rule` finds there.
///
/// Each file begins with a line `//- path`. A crate below `crates/` gets a manifest and a library, and the
/// repository a workspace manifest, where the text has none. A path that begins with `!` is ignored by git,
/// one that begins with `+` is added to it.
#[track_caller]
pub(super) fn check(rule: Rule, text: &str, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    // The folder as cargo will name it.
    let root = folder.path().canonicalize().unwrap();
    let project = Project::at(&root);
    project.command("git").args(["init", "--quiet"]).output().unwrap();
    let mut crates = BTreeSet::new();
    for file in text.split("//- ").skip(1) {
        let (header, body) = file.split_once('\n').unwrap_or((file, ""));
        let path = header.trim_start_matches(['!', '+']);
        write(&root, path, body);
        if header.starts_with('!') {
            write(&root, ".gitignore", &format!("/{path}\n"));
        } else if header.starts_with('+') {
            project.command("git").args(["add", path]).output().unwrap();
        }
        if let Some((name, _)) = path.strip_prefix("crates/").and_then(|rest| rest.split_once('/')) {
            crates.insert(name);
        }
    }
    for name in &crates {
        complete_crate(&root, name);
    }
    if !root.join("Cargo.toml").exists() {
        let members: Vec<_> = crates.iter().map(|name| format!("\"crates/{name}\"")).collect();
        let manifest =
            format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n{INHERITED}", members.join(", "));
        write(&root, "Cargo.toml", &manifest);
    }
    let tree = Tree::load(&project).unwrap();
    assert_eq!(check_rules(&[rule], &tree), expected);
}

const INHERITED: &str =
    "[workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n[workspace.lints]\n";

fn complete_crate(root: &Path, name: &str) {
    let folder = format!("crates/{name}");
    if !root.join(&folder).join("Cargo.toml").exists() {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\n\
             license.workspace = true\n\n[lints]\nworkspace = true\n"
        );
        write(root, &format!("{folder}/Cargo.toml"), &manifest);
    }
    if !["lib.rs", "main.rs"]
        .iter()
        .any(|file| root.join(&folder).join("src").join(file).exists())
    {
        write(root, &format!("{folder}/src/lib.rs"), "");
    }
}

fn write(root: &Path, path: &str, body: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, body).unwrap();
}
