//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Rate limits that are exact: check a policy, explain it, replay a log through it.
#[derive(Debug, Parser)]
#[command(
    name = "ratekeeper",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes:\n  0  done (also when requests were refused, or lines of a log could not be read)\n  \
    1  the policy has errors\n  2  the command line is wrong\n  3  a file could not be read or written"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check policy files: every error with line, column and what would be right
    Check(CheckArguments),
    /// Explain which rules a request meets, with which keys and limits, and why
    Explain(Box<ExplainArguments>),
    /// Replay access logs through a policy: who would have been refused, when, by which rule
    Replay(ReplayArguments),
    /// Print the JSON Schema of policies, for editors
    Schema,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages
    Man {
        /// The directory to write them to
        #[arg(long, value_name = "DIRECTORY", default_value = ".")]
        out: PathBuf,
    },
}

/// Variables for `${NAME}` in policies.
#[derive(Args, Debug)]
pub(crate) struct Variables {
    /// A variable for ${NAME} in the policy, before those of the environment
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) variables: Vec<(String, String)>,
}

/// Arguments of `check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    /// The policy files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) env: Variables,
}

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub(crate) struct ExplainArguments {
    /// The policy
    #[arg(long, short, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    #[command(flatten)]
    pub(crate) env: Variables,
    /// The client's address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ip: Option<std::net::IpAddr>,
    /// The authenticated user
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// The method
    #[arg(long, default_value = "GET")]
    pub(crate) method: String,
    /// The path; a query is cut off
    #[arg(long, default_value = "/")]
    pub(crate) path: String,
    /// The route template, such as /users/{id}
    #[arg(long)]
    pub(crate) route: Option<String>,
    /// The host
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// A header
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// A descriptor
    #[arg(long = "descriptor", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) descriptors: Vec<(String, String)>,
    /// The cost of the request
    #[arg(long, default_value_t = 1)]
    pub(crate) cost: u64,
    /// The instant, such as 2026-11-24T12:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<jiff::Timestamp>,
}

/// Arguments of `replay`.
#[derive(Args, Debug)]
pub(crate) struct ReplayArguments {
    /// The policy
    #[arg(long, short, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// A second policy: say in which requests the two differ
    #[arg(long, short, value_name = "FILE")]
    pub(crate) compare: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) env: Variables,
    /// The access logs, in the order to replay them: combined, common or JSON lines, also gzipped; - is standard input
    #[arg(required = true, value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// How the summary is printed
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
    /// Write one JSON line for each request and limit to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) decisions: Option<PathBuf>,
    /// How many of the most refused subjects to list
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub(crate) top: usize,
    /// No progress bar
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// How a summary is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() {
        Err("write NAME=VALUE")
    } else {
        Ok((name.to_owned(), value.to_owned()))
    }
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    if name.is_empty() {
        Err("write NAME: VALUE")
    } else {
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
