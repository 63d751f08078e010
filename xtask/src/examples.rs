//! The runnable programs of the `examples` crate.

use cargo_metadata::TargetKind;

use crate::error::Error;
use crate::project::Project;

/// The workspace member that holds the examples.
pub(crate) const PACKAGE: &str = "examples";

/// One runnable example.
#[derive(Debug)]
pub(crate) struct Example {
    name: String,
    /// How cargo is told to run it: `--example` or `--bin`.
    flag: &'static str,
    features: Vec<String>,
}

/// Every example and program of the `examples` crate, as cargo sees them.
pub(crate) fn targets(project: &Project) -> Result<Vec<Example>, Error> {
    let packages = project.packages()?;
    let package = packages
        .iter()
        .find(|package| package.name.as_str() == PACKAGE)
        .ok_or(Error::NoPackage(PACKAGE))?;
    let mut examples = Vec::new();
    for target in &package.targets {
        let flag = if target.kind.contains(&TargetKind::Example) {
            "--example"
        } else if target.kind.contains(&TargetKind::Bin) {
            "--bin"
        } else {
            continue;
        };
        examples.push(Example {
            name: target.name.clone(),
            flag,
            features: target.required_features.clone(),
        });
    }
    Ok(examples)
}

/// Runs every example; each must exit with 0. Returns how many there are.
pub(crate) fn run(project: &Project) -> Result<usize, Error> {
    let examples = targets(project)?;
    for example in &examples {
        let mut cargo = project.cargo().args(["run", "--quiet", "--package", PACKAGE]);
        if !example.features.is_empty() {
            cargo = cargo.arg("--features").arg(example.features.join(","));
        }
        cargo.arg(example.flag).arg(&example.name).run()?;
    }
    Ok(examples.len())
}
