//! The commands, one file each, and what they share.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod replay;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod top;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ratekeeper_policy::Policy;
use tokio::runtime::Runtime;

use crate::cli::Variables;
use crate::failure::Failure;

/// A policy larger than this is refused while it is read: one byte more than the policy language allows.
pub(crate) const MAX_POLICY_BYTES: u64 = (8 << 20) + 1;

/// Refuses `-` given twice: the second reader would find nothing.
pub(crate) fn standard_input_once<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), Failure> {
    let uses = paths.into_iter().filter(|path| path.as_path() == Path::new("-")).count();
    if uses > 1 {
        Err(Failure::StandardInputTwice)
    } else {
        Ok(())
    }
}

/// Reads and compiles a policy; `-` is standard input.
pub(crate) fn load_policy(path: &Path, env: &Variables) -> Result<Policy, Failure> {
    let read = |source| Failure::Read { path: path.to_owned(), source };
    let mut source = Vec::new();
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(read)?)
    };
    input.take(MAX_POLICY_BYTES).read_to_end(&mut source).map_err(read)?;
    Ok(Policy::from_bytes(&source, &path.display().to_string(), &|name| variable(env, name))?)
}

/// A variable of the command line, or else of the environment.
pub(crate) fn variable(env: &Variables, name: &str) -> Option<String> {
    let given = env.variables.iter().find(|(known, _)| known == name);
    given.map(|(_, value)| value.clone()).or_else(|| environment(name))
}

/// What drives stores that are asked over a network.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().map_err(|error| Failure::start("the runtime", error))
}

/// A variable of the environment.
// The command line is the edge where the environment is read.
#[allow(clippy::disallowed_methods)]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
