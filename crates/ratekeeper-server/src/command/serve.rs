//! `ratekeeper serve`: decisions over HTTP.

use std::io::Write as _;

use ratekeeper_policy::{EnvoyOptions, Policy};

use super::{environment, token};
use crate::cli::ServeArguments;
use crate::envoy_config::EnvoyConfig;
use crate::failure::{Failure, written};
use crate::serve::{Greeting, PolicyPlace, PolicySource, Server};
use crate::settings::{Layers, Settings};
use crate::tokens::TokenHash;

/// What is served where no policy is given.
const QUICK_START: &str = include_str!("../quick_start.yaml");

/// Serves until it is told to end.
pub(crate) fn run(arguments: ServeArguments) -> Result<(), Failure> {
    let mut layers = layers(&arguments);
    let loaded = layers.load(&environment)?;
    let is_quick_start = loaded.is_default();
    if arguments.print_config {
        return written(std::io::stdout().write_all(loaded.print().as_bytes()));
    }
    let mut settings = loaded.settings;
    let mut greeting = Greeting { is_quick_start, ..Greeting::default() };
    let (policy, source) = match policy_place(&settings) {
        Some(place) => {
            let source = PolicySource::new(place, arguments.env);
            (source.load()?, Some(source))
        }
        None => {
            greeting.is_built_in = true;
            (Policy::parse(QUICK_START, "quick_start.yaml", &|_| None)?, None)
        }
    };
    if is_quick_start {
        let token = token::make()?;
        let hash = TokenHash::of(&token);
        // Also for when the settings are read again.
        layers.flags.push(("operator_tokens".to_owned(), hash.to_string()));
        settings.operator_tokens.push(hash);
        greeting.operator_token = Some(token);
    }
    Server { settings, layers, policy, source, greeting }.run()
}

/// Where the settings say that the policy is.
fn policy_place(settings: &Settings) -> Option<PolicyPlace> {
    let (policy, envoy) = (settings.policy.clone(), &settings.envoy);
    policy.map(PolicyPlace::File).or_else(|| {
        let options = EnvoyOptions {
            merge_domains: envoy.merge_domains,
            quota_mode: envoy.quota_mode,
            store: envoy.store.as_ref().map(|store| store.0.clone()),
        };
        Some(PolicyPlace::Envoy(EnvoyConfig { paths: vec![envoy.config.clone()?], options }))
    })
}

/// The file and the flags.
fn layers(arguments: &ServeArguments) -> Layers {
    let mut flags = arguments.set.clone();
    let mut flag =
        |name: &str, value: Option<String>| flags.extend(value.map(|value| (name.to_owned(), value)));
    flag("policy", arguments.policy.clone());
    flag("envoy.config", arguments.envoy_config.clone());
    flag("listen", Some(arguments.listen.join(",")).filter(|addresses| !addresses.is_empty()));
    flag("state_file", arguments.state_file.clone());
    flag("log.format", arguments.log_format.clone());
    Layers { file: arguments.config.clone(), flags }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_start_has_neither_errors_nor_warnings() {
        let policy = Policy::parse(QUICK_START, "quick_start.yaml", &|_| None).unwrap();
        assert!(policy.warnings().is_empty());
        assert_eq!(policy.rules()[0].name(), "hello");
    }
}
