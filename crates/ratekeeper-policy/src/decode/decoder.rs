//! What decoding needs at hand: the tree, the environment, and a place for errors.

use std::borrow::Cow;

use super::Wrong;
use super::environment::expand;
use crate::error::{MAX_ERRORS, PolicyError, PolicyErrors};
use crate::text::quoted;
use crate::yaml::{Document, Kind, MAX_SOURCE, Node, NodeId, Position};

/// The most bytes that all values together may grow to by expanding `${NAME}`.
const MAX_EXPANDED: usize = MAX_SOURCE;

/// Reads one document and collects its errors.
pub(crate) struct Decoder<'d> {
    document: &'d Document,
    file: &'d str,
    environment: &'d dyn Fn(&str) -> Option<String>,
    expanded: usize,
    errors: Vec<PolicyError>,
    more: usize,
    /// What is allowed and surely not meant.
    warnings: Vec<PolicyError>,
    /// Whether a value that is wrong was left out to look at the others.
    incomplete: bool,
}

impl<'d> Decoder<'d> {
    pub(crate) fn new(
        document: &'d Document,
        file: &'d str,
        environment: &'d dyn Fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            document,
            file,
            environment,
            expanded: 0,
            errors: Vec::new(),
            more: 0,
            warnings: Vec::new(),
            incomplete: false,
        }
    }

    pub(crate) fn node(&self, id: NodeId) -> &'d Node {
        self.document.node(id)
    }

    /// The names in the mapping that this field of the policy is, whatever their values are.
    pub(crate) fn names_in(&self, field: &str) -> Vec<&'d str> {
        let children = |id| match &self.node(id).kind {
            Kind::Map(children) => children.as_slice(),
            Kind::Scalar { .. } | Kind::List(_) => &[],
        };
        let found = children(Document::ROOT).iter().find(|child| self.node(**child).name() == field);
        found
            .map_or(&[][..], |found| children(*found))
            .iter()
            .map(|child| self.node(*child).name())
            .collect()
    }

    /// Notes that a value is left out, so that what was read is no policy even if nobody said why.
    pub(crate) fn leave_out(&mut self) {
        self.incomplete = true;
    }

    /// All errors; if there are none, the warnings.
    pub(crate) fn finish(mut self) -> Result<Vec<PolicyError>, PolicyErrors> {
        if self.incomplete && self.errors.is_empty() {
            self.error(Document::ROOT, "this cannot be read", "");
        }
        if self.errors.is_empty() {
            Ok(self.warnings)
        } else {
            Err(PolicyErrors::new(self.errors, self.more))
        }
    }

    /// Reports an error of a value.
    pub(crate) fn error(&mut self, id: NodeId, message: impl Into<String>, help: impl Into<String>) {
        let field = self.document.path(id);
        self.push(self.node(id).at, field, message.into(), help.into());
    }

    /// Reports an error of the name of a field.
    pub(crate) fn error_in_name(&mut self, id: NodeId, message: impl Into<String>, help: impl Into<String>) {
        let field = self.document.path(id);
        self.push(self.node(id).name_at(), field, message.into(), help.into());
    }

    /// Reports that a text is not what it should be, repeating it as it was written.
    pub(crate) fn wrong(&mut self, id: NodeId, wrong: Wrong) {
        let written = match &self.node(id).kind {
            Kind::Scalar { text, .. } => format!("{}: ", quoted(text)),
            Kind::List(_) | Kind::Map(_) => String::new(),
        };
        self.error(id, format!("{written}{}", wrong.message), wrong.help);
    }

    fn push(&mut self, at: Position, field: String, message: String, help: String) {
        if self.errors.len() >= MAX_ERRORS {
            self.more += 1;
            return;
        }
        self.errors.push(self.told(at, field, message, help));
    }

    /// Warns of a value that is allowed and surely not meant.
    pub(crate) fn warn(&mut self, id: NodeId, message: impl Into<String>, help: impl Into<String>) {
        if self.warnings.len() < MAX_ERRORS {
            let field = self.document.path(id);
            let warning = self.told(self.node(id).at, field, message.into(), help.into());
            self.warnings.push(warning);
        }
    }

    fn told(&self, at: Position, field: String, message: String, help: String) -> PolicyError {
        let file = self.file.to_owned();
        PolicyError { file, line: at.line, column: at.column, field, message, help }
    }

    /// The text of a scalar with `${NAME}` expanded; an error if it is none, or null.
    pub(crate) fn text(&mut self, id: NodeId, expected: &str) -> Option<Cow<'d, str>> {
        let node = self.node(id);
        let text = match &node.kind {
            Kind::Scalar { text, .. } if !node.is_null() => text,
            Kind::Scalar { .. } => {
                self.error(id, "there is no value", format!("write {expected}, or remove the field"));
                return None;
            }
            Kind::List(_) => return self.mismatch(id, "a list", expected),
            Kind::Map(_) => return self.mismatch(id, "a mapping", expected),
        };
        if !text.contains("${") {
            return Some(Cow::Borrowed(text));
        }
        let room = MAX_EXPANDED.saturating_sub(self.expanded);
        match expand(text, self.environment, room) {
            Ok(expanded) => {
                self.expanded += expanded.len();
                Some(Cow::Owned(expanded))
            }
            Err(wrong) => {
                // Without the text: it may hold a secret.
                self.error(id, wrong.message, wrong.help);
                None
            }
        }
    }

    /// Reports that a value is of another kind than expected.
    pub(crate) fn mismatch<T>(&mut self, id: NodeId, found: &str, expected: &str) -> Option<T> {
        self.error(id, format!("{found} stands here"), format!("write {expected}"));
        None
    }
}
