//! The script that decides, and how it is called.

use std::sync::LazyLock;

use redis::{Cmd, Script};

use crate::program::Program;

/// One script in several files; each goes on where the one before ends.
const TEXT: &str = concat!(
    include_str!("kernel/runs.lua"),
    include_str!("kernel/states.lua"),
    include_str!("kernel/gcra.lua"),
    include_str!("kernel/windows.lua"),
    include_str!("kernel/entries.lua"),
    include_str!("kernel/units.lua"),
);

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(TEXT));

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
        By::Text => command.arg("EVAL").arg(TEXT),
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
