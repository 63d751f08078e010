//! `ratekeeper bench`: load tests of a server that runs.

mod arguments;
mod values;

use std::io::Write as _;
use std::time::Duration;

use ratekeeper_load::{Load, LoadError, Mode, Options, Protocol, Rate, Report, Stop, Target, Token};

pub(crate) use self::arguments::BenchArguments;
use self::values::Offered;
use super::environment;
use crate::failure::{Failure, written};

/// Loads a server, and prints what it measured.
pub(crate) fn run(arguments: BenchArguments) -> Result<(), Failure> {
    // Each connection is an open file.
    _ = rlimit::increase_nofile_limit(u64::MAX);
    let json = arguments.json;
    let threads = arguments.threads;
    let target = Target::parse("--url", &arguments.url)?;
    let mode = mode(&arguments, &target)?;
    let options = options(arguments, target)?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        runtime.worker_threads(threads.get());
    }
    let runtime = runtime.enable_all().build().map_err(|error| Failure::start("the runtime", error))?;
    let report = runtime.block_on(measured(options, mode))?;
    // Whoever was not answered is not waited for.
    runtime.shutdown_background();
    let text = if json { report.json() + "\n" } else { report.text() };
    written(std::io::stdout().write_all(text.as_bytes()))?;
    match (report.is_exact(), report.is_interrupted()) {
        (false, _) => Err(Failure::Told(1)),
        (true, true) => Err(Failure::Told(130)),
        (true, false) => Ok(()),
    }
}

/// Measures until the end, or until it is interrupted; a second interrupt ends at once.
async fn measured(options: Options, mode: Mode) -> Result<Report, Failure> {
    let stop = Stop::default();
    let interrupted = stop.clone();
    let listening = tokio::spawn(async move {
        _ = tokio::signal::ctrl_c().await;
        interrupted.stop();
        _ = tokio::signal::ctrl_c().await;
        std::process::exit(130);
    });
    let report = ratekeeper_load::run(options, mode, &stop).await;
    listening.abort();
    Ok(report?)
}

fn mode(arguments: &BenchArguments, target: &Target) -> Result<Mode, Failure> {
    let lasts = |usual: u64| arguments.duration.unwrap_or(Duration::from_secs(usual));
    let load = match arguments.rate {
        Some(Offered::Rate(rate)) => Load::Constant(rate),
        Some(Offered::Max) => Load::Closed,
        // Exactness is best tried by as many as there can be.
        None if arguments.exact => Load::Closed,
        None => Load::Constant(Rate::per_second(1000)),
    };
    if arguments.stress {
        let sustainable = match arguments.rate {
            Some(Offered::Rate(rate)) => Some(rate),
            _ => None,
        };
        return Ok(Mode::Stress { sustainable, lasts: lasts(5), factor: arguments.factor });
    }
    if arguments.exact {
        return Ok(Mode::Exact { load, lasts: lasts(10) });
    }
    if arguments.soak {
        let metrics = metrics(arguments, target)?;
        return Ok(Mode::Soak { load, lasts: lasts(600), metrics, every: arguments.sample });
    }
    Ok(Mode::Steady { load, lasts: lasts(10) })
}

/// Where the metrics are: beside `/v1/check`, if nothing else is said.
fn metrics(arguments: &BenchArguments, beside: &Target) -> Result<Target, Failure> {
    let text = match (&arguments.metrics_url, beside.protocol()) {
        (Some(url), _) => url.clone(),
        (None, Protocol::Http) => format!("{beside}/metrics"),
        (None, Protocol::Grpc) => format!("{beside}/metrics").replacen("grpc", "http", 1),
        (None, Protocol::Redis) => {
            let what = "--soak: give --metrics-url, such as http://127.0.0.1:8080/metrics".to_owned();
            return Err(LoadError::Option { what }.into());
        }
    };
    let target = Target::parse("--metrics-url", &text)?;
    if target.protocol() != Protocol::Http {
        return Err(
            LoadError::Option { what: "--metrics-url: it must begin with http or https".to_owned() }.into()
        );
    }
    Ok(target)
}

fn options(arguments: BenchArguments, target: Target) -> Result<Options, Failure> {
    let token = match &arguments.token_file {
        Some(path) => {
            let read = std::fs::read_to_string(path);
            Some(read.map_err(|source| Failure::Read { path: path.clone(), source })?)
        }
        None => environment("RATEKEEPER_TOKEN"),
    };
    let keys = arguments.keys.unwrap_or(if arguments.exact { 1 } else { 1000 });
    Ok(Options {
        target,
        token: token.as_deref().map(Token::new),
        ca: arguments.ca,
        connections: arguments.connections,
        streams: arguments.streams,
        timeout: arguments.timeout,
        keys,
        distribution: arguments.distribution,
        cost: arguments.cost,
        seed: arguments.seed.unwrap_or_else(seed),
        asking: arguments.asking.into(),
        limit: arguments.limit,
    })
}

/// Another one in each run, so that its keys are unused.
// The edge: a run that is not told what to draw.
#[allow(clippy::disallowed_methods)]
fn seed() -> u64 {
    let mut bytes = [0; 4];
    // Any seed will do.
    _ = getrandom::fill(&mut bytes);
    u64::from(u32::from_le_bytes(bytes))
}
