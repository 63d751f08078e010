//! `cargo xtask …`: everything that is done to this repository, in one place.
//!
//! Each sub-command is one module; `cargo xtask ci` is the sum that every change must pass.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its user"
)]

mod bench;
mod ci;
mod command;
mod error;
mod examples;
mod fuzz;
mod generate;
mod needs;
mod node;
mod project;
mod python;
mod readme;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::project::Project;

/// The workshop of ratekeeper.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install what the tests need, then run every test: unit, integration, documentation, examples.
    Test {
        /// Passed on to `cargo test`: a filter, `-p CRATE`, `-- --nocapture`, …
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Everything that a change must pass; stops at the first failure.
    Ci,
    /// Check the house rules; exits 1 if one is broken.
    Tidy,
    /// Write the files of this repository that are made by its own program.
    Generate {
        /// Write nothing; fail if a file is not what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Fuzz one target, or each in turn, with libFuzzer (needs cargo-fuzz).
    Fuzz {
        /// One of the targets; all of them if absent.
        target: Option<String>,
        /// How long to fuzz each target.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Run the benchmarks: everything in this process, or a part.
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<(), Error> {
    let project = Project::here();
    match task {
        Task::Test { args } => test::run(&project, &args),
        Task::Ci => ci::run(&project),
        Task::Tidy => tidy::run(&project),
        Task::Generate { check: false } => generate::write(&project),
        Task::Generate { check: true } => generate::check(&project),
        Task::Fuzz { target, seconds } => fuzz::run(&project, target.as_deref(), seconds),
        Task::Bench(bench) => bench::run(&project, &bench),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
