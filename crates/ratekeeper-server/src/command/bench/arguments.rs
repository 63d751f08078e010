//! The arguments of `bench`.

use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use ratekeeper_core::Limit;
use ratekeeper_load::{Asking, Distribution};

use super::values::{self, Offered};
use crate::cli::pair;

/// Arguments of `bench`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("mode").args(["stress", "exact", "soak"])))]
#[command(
    after_help = "Exit codes:\n  0    done\n  1    --exact: a key was given more than its limit\n  \
    2    the command line is wrong, or does not fit the server\n  3    a file could not be read\n  4    the server does not answer as it should, before any load\n  \
    130  interrupted; what was measured until then is printed"
)]
pub(crate) struct BenchArguments {
    /// The server, and in which language it is asked: http, grpc or redis, or https, grpcs or rediss with TLS
    #[arg(
        long,
        env = "RATEKEEPER_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080"
    )]
    pub(crate) url: String,
    /// Overload it by far, and see what it still does and how soon it is as before
    #[arg(long)]
    pub(crate) stress: bool,
    /// Ask for few keys from many connections, and see that none is given more than its limit
    #[arg(long)]
    pub(crate) exact: bool,
    /// Go on for long, and see whether the server's memory grows
    #[arg(long)]
    pub(crate) soak: bool,
    /// Requests a second, due at fixed instants; or max, to ask anew as soon as answered. With --stress, what the server
    /// can do [default: 1000; with --exact, max; with --stress, it is measured]
    #[arg(long, short, value_name = "RATE", value_parser = values::offered)]
    pub(crate) rate: Option<Offered>,
    /// How long; with --stress, for each of its parts [default: 10s; with --stress, 5s; with --soak, 10m]
    #[arg(long, short, value_name = "SPAN", value_parser = values::span)]
    pub(crate) duration: Option<Duration>,
    /// How many connections ask at the same time
    #[arg(long, short, value_name = "COUNT", default_value_t = 64)]
    pub(crate) connections: usize,
    /// How many calls each connection carries at once; for gRPC only
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub(crate) streams: usize,
    /// How long a request may take from when it is due; half of it, it may wait for a free connection
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = values::span)]
    pub(crate) timeout: Duration,
    /// How many keys there are [default: 1000; with --exact, 1]
    #[arg(long, short, value_name = "COUNT")]
    pub(crate) keys: Option<u64>,
    /// Which keys are asked for how often: one, uniform, or zipf:EXPONENT
    #[arg(long, value_name = "NAME", default_value = "uniform", value_parser = values::distribution)]
    pub(crate) distribution: Distribution,
    /// What a request costs, or a range such as 1..1000 to draw from
    #[arg(long, value_name = "COST", default_value = "1", value_parser = values::cost)]
    pub(crate) cost: RangeInclusive<u64>,
    /// What is drawn, and the names of the keys [default: another each time]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) asking: AskingArguments,
    /// The limit of each key, such as '100 per minute': what CL.THROTTLE asks for; with --exact, what the server does not tell
    #[arg(long, value_name = "LIMIT", value_parser = values::limit)]
    pub(crate) limit: Option<Limit>,
    /// With --stress: how many times more than the server can do
    #[arg(long, value_name = "TIMES", default_value_t = 10, requires = "stress", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) factor: u64,
    /// With --soak: where the server's metrics are [default: /metrics beside the url]
    #[arg(long, value_name = "URL", requires = "soak")]
    pub(crate) metrics_url: Option<String>,
    /// With --soak: how often its memory is looked at
    #[arg(long, value_name = "SPAN", default_value = "5s", requires = "soak", value_parser = values::span)]
    pub(crate) sample: Duration,
    /// A file with a token [default: the environment's RATEKEEPER_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Roots, in PEM, that the server's certificate is checked against, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Threads of the generator [default: one for each processor]
    #[arg(long, value_name = "COUNT")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is asked. In values, {key} stands for the key, {ip} for it as an address of 10.0.0.0/8, {n} for its number.
#[derive(Args, Debug)]
pub(crate) struct AskingArguments {
    /// Over HTTP: the attributes of a request
    /// [default: {"ip":"{ip}","user":"{key}","method":"GET","path":"/"}]
    #[arg(long, value_name = "JSON")]
    attributes: Option<String>,
    /// Over gRPC: the domain
    #[arg(long)]
    domain: Option<String>,
    /// Over gRPC: an entry of the descriptor, such as user={key}; several are entries of one, in order
    #[arg(long = "descriptor", value_name = "NAME=VALUE", value_parser = pair)]
    descriptors: Vec<(String, String)>,
    /// Over the Redis protocol: ask RK.CHECK for this rule, instead of CL.THROTTLE
    #[arg(long)]
    rule: Option<String>,
    /// Over the Redis protocol: a part of the rule's key, such as {key}; several in the order of the rule
    #[arg(long = "key-part", value_name = "VALUE")]
    key_parts: Vec<String>,
}

impl From<AskingArguments> for Asking {
    fn from(arguments: AskingArguments) -> Self {
        let AskingArguments { attributes, domain, descriptors, rule, key_parts } = arguments;
        Self { attributes, domain, descriptors, rule, key_parts }
    }
}
