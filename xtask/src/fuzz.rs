//! `cargo xtask fuzz`: libFuzzer over the targets of the `fuzz` crate.
//!
//! The entry points are a package outside of the workspace, so that nobody else has to compile libFuzzer.

use std::fs;

use cargo_metadata::TargetKind;

use crate::error::Error;
use crate::project::Project;

/// The package of libFuzzer's entry points.
const PACKAGE: &str = "fuzz/libfuzzer";
/// The committed inputs, one folder per target. What the fuzzer finds is kept beside its package, not here.
const SEEDS: &str = "fuzz/corpus";

/// Fuzzes one target, or all in turn, for `seconds` each.
pub(crate) fn run(project: &Project, target: Option<&str>, seconds: u64) -> Result<(), Error> {
    let known = targets(project)?;
    let chosen = match target {
        None => known,
        Some(one) if known.iter().any(|target| target == one) => vec![one.to_owned()],
        Some(one) => {
            return Err(Error::NoFuzzTarget { target: one.to_owned(), known });
        }
    };
    if !project.cargo().args(["fuzz", "--version"]).succeeds() {
        return Err(Error::NoCargoFuzz);
    }
    for target in &chosen {
        let found = format!("{PACKAGE}/corpus/{target}");
        let folder = project.root().join(&found);
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        project
            .cargo()
            .args(["fuzz", "run", "--fuzz-dir", PACKAGE, target])
            .args([found, format!("{SEEDS}/{target}")])
            .arg("--")
            .arg(format!("-max_total_time={seconds}"))
            // Sanitizers are unstable options; this lets the stable toolchain take them.
            .env("RUSTC_BOOTSTRAP", "1")
            .run()?;
    }
    Ok(())
}

/// The names of the entry points.
fn targets(project: &Project) -> Result<Vec<String>, Error> {
    let packages = project.packages_of(&project.root().join(PACKAGE).join("Cargo.toml"))?;
    let targets = packages.into_iter().flat_map(|package| package.targets);
    Ok(targets
        .filter(|target| target.kind.contains(&TargetKind::Bin))
        .map(|target| target.name)
        .collect())
}
