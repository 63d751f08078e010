//! `cargo xtask test`: every test of the workspace, after installing what they need.

use crate::error::Error;
use crate::examples;
use crate::needs;
use crate::node;
use crate::project::Project;
use crate::python;

/// Tells the end-to-end tests where the server is.
const PROGRAM: &str = "RATEKEEPER_TEST_PROGRAM";

/// Runs every test; `args` are passed on to `cargo test`.
pub(crate) fn run(project: &Project, args: &[String]) -> Result<(), Error> {
    needs::install(project, needs::TESTS)?;
    python::install(project)?;
    node::install(project)?;
    let chosen = chooses_package(args);
    let all: &[&str] = if chosen { &[] } else { &["--workspace"] };
    let mut test = project.cargo().arg("test").args(all).arg("--all-features").args(args);
    if !chosen && !args.iter().any(|arg| arg == "--release" || arg == "-r") {
        // Built by this very command, before any test runs: to build it alone would be with other features, all over again.
        test = test.env(PROGRAM, project.target()?.join("debug/ratekeeper"));
    }
    test.run()?;
    if chosen || examples::targets(project)?.is_empty() {
        return Ok(());
    }
    // Cargo builds examples with the tests but runs the tests inside them only when asked to.
    project
        .cargo()
        .args([
            "test",
            "--package",
            examples::PACKAGE,
            "--examples",
            "--all-features",
        ])
        .args(args)
        .run()
}

/// Whether the arguments name packages of their own, instead of the whole workspace.
fn chooses_package(args: &[String]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| {
        arg == "--package"
            || arg.starts_with("--package=")
            || (arg.starts_with("-p") && !arg.starts_with("--"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(args: &str, expected: bool) {
        let args: Vec<_> = args.split_whitespace().map(str::to_owned).collect();
        assert_eq!(chooses_package(&args), expected);
    }

    #[test]
    fn a_package_replaces_the_workspace() {
        check("", false);
        check("some_filter -- --nocapture", false);
        check("-p ratekeeper-core", true);
        check("-pratekeeper-core filter", true);
        check("--package ratekeeper-core", true);
        check("--package=ratekeeper-core", true);
        check("filter -- -p", false);
    }
}
