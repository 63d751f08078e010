//! `ratekeeper explain`: which rules does this request meet, and why?

use std::io::Write;

use ratekeeper_core::Timestamp;
use ratekeeper_policy::Attributes;

use super::load_policy;
use crate::cli::ExplainArguments;
use crate::failure::{Failure, written};

/// Prints the explanation.
pub(crate) fn run(arguments: &ExplainArguments) -> Result<(), Failure> {
    let policy = load_policy(&arguments.policy, &arguments.env)?;
    let headers: Vec<(&str, &str)> = borrowed(&arguments.headers);
    let descriptors: Vec<(&str, &str)> = borrowed(&arguments.descriptors);
    let attributes = Attributes {
        ip: arguments.ip,
        user: arguments.user.as_deref(),
        method: Some(&arguments.method),
        path: arguments.path.split('?').next(),
        route: arguments.route.as_deref(),
        host: arguments.host.as_deref(),
        headers: &headers,
        domain: arguments.domain.as_deref(),
        descriptors: &descriptors,
        ..Attributes::default()
    };
    let explanation = policy.explain(&attributes, instant(arguments.at), arguments.cost);
    written(writeln!(std::io::stdout(), "{explanation}"))
}

fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
    pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

// The command line is the edge where the clock is read.
#[allow(clippy::disallowed_methods)]
fn instant(at: Option<jiff::Timestamp>) -> Timestamp {
    let micros = at.unwrap_or_else(jiff::Timestamp::now).as_microsecond();
    Timestamp::from_micros(u64::try_from(micros).unwrap_or(0))
}
