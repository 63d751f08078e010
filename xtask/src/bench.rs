//! `cargo xtask bench`: the benchmarks, in parts. `docs/performance.md` says what each measures.

mod baseline;
pub(crate) mod instructions;
mod programs;
mod suite;

use clap::{Args, Subcommand};

use crate::error::Error;
use crate::project::Project;

/// What `cargo xtask bench` is told.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    options: Options,
}

/// How the suite measures; the other parts have settings of their own.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Other keys, another order, other costs.
    #[arg(long, default_value_t = 0, global = true)]
    seed: u64,
    /// How often every subject has its turn; more make the medians steadier.
    #[arg(long, default_value_t = 7, global = true)]
    rounds: usize,
    /// How many keys are many.
    #[arg(long, default_value_t = 1_000_000, global = true)]
    keys: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
enum Part {
    /// Everything in this process: what runs if no part is named. About ten minutes, with its build.
    All,
    /// Single checks beside the floors and the peers: one hot key, a million keys, floods, bursts, denials.
    Checks,
    /// Our algorithms against each other.
    Algorithms,
    /// Five limits a request, and requests by policies.
    Policy,
    /// Bytes a key, and the longest pause while a store grows.
    Memory,
    /// The Tower layer beside tower_governor, without a server.
    Middleware,
    /// Cost against the number of keys, threads, rules, and limits a request.
    Curves,
    /// The Redis store beside its client alone, with 1, 50 and 200 callers.
    Redis,
    /// Peers in Python and Node, where these are there.
    Peers,
    /// The stores over a network beside the plain commands of their servers: Redis, PostgreSQL, Memcached.
    Stores,
    /// `http`, `grpc` and `resp`.
    Server,
    /// The server beside bare axum handlers.
    Http,
    /// The server beside a bare tonic service.
    Grpc,
    /// The server's Redis protocol beside a bare loop.
    Resp,
    /// Instructions and allocations of the key paths, beside the committed baseline; what CI compares.
    Instructions {
        /// Make what is counted now the baseline.
        #[arg(long)]
        accept: bool,
    },
    /// Write the tables and plots of the last runs into docs/performance.md.
    Report,
}

/// Runs a part, or all that need no server.
pub(crate) fn run(project: &Project, bench: &Bench) -> Result<(), Error> {
    match bench.part.unwrap_or(Part::All) {
        Part::All => suite::run(project, suite::PARTS, &bench.options),
        Part::Checks => suite::run(project, &["checks"], &bench.options),
        Part::Algorithms => suite::run(project, &["algorithms"], &bench.options),
        Part::Policy => suite::run(project, &["policy"], &bench.options),
        Part::Memory => suite::run(project, &["memory"], &bench.options),
        Part::Middleware => suite::run(project, &["middleware"], &bench.options),
        Part::Curves => suite::run(project, &["curves"], &bench.options),
        Part::Redis => suite::run(project, &["redis"], &bench.options),
        Part::Peers => suite::run(project, &["peers"], &bench.options),
        Part::Stores => programs::run(project, programs::STORES),
        Part::Server => programs::run(project, programs::SERVER),
        Part::Http => programs::run(project, &["http"]),
        Part::Grpc => programs::run(project, &["grpc"]),
        Part::Resp => programs::run(project, &["resp"]),
        Part::Instructions { accept: true } => instructions::accept(project),
        Part::Instructions { accept: false } => instructions::check(project).map(|skipped| {
            if let Some(why) = skipped {
                println!("skipped: {why}");
            }
        }),
        Part::Report => suite::report(project),
    }
}
