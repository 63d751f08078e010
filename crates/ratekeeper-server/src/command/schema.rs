//! `ratekeeper schema`: the JSON Schema of policies.

use std::io::Write;

use crate::failure::{Failure, written};

/// Prints it.
pub(crate) fn run() -> Result<(), Failure> {
    let schema = ratekeeper_policy::json_schema();
    written(writeln!(std::io::stdout(), "{schema:#}"))
}
