//! The loop: line by line through the logs, with their own time as the clock.

use std::path::{Path, PathBuf};

use ratekeeper_accesslog::{Format, LogReader, Record};

use super::attributes::with_attributes;
use super::{Decisions, Difference, LogTally, Progress, Side};
use crate::failure::Failure;

/// A replay on its way.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(crate) logs: Vec<String>,
    pub(crate) tally: LogTally,
    pub(crate) first: Side,
    pub(crate) second: Option<Side>,
    pub(crate) difference: Difference,
    decisions: Option<Decisions>,
    progress: Progress,
}

impl Replay {
    pub(crate) fn new(
        first: Side,
        second: Option<Side>,
        decisions: Option<Decisions>,
        progress: Progress,
    ) -> Self {
        let (tally, difference) = (LogTally::default(), Difference::default());
        Self { logs: Vec::new(), tally, first, second, difference, decisions, progress }
    }

    /// Replays the logs in their order. A log that breaks off ends the replay, after everything before was decided.
    pub(crate) fn run(&mut self, logs: &[PathBuf]) -> Result<(), Failure> {
        self.logs = logs.iter().map(|log| log.display().to_string()).collect();
        let mut result = Ok(());
        for (index, log) in logs.iter().enumerate() {
            result = self.replay_log(index, log);
            if result.is_err() {
                break;
            }
        }
        self.progress.finish();
        self.decisions.take().map_or(Ok(()), Decisions::finish).and(result)
    }

    fn replay_log(&mut self, index: usize, log: &Path) -> Result<(), Failure> {
        let failure = |source| Failure::Log { log: log.to_owned(), source };
        let mut reader = LogReader::open(log).map_err(failure)?;
        self.progress.start(&self.logs[index], &reader);
        let mut lines = 0;
        while let Some(line) = reader.next_line().map_err(failure)? {
            let number = line.number;
            lines += 1;
            self.tally.lines += 1;
            match line.parse(Format::Auto) {
                Ok(record) => self.replay_record(index, number, &record)?,
                Err(error) if error.is_blank() => self.tally.blank += 1,
                Err(error) => self.tally.unparsed(index, number, &error),
            }
            self.progress.line(lines, &reader);
        }
        Ok(())
    }

    fn replay_record(&mut self, log: usize, line: u64, record: &Record<'_>) -> Result<(), Failure> {
        self.tally.request(record.time);
        let (time, cost) = (record.time, record.cost.unwrap_or(1));
        with_attributes(record, |attributes| {
            let first = self.first.decide(attributes, cost, time);
            let second = self.second.as_mut().and_then(|side| side.decide(attributes, cost, time));
            if let (Some(first), Some(second)) = (&first, &second) {
                self.difference.add((log, line, time), attributes, first, second);
            }
            if let (Some(decisions), Some(outcome)) = (&mut self.decisions, &first) {
                let name = (self.logs.len() > 1).then(|| self.logs[log].as_str());
                decisions.write(name, line, time, outcome, attributes)?;
            }
            Ok(())
        })
    }
}
