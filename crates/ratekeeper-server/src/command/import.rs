//! `ratekeeper import`: policies made of what others are configured with.

use std::io::Write as _;

use ratekeeper_policy::EnvoyOptions;

use crate::cli::{ImportArguments, ImportEnvoy, ImportSource};
use crate::envoy_config::EnvoyConfig;
use crate::failure::{Failure, warn, written};

/// Prints a policy.
pub(crate) fn run(arguments: ImportArguments) -> Result<(), Failure> {
    match arguments.source {
        ImportSource::Envoy(arguments) => envoy(arguments),
    }
}

fn envoy(arguments: ImportEnvoy) -> Result<(), Failure> {
    let ImportEnvoy { paths, merge_domains, quota_mode, store, output } = arguments;
    let options = EnvoyOptions { merge_domains, quota_mode, store };
    let config = EnvoyConfig { paths, options };
    for path in config.skipped() {
        warn(format_args!("{}: not read: it is no .yaml or .yml file of the directory", path.display()));
    }
    let import = config.import()?;
    for warning in &import.warnings {
        warn(warning);
    }
    match output {
        Some(path) => {
            std::fs::write(&path, import.policy).map_err(|source| Failure::WriteFile { path, source })
        }
        None => written(std::io::stdout().write_all(import.policy.as_bytes())),
    }
}
