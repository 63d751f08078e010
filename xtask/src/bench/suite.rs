//! The suite in `bench/suite`: a workspace of its own, since its peers are heavy.

use std::path::PathBuf;

use super::Options;
use crate::command::Cmd;
use crate::error::Error;
use crate::project::Project;
use crate::{needs, node, python};

/// The parts that need no server of ours.
pub(super) const PARTS: &[&str] = &[
    "checks",
    "algorithms",
    "policy",
    "memory",
    "middleware",
    "curves",
    "redis",
    "peers",
];
/// Its manifest.
const MANIFEST: &str = "bench/suite/Cargo.toml";
/// Peers in Python.
const PYTHON: &[&str] = &["fastapi==0.165.0", "limits==5.8.0", "slowapi==0.1.10"];
/// Peers in Node.
const NODE: &[&str] = &["rate-limiter-flexible@11.4.0"];

/// Builds the suite, and runs these parts of it one after the other.
pub(super) fn run(project: &Project, parts: &[&str], options: &Options) -> Result<(), Error> {
    if parts.contains(&"redis") {
        needs::install(project, needs::SUITE)?;
    }
    let program = build(project)?;
    for part in parts {
        let mut command = program.command(project).arg(part);
        if *part == "peers" {
            command = interpreters(project, command)?;
        }
        command
            .arg("--seed")
            .arg(options.seed.to_string())
            .arg("--rounds")
            .arg(options.rounds.to_string())
            .arg("--keys")
            .arg(options.keys.to_string())
            .arg("--out")
            .arg(results(project)?)
            .run()?;
    }
    Ok(())
}

/// Writes what the last runs left into the documentation.
pub(super) fn report(project: &Project) -> Result<(), Error> {
    build(project)?.command(project).arg("report").arg("--out").arg(results(project)?).run()
}

/// Where results are kept, below the target folder.
pub(super) fn results(project: &Project) -> Result<PathBuf, Error> {
    Ok(project.target()?.join("bench/results"))
}

/// The built program.
struct Program(PathBuf);

impl Program {
    fn command(&self, project: &Project) -> Cmd {
        project.command(&self.0.to_string_lossy())
    }
}

fn build(project: &Project) -> Result<Program, Error> {
    let folder = project.target()?.join("bench/build");
    let build = project.cargo().args(["build", "--release", "--manifest-path", MANIFEST]);
    build.arg("--target-dir").arg(&folder).run()?;
    Ok(Program(folder.join("release/ratekeeper-bench")))
}

/// Tells where the interpreters are whose packages could be installed. A machine without one measures the rest.
fn interpreters(project: &Project, mut command: Cmd) -> Result<Cmd, Error> {
    let (venv, modules) = (project.target()?.join("bench/python"), project.target()?.join("bench/node"));
    match python::install_packages(project, &venv, PYTHON) {
        Ok(()) => command = command.arg("--python").arg(venv.join("bin/python")),
        Err(error) => println!("no peers in Python: {error}"),
    }
    match node::install_packages(project, &modules, NODE) {
        Ok(()) => command = command.arg("--node-modules").arg(modules.join("node_modules")),
        Err(error) => println!("no peers in Node: {error}"),
    }
    Ok(command)
}
