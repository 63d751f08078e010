//! What is wrong with a policy, where, and what would be right.

use std::fmt;

use crate::text::escaped;
use crate::yaml::{Position, SyntaxError};

/// The most errors that one attempt reports; the rest is counted.
pub(crate) const MAX_ERRORS: usize = 50;

/// One error: where it is, which field it is about, what is wrong and what would be right.
///
/// All texts are safe to print: control characters of the policy are escaped, long values shortened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct PolicyError {
    /// The name of the file as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The field, such as `rules[1].limits[0]`; empty for the file as a whole.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What would be right; may be empty.
    pub help: String,
}

impl fmt::Display for PolicyError {
    /// One line, as compilers print it: `file:line:column: field: message; help`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", escaped(&self.file), self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a policy, in the order of the file; at most 50 errors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PolicyErrors {
    errors: Vec<PolicyError>,
    more: usize,
}

impl PolicyErrors {
    pub(crate) fn new(mut errors: Vec<PolicyError>, more: usize) -> Self {
        errors.sort_by_key(|error| (error.line, error.column));
        Self { errors, more }
    }

    /// The one error of what is no YAML.
    pub(crate) fn of_syntax(file: &str, error: SyntaxError) -> Self {
        let (file, at) = (file.to_owned(), error.at);
        let (field, message, help) = (String::new(), error.message, error.help);
        Self::new(vec![PolicyError { file, line: at.line, column: at.column, field, message, help }], 0)
    }

    /// The one error of a file of which nothing more is known.
    pub(crate) fn unreadable(file: &str) -> Self {
        let at = Position { line: 1, column: 1 };
        let (message, help) = ("this cannot be read".to_owned(), String::new());
        Self::of_syntax(file, SyntaxError { at, message, help })
    }

    /// The errors of several files, in the order of the files.
    pub(crate) fn join(files: Vec<Self>) -> Self {
        let mut joined = Self { errors: Vec::new(), more: 0 };
        for file in files {
            joined.errors.extend(file.errors);
            joined.more += file.more;
        }
        joined.more += joined.errors.len().saturating_sub(MAX_ERRORS);
        joined.errors.truncate(MAX_ERRORS);
        joined
    }

    /// The errors, ordered by line and column.
    #[must_use]
    pub fn errors(&self) -> &[PolicyError] {
        &self.errors
    }

    /// How many more there are than [`errors`](Self::errors) holds.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl<'a> IntoIterator for &'a PolicyErrors {
    type Item = &'a PolicyError;
    type IntoIter = std::slice::Iter<'a, PolicyError>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.iter()
    }
}
