//! Manual pages and shell completions, made from the command line itself.

use std::io::Write;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::{Failure, written};

/// Prints completions for a shell.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "ratekeeper", &mut script);
    let mut out = std::io::stdout().lock();
    written(out.write_all(&script).and_then(|()| out.flush()))
}

/// Writes a manual page for every command.
pub(crate) fn man(out: &Path) -> Result<(), Failure> {
    let write = |source| Failure::WriteFile { path: out.to_owned(), source };
    std::fs::create_dir_all(out).map_err(write)?;
    clap_mangen::generate_to(Cli::command(), out).map_err(write)
}
