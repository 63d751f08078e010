//! `ratekeeper`: check, explain and replay rate limit policies.

mod cli;
mod command;
mod failure;
mod replay;
mod safe_json;
mod shown;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Check(arguments) => command::check::run(&arguments),
        Command::Explain(arguments) => command::explain::run(&arguments),
        Command::Replay(arguments) => command::replay::run(&arguments),
        Command::Schema => command::schema::run(),
        Command::Completions { shell } => command::generate::completions(shell),
        Command::Man { out } => command::generate::man(&out),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.report();
            ExitCode::from(failure.exit_code())
        }
    }
}
