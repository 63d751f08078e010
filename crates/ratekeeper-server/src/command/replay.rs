//! `ratekeeper replay`: who would have been refused, when, by which rule?

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{load_policy, standard_input_once};
use crate::cli::{OutputFormat, ReplayArguments};
use crate::failure::{Failure, name, written};
use crate::replay::{Decisions, Progress, Replay, Side, print_json, print_text};

/// Replays the logs, and prints the summary also when a log broke off.
pub(crate) fn run(arguments: &ReplayArguments) -> Result<(), Failure> {
    let policies = std::iter::once(&arguments.policy).chain(&arguments.compare);
    standard_input_once(policies.clone().chain(&arguments.logs))?;
    let side = |path: &PathBuf| -> Result<Side, Failure> {
        Ok(Side::new(name(path), load_policy(path, &arguments.env)?)?)
    };
    let first = side(&arguments.policy)?;
    let second = arguments.compare.as_ref().map(side).transpose()?;
    // Better now than after the hour that the logs before it take.
    arguments.logs.iter().try_for_each(|log| readable(log))?;
    let decisions = match &arguments.decisions {
        Some(path) => {
            spares(path, policies.chain(&arguments.logs))?;
            Some(Decisions::create(path)?)
        }
        None => None,
    };
    let mut replay = Replay::new(first, second, decisions, Progress::new(arguments.quiet));
    let result = replay.run(&arguments.logs);
    if result.is_err() && replay.tally.lines == 0 {
        return result;
    }
    let printed = written(match arguments.format {
        OutputFormat::Text => print_text(&replay, arguments.top),
        OutputFormat::Json => print_json(&replay, arguments.top),
    });
    result.and(printed)
}

/// Whether a log can be opened. What is no regular file can perhaps be opened only once, and is not touched.
fn readable(log: &Path) -> Result<(), Failure> {
    let read = |source: io::Error| Failure::Read { path: log.to_owned(), source };
    if log == Path::new("-") {
        return Ok(());
    }
    let metadata = log.metadata().map_err(read)?;
    if metadata.is_dir() {
        return Err(read(ErrorKind::IsADirectory.into()));
    }
    if metadata.is_file() {
        File::open(log).map_err(read)?;
    }
    Ok(())
}

/// Whether writing to `path` leaves all that is read as it is.
fn spares<'a>(path: &Path, inputs: impl Iterator<Item = &'a PathBuf>) -> Result<(), Failure> {
    let Ok(output) = path.metadata() else {
        return Ok(());
    };
    for input in inputs {
        let input = if input == Path::new("-") {
            Path::new("/dev/stdin")
        } else {
            input
        };
        let read = input.metadata();
        if read.is_ok_and(|read| read.is_file() && same_file((path, &output), (input, &read))) {
            return Err(Failure::Overwrites(path.to_owned()));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn same_file(a: (&Path, &Metadata), b: (&Path, &Metadata)) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.1.dev(), a.1.ino()) == (b.1.dev(), b.1.ino())
}

#[cfg(not(unix))]
fn same_file(a: (&Path, &Metadata), b: (&Path, &Metadata)) -> bool {
    matches!((a.0.canonicalize(), b.0.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
