//! `ratekeeper`: serve, check, explain and replay rate limit policies.

mod app;
mod cli;
mod command;
mod envoy;
mod envoy_config;
mod failure;
mod http;
mod listen;
mod memory_limit;
mod metrics;
mod policy_status;
mod refusal_log;
mod remote;
mod replay;
mod resp;
mod safe_json;
mod serve;
mod settings;
mod shown;
mod store_metrics;
mod stores;
mod subject;
mod subject_metrics;
mod tokens;
mod top;
mod traces;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let result = match command.unwrap_or_else(|| Command::Serve(Box::default())) {
        Command::Serve(arguments) => command::serve::run(*arguments),
        Command::Key(arguments) => command::key::run(&arguments),
        Command::Top(arguments) => command::top::run(&arguments),
        Command::Bench(arguments) => command::bench::run(*arguments),
        Command::Token => command::token::run(),
        Command::Check(arguments) => command::check::run(&arguments),
        Command::Doctor(arguments) => command::doctor::run(&arguments),
        Command::Import(arguments) => command::import::run(arguments),
        Command::Explain(arguments) => command::explain::run(&arguments),
        Command::Replay(arguments) => command::replay::run(&arguments),
        Command::Schema => command::schema::run(),
        Command::Migrations { schema } => command::schema::migrations(&schema),
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
