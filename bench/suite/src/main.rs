//! ratekeeper beside its peers, and beside the least that each thing can cost, in one run: read the ratios.
//!
//! `cargo xtask bench` builds and runs it; the method is described in `docs/performance.md`.

mod case;
mod keys;
mod options;
mod parts;
mod report;
mod results;
mod rounds;
mod subject;
mod subjects;
mod table;
mod work;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::options::Options;
use crate::parts::peers::Interpreters;
use crate::results::Results;

/// Measures ratekeeper beside its peers, in this process.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    part: Part,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Single checks beside the floors and the peers, by workload.
    Checks,
    /// Our algorithms against each other.
    Algorithms,
    /// Requests of several limits, and by policies.
    Policy,
    /// Bytes a key, and the longest pause while a store grows.
    Memory,
    /// In front of a Tower service.
    Middleware,
    /// Cost against the number of keys, threads, rules, limits.
    Curves,
    /// The Redis store beside its client alone.
    Redis,
    /// Peers in other languages.
    Peers(Interpreters),
    /// Write the results into the documentation.
    Report,
    /// Bytes a key of one subject; what `memory` starts.
    #[command(hide = true)]
    Bytes { subject: String },
}

fn main() -> ExitCode {
    let Cli { part, options } = Cli::parse();
    match run(&part, &options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(part: &Part, options: &Options) -> std::io::Result<()> {
    let measure = |name: &str, run: &dyn Fn(&Options, &mut Results)| {
        let mut results = Results::new(name, options);
        run(options, &mut results);
        results.write(&options.out)
    };
    match part {
        Part::Checks => measure("checks", &parts::checks::run),
        Part::Algorithms => measure("algorithms", &parts::algorithms::run),
        Part::Policy => measure("policy", &parts::policy::run),
        Part::Memory => measure("memory", &parts::memory::run),
        Part::Middleware => measure("middleware", &parts::middleware::run),
        Part::Curves => measure("curves", &parts::curves::run),
        Part::Redis => measure("redis", &parts::redis::run),
        Part::Peers(interpreters) => {
            measure("peers", &|options, results| parts::peers::run(interpreters, options.seed, results))
        }
        Part::Report => report::write(&options.out),
        Part::Bytes { subject } => {
            println!("{}", parts::memory::bytes(options, subject));
            Ok(())
        }
    }
}
