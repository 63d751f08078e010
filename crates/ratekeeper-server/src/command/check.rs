//! `ratekeeper check`: are these policies right?

use std::io::Write;
use std::path::Path;

use ratekeeper_policy::Policy;

use super::{load_policy, runtime, standard_input_once};
use crate::cli::CheckArguments;
use crate::failure::{Failure, name, warn, written};
use crate::stores;

/// Checks every file, also after one that is wrong. The gravest failure gives the exit code.
pub(crate) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    standard_input_once(&arguments.files)?;
    let mut gravest = 0;
    for file in &arguments.files {
        match load_policy(file, &arguments.env) {
            Ok(policy) => {
                let wrong = check_stores(file, &policy)?;
                if wrong > 0 {
                    gravest = gravest.max(wrong);
                    continue;
                }
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

/// Tells which stores cannot be what they are described as, without asking any; the exit code.
fn check_stores(file: &Path, policy: &Policy) -> Result<u8, Failure> {
    // Stores want to be made where they will be asked.
    let runtime = runtime()?;
    let _inside = runtime.enter();
    let mut gravest = 0;
    for (name, config) in policy.stores() {
        if let Err(reason) = stores::bare(config) {
            let failure = Failure::Store { file: file.to_owned(), store: name.to_owned(), reason };
            failure.report();
            gravest = failure.exit_code();
        }
    }
    Ok(gravest)
}
