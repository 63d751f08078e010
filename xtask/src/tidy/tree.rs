//! What the rules look at: the files of the repository and its packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use cargo_metadata::Package;

use crate::error::Error;
use crate::project::Project;

/// The files that git knows or would take, and what cargo makes of them.
#[derive(Debug)]
pub(super) struct Tree {
    /// Path below the root, with slashes, and contents.
    files: BTreeMap<String, Vec<u8>>,
    /// Property test regressions that are on the disk but not in git, even if git is told to ignore them.
    untracked_regressions: Vec<String>,
    members: Vec<Member>,
    outsiders: Vec<Member>,
}

/// A package, and where it is.
#[derive(Debug)]
pub(super) struct Member {
    /// The path of its manifest below the root.
    pub(super) manifest: String,
    pub(super) package: Package,
    /// The roots of its targets: libraries, programs, tests, examples, benchmarks, build script.
    pub(super) roots: Vec<String>,
}

impl Tree {
    /// Reads the repository.
    pub(super) fn load(project: &Project) -> Result<Self, Error> {
        let root = project.root();
        let listed = git(project, &["--cached", "--others", "--exclude-standard"])?;
        let mut files = BTreeMap::new();
        for path in listed {
            let full = root.join(&path);
            // What was deleted but not yet committed is listed as well.
            if full.is_file() {
                files.insert(path, fs::read(&full).map_err(Error::file(full))?);
            }
        }
        let regressions = [
            "--others",
            "--",
            ":(glob)**/proptest-regressions/**",
            ":(glob)**/*.proptest-regressions",
        ];
        let untracked_regressions = git(project, &regressions)?.into_iter().collect();

        let members = members(root, project.packages()?);
        let known: BTreeSet<_> = members.iter().map(|member| member.manifest.clone()).collect();
        let mut outsiders = Vec::new();
        for path in files.keys().filter(|path| path.ends_with("/Cargo.toml") && !known.contains(*path)) {
            outsiders.extend(members_of(root, project, path)?);
        }
        Ok(Self { files, untracked_regressions, members, outsiders })
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is a file or a folder at this path.
    pub(super) fn contains(&self, path: &str) -> bool {
        let below = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.range(below.clone()..).next().is_some_and(|(file, _)| file.starts_with(&below))
    }

    /// The bytes of one file.
    pub(super) fn bytes(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Every file whose name ends with one of `endings`, as text; bytes that are not UTF-8 are replaced.
    pub(super) fn texts(&self, endings: &'static [&str]) -> impl Iterator<Item = (&str, String)> {
        self.files
            .iter()
            .filter(move |(path, _)| endings.iter().any(|ending| path.ends_with(ending)))
            .map(|(path, bytes)| (path.as_str(), String::from_utf8_lossy(bytes).into_owned()))
    }

    /// The packages of the workspace.
    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// The packages of the repository that are workspaces of their own.
    pub(super) fn outsiders(&self) -> &[Member] {
        &self.outsiders
    }

    /// Regression files that git does not have.
    pub(super) fn untracked_regressions(&self) -> &[String] {
        &self.untracked_regressions
    }
}

/// `git ls-files`, each path once.
fn git(project: &Project, args: &[&str]) -> Result<BTreeSet<String>, Error> {
    let mut safe = std::ffi::OsString::from("safe.directory=");
    safe.push(project.root());
    // A clone made by another user, as in many build systems, is still our own to read.
    let listed = project.command("git").arg("-c").arg(safe).args(["ls-files", "-z"]).args(args).output()?;
    Ok(listed
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| String::from_utf8_lossy(path).into_owned())
        .collect())
}

fn members_of(root: &Path, project: &Project, manifest: &str) -> Result<Vec<Member>, Error> {
    Ok(members(root, project.packages_of(&root.join(manifest))?))
}

fn members(root: &Path, packages: Vec<Package>) -> Vec<Member> {
    let relative = |path: &Path| {
        let path = path.strip_prefix(root).unwrap_or(path);
        path.to_string_lossy().replace('\\', "/")
    };
    packages
        .into_iter()
        .map(|package| Member {
            manifest: relative(package.manifest_path.as_std_path()),
            roots: package.targets.iter().map(|target| relative(target.src_path.as_std_path())).collect(),
            package,
        })
        .collect()
}
