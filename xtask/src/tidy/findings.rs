//! What a rule has to say.

/// One broken rule at one place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: usize,
    message: String,
}

/// All that one rule found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one; `line` counts from 1, and is 1 for what concerns the whole file.
    pub(super) fn add(&mut self, path: &str, line: usize, message: impl Into<String>) {
        self.0.push(Finding { path: path.to_owned(), line, message: message.into() });
    }

    /// In order of path and line, as they are printed.
    pub(super) fn into_lines(mut self, rule: &str) -> Vec<String> {
        self.0.sort();
        self.0
            .into_iter()
            .map(|Finding { path, line, message }| format!("{path}:{line}: {rule}: {message}"))
            .collect()
    }
}

/// The number, from 1, of the line that holds the byte at `offset`.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
