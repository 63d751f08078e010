//! One JSON line for each request and limit.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ratekeeper_core::{Micros, Timestamp};
use ratekeeper_engine::Outcome;
use ratekeeper_policy::Attributes;
use serde::Serialize;

use crate::failure::Failure;
use crate::safe_json;

/// A line of the file, in the order of its fields.
#[derive(Serialize)]
struct Line<'a> {
    /// The name of the log, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<&'a str>,
    line: u64,
    time_us: u64,
    rule: &'a str,
    limit: usize,
    key: &'a [String],
    allowed: bool,
    remaining: u64,
    retry_after_us: Option<u64>,
    reset_after_us: u64,
    delay_us: Option<u64>,
}

/// The file that decisions are written to.
#[derive(Debug)]
pub(crate) struct Decisions {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Decisions {
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let file =
            File::create(path).map_err(|source| Failure::WriteFile { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file: BufWriter::with_capacity(1 << 16, file) })
    }

    /// Writes a line for every limit of an outcome, in the order of rules and limits.
    pub(crate) fn write(
        &mut self,
        log: Option<&str>,
        line: u64,
        time: Timestamp,
        outcome: &Outcome,
        attributes: &Attributes<'_>,
    ) -> Result<(), Failure> {
        let mut key: Option<(usize, Vec<String>)> = None;
        for limit in &outcome.limits {
            let Some(verdict) = &limit.verdict else { continue };
            let rule = outcome.rule(limit);
            if key.as_ref().is_none_or(|(known, _)| *known != limit.rule) {
                key = Some((limit.rule, rule.subject(attributes)));
            }
            let line = Line {
                log,
                line,
                time_us: time.as_micros(),
                rule: rule.name(),
                limit: limit.ordinal,
                key: key.as_ref().map_or(&[], |(_, key)| key),
                allowed: verdict.allowed,
                remaining: verdict.remaining,
                retry_after_us: verdict.retry_after.map(Micros::get),
                reset_after_us: verdict.reset_after.get(),
                delay_us: verdict.delay.map(Micros::get),
            };
            safe_json::write_line(&mut self.file, &line).map_err(|error| self.failure(error))?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|e| self.failure(e))
    }

    fn failure(&self, source: io::Error) -> Failure {
        Failure::WriteFile { path: self.path.clone(), source }
    }
}
