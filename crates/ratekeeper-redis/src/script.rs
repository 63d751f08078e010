//! The script that decides, and how it is called.

use std::sync::LazyLock;

use redis::{Cmd, Script};

use crate::program::Program;

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("kernel.lua")));

/// How a server is told which script to run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    /// By its hash, which servers know that have run it once.
    Hash,
    /// By its text.
    Text,
}

/// Calls the script. `keys` are those of the working copy, with the prefix.
pub(crate) fn call(by: By, prefix: &[u8], keys: &[&[u8]], program: &Program) -> Cmd {
    let bytes = program.keys.len() * (prefix.len() + 64) + program.bytes.len() + 128;
    let mut command = Cmd::with_capacity(4 + program.keys.len(), bytes);
    match by {
        By::Hash => command.arg("EVALSHA").arg(SCRIPT.get_hash()),
        By::Text => command.arg("EVAL").arg(include_str!("kernel.lua")),
    };
    command.arg(program.keys.len());
    let mut prefixed = prefix.to_vec();
    for place in &program.keys {
        prefixed.truncate(prefix.len());
        prefixed.extend_from_slice(keys[*place]);
        command.arg(&prefixed);
    }
    command.arg(&program.bytes);
    command
}
