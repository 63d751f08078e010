//! `ratekeeper serve`: decisions over HTTP.

use std::io::Write as _;

use ratekeeper_policy::Policy;

use super::{environment, load_policy, token};
use crate::cli::ServeArguments;
use crate::failure::{Failure, written};
use crate::serve::{Greeting, PolicySource, Server};
use crate::settings::Layers;
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
    let (policy, source) = match &settings.policy {
        Some(path) => {
            let source = PolicySource { path: path.clone(), variables: arguments.env };
            (load_policy(&source.path, &source.variables)?, Some(source))
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

/// The file and the flags.
fn layers(arguments: &ServeArguments) -> Layers {
    let mut flags = arguments.set.clone();
    let mut flag =
        |name: &str, value: Option<String>| flags.extend(value.map(|value| (name.to_owned(), value)));
    flag("policy", arguments.policy.clone());
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
