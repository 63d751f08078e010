//! `ratekeeper check`: are these policies right?

use std::io::Write;

use super::{load_policy, standard_input_once};
use crate::cli::CheckArguments;
use crate::failure::{Failure, name, warn, written};

/// Checks every file, also after one that is wrong. The gravest failure gives the exit code.
pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    standard_input_once(&arguments.files)?;
    let mut gravest = 0;
    for file in &arguments.files {
        match load_policy(file, &arguments.env) {
            Ok(policy) => {
                for warning in policy.warnings() {
                    warn(warning);
                }
                let (rules, version) = (policy.rules().len(), policy.version());
                let noun = if rules == 1 { "rule" } else { "rules" };
                let line = format!("{}: ok, {rules} {noun}, version {version}", name(file));
                written(writeln!(std::io::stdout(), "{line}"))?;
            }
            Err(failure) => {
                failure.report();
                gravest = gravest.max(failure.exit_code());
            }
        }
    }
    if gravest > 0 {
        Err(Failure::Told(gravest))
    } else {
        Ok(())
    }
}
