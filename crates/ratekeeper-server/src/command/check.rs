//! `ratekeeper check`: are these policies right?

use std::io::Write;

use super::load_policy;
use crate::cli::CheckArguments;
use crate::failure::Failure;

/// Checks every file, also after one that is wrong.
pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let mut failed: Option<Failure> = None;
    for file in &arguments.files {
        match load_policy(file, &arguments.env) {
            Ok(policy) => {
                let (rules, version) = (policy.rules().len(), policy.version());
                let noun = if rules == 1 { "rule" } else { "rules" };
                writeln!(std::io::stdout(), "{}: ok, {rules} {noun}, version {version}", file.display())?;
            }
            Err(failure) => {
                if let Some(before) = failed.replace(failure) {
                    before.report();
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}
