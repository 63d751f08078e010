//! Load tests of a rate limit server, over HTTP, Envoy's gRPC or the Redis protocol. Internal to ratekeeper.
//!
//! The load is **open**: requests are due at fixed instants, and how long one takes is counted from when it was due, whether
//! or not a connection was free for it. So a server that stalls is charged for everybody who would have come meanwhile.
//! (A closed loop, in which each connection asks anew when it is answered, leaves those out; it says what a server can do at
//! most.) Memory is bounded: latencies go into histograms, and requests that wait are but a number.

mod client;
mod clock;
mod draw;
mod envelope;
mod error;
mod ledger;
mod measure;
mod mode;
mod options;
mod pace;
mod phase;
mod report;
mod run;
mod schedule;
mod stop;
mod target;
mod template;
mod zipf;

pub use self::draw::Distribution;
pub use self::error::LoadError;
pub use self::mode::Mode;
pub use self::options::{Asking, Load, Options, Token};
use self::report::Outcome;
pub use self::report::Report;
use self::run::Run;
pub use self::schedule::Rate;
pub use self::stop::Stop;
pub use self::target::{Protocol, Target};

/// Runs a load test, on a runtime of several threads.
///
/// # Errors
/// If the options make no sense, or the server does not answer before any load. Errors under load are a part of the report.
pub async fn run(options: Options, mode: Mode, stop: &Stop) -> Result<Report, LoadError> {
    let run = Run::prepare(options, stop.clone()).await?;
    let outcome = match mode {
        Mode::Steady { load, lasts } => Outcome::Steady(Box::new(mode::steady(&run, load, lasts).await?)),
        Mode::Stress { sustainable, lasts, factor } => {
            Outcome::Stress(Box::new(mode::stress(&run, sustainable, lasts, factor).await?))
        }
        Mode::Exact { load, lasts } => Outcome::Exact(Box::new(mode::exact(&run, load, lasts).await?)),
        Mode::Soak { load, lasts, metrics, every } => {
            Outcome::Soak(Box::new(mode::soak(&run, load, lasts, metrics, every).await?))
        }
    };
    Ok(Report::new(&run, outcome))
}
