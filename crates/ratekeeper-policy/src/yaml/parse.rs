//! From events of the YAML parser to the tree, within fixed bounds.

use std::collections::HashSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::node::{Document, Kind, Node, NodeId, Position, Step};
use super::{MAX_DEPTH, MAX_NODES, MAX_SOURCE};
use crate::text::{escaped, quoted};

/// Why a source is not even a tree of values.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    pub(crate) at: Position,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl SyntaxError {
    fn new(at: Position, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: help.into() }
    }
}

/// How errors call what is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wording {
    /// What it is.
    pub(crate) noun: &'static str,
    /// What stands in it at the least.
    pub(crate) least: &'static str,
}

/// Reads the one document of `source`.
pub(crate) fn parse(source: &str, wording: Wording) -> Result<Document, SyntaxError> {
    let Wording { noun, least } = wording;
    let start = Position { line: 1, column: 1 };
    if source.len() > MAX_SOURCE {
        let message = format!("the source has {} bytes", source.len());
        return Err(SyntaxError::new(start, message, format!("a {noun} has at most {MAX_SOURCE} bytes")));
    }
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    refuse_control_characters(source)?;
    let mut builder = Builder { nodes: Vec::new(), open: Vec::new(), documents: 0, noun };
    let mut parser = Parser::new_from_str(source);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let at = position(*error.marker());
            if error.info().contains("recursion limit") {
                return too_deep(at, noun);
            }
            let info: String = error.info().chars().take(200).collect();
            SyntaxError::new(at, escaped(&info), syntax_help(error.info(), source, at))
        })?;
        builder.event(event, position(span.start))?;
    }
    if builder.nodes.is_empty() {
        return Err(SyntaxError::new(
            start,
            format!("the {noun} is empty"),
            format!("a {noun} has at least {least}"),
        ));
    }
    Ok(Document { nodes: builder.nodes })
}

/// `source` as text.
pub(crate) fn utf8(source: &[u8], wording: Wording) -> Result<&str, SyntaxError> {
    std::str::from_utf8(source).map_err(|error| {
        let before = String::from_utf8_lossy(&source[..error.valid_up_to()]);
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.chars().rev().take_while(|c| *c != '\n').count();
        let byte = source.get(error.valid_up_to()).copied().unwrap_or(0);
        let message = format!("the byte 0x{byte:02x} is no UTF-8");
        SyntaxError::new(Position { line, column }, message, format!("save the {} as UTF-8", wording.noun))
    })
}

fn position(marker: Marker) -> Position {
    Position { line: marker.line().max(1), column: marker.col() + 1 }
}

fn refuse_control_characters(source: &str) -> Result<(), SyntaxError> {
    let mut at = Position { line: 1, column: 1 };
    for character in source.chars() {
        match character {
            '\n' => at = Position { line: at.line + 1, column: 0 },
            '\t' | '\r' => {}
            '\u{fffe}' | '\u{ffff}' | '\u{feff}' => {
                return Err(SyntaxError::new(at, "a character that YAML forbids", "remove it"));
            }
            _ if character.is_control() && character != '\u{85}' => {
                let message = format!("control character U+{:04X}", u32::from(character));
                return Err(SyntaxError::new(at, message, "remove it, or write it as \"\\x..\" in quotes"));
            }
            _ => {}
        }
        at.column += 1;
    }
    Ok(())
}

fn too_deep(at: Position, noun: &str) -> SyntaxError {
    let message = format!("lists and mappings nest deeper than {MAX_DEPTH}");
    SyntaxError::new(at, message, format!("no {noun} needs that"))
}

/// What would be right, by what the parser says. Most syntax errors in policies are patterns or commas that YAML takes
/// for its own.
fn syntax_help(info: &str, source: &str, at: Position) -> &'static str {
    let line = source.lines().nth(at.line - 1);
    let says = |parts: &[&str]| parts.iter().any(|part| info.contains(part));
    if says(&["tabs"]) || line.is_some_and(|line| line.trim_start_matches(' ').starts_with('\t')) {
        "indent with spaces, not with tabs"
    } else if says(&["unknown escape", "escape sequence"]) {
        "in \"…\" a backslash begins an escape: write two, or use '…'"
    } else if says(&["trailing content after"]) {
        "the text in quotes ends before this; in '…' write '' for a quote, in \"…\" write \\\" for one"
    } else if says(&["quoted scalar"]) {
        "close the quote that begins here"
    } else if says(&["block scalar"]) {
        "put text that begins with | or > in quotes"
    } else if line.is_none() && says(&["flow", "parsing a node"]) {
        "the end is reached: close every [ and {"
    } else if line.is_some_and(|line| line.contains(['{', '[', ']', '}', '*', '&', '%', '@', '`', ':'])) {
        "put text that has any of { } [ ] , : * & % @ in quotes"
    } else {
        ""
    }
}

/// A list or mapping that is not yet closed.
struct Open {
    id: NodeId,
    children: Vec<NodeId>,
    mapping: bool,
    key: Option<(String, Position)>,
    names: HashSet<String>,
}

struct Builder {
    nodes: Vec<Node>,
    open: Vec<Open>,
    documents: usize,
    noun: &'static str,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, at: Position) -> Result<(), SyntaxError> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let help = format!("a {} is one YAML document: remove the `---`", self.noun);
                    return Err(SyntaxError::new(at, "a second document begins", help));
                }
            }
            Event::Alias(_) => {
                let help = "write the value out, or quote text that begins with *";
                return Err(SyntaxError::new(at, "aliases (*name) are not supported", help));
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_decorations(at, anchor, tag.is_some())?;
                if self.takes_key() {
                    return self.key(text.into_owned(), at);
                }
                let quoted = style != ScalarStyle::Plain;
                self.value(at, Kind::Scalar { text: text.into_owned(), quoted })?;
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_decorations(at, anchor, tag.is_some())?;
                self.start(at, false)?;
            }
            Event::MappingStart(anchor, tag) => {
                refuse_decorations(at, anchor, tag.is_some())?;
                self.start(at, true)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Nothing => {}
        }
        Ok(())
    }

    fn takes_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.mapping && open.key.is_none())
    }

    fn key(&mut self, name: String, at: Position) -> Result<(), SyntaxError> {
        if name == "<<" {
            let help = "write the fields out";
            return Err(SyntaxError::new(at, "merge keys (<<) are not supported", help));
        }
        if let Some(open) = self.open.last_mut() {
            if !open.names.insert(name.clone()) {
                let message = format!("{} is given twice in one mapping", quoted(&name));
                return Err(SyntaxError::new(at, message, "remove one of them"));
            }
            open.key = Some((name, at));
        }
        Ok(())
    }

    fn value(&mut self, at: Position, kind: Kind) -> Result<NodeId, SyntaxError> {
        if self.nodes.len() >= MAX_NODES {
            let message = format!("more than {MAX_NODES} values");
            return Err(SyntaxError::new(at, message, format!("split the {}", self.noun)));
        }
        let id = NodeId(self.nodes.len());
        let (parent, step) = match self.open.last_mut() {
            None => (Document::ROOT, Step::Root),
            Some(open) => {
                let step = match open.key.take() {
                    Some((name, at)) => Step::Field { name, at },
                    None => Step::Item(open.children.len()),
                };
                open.children.push(id);
                (open.id, step)
            }
        };
        self.nodes.push(Node { parent, step, at, kind });
        Ok(id)
    }

    fn start(&mut self, at: Position, mapping: bool) -> Result<(), SyntaxError> {
        if self.takes_key() {
            let help = "the name of a field is plain text; put a value that begins with { or [ in quotes";
            return Err(SyntaxError::new(at, "a list or mapping stands where a name must be", help));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(at, self.noun));
        }
        let kind = if mapping {
            Kind::Map(Vec::new())
        } else {
            Kind::List(Vec::new())
        };
        let id = self.value(at, kind)?;
        self.open
            .push(Open { id, children: Vec::new(), mapping, key: None, names: HashSet::new() });
        Ok(())
    }

    fn end(&mut self) {
        if let Some(open) = self.open.pop() {
            self.nodes[open.id.0].kind = if open.mapping {
                Kind::Map(open.children)
            } else {
                Kind::List(open.children)
            };
        }
    }
}

fn refuse_decorations(at: Position, anchor: usize, tagged: bool) -> Result<(), SyntaxError> {
    if anchor > 0 {
        let help = "write the value out, or quote text that begins with &";
        return Err(SyntaxError::new(at, "anchors (&name) are not supported", help));
    }
    if tagged {
        let help = "remove it, or quote text that begins with !";
        return Err(SyntaxError::new(at, "tags (!name) are not supported", help));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::POLICY;

    fn error(source: &str) -> (usize, usize, String) {
        let error = parse(source, POLICY).unwrap_err();
        (error.at.line, error.at.column, error.message)
    }

    #[test]
    fn values_know_where_they_stand_and_what_they_are_called() {
        let document = parse("\u{feff}a:\n  - x\n  - {\"b c\": null}\n", POLICY).unwrap();
        let paths: Vec<String> = (0..document.nodes.len()).map(|id| document.path(NodeId(id))).collect();
        assert_eq!(paths, ["", "a", "a[0]", "a[1]", "a[1][\"b c\"]"]);
        assert_eq!(document.nodes[2].at, Position { line: 2, column: 5 });
        assert!(document.nodes[4].is_null());
    }

    #[test]
    fn what_would_grow_or_surprise_is_refused() {
        assert_eq!(error("a: &x 1"), (1, 4, "anchors (&name) are not supported".into()));
        assert_eq!(error("a: 1\n<<: 2"), (2, 1, "merge keys (<<) are not supported".into()));
        assert_eq!(error("a: 1\na: 2"), (2, 1, "\"a\" is given twice in one mapping".into()));
        assert_eq!(error("a: 1\n---\nb: 1"), (2, 1, "a second document begins".into()));
        assert_eq!(error("a: !!str 1").2, "tags (!name) are not supported");
        assert_eq!(error("a: \u{1b}"), (1, 4, "control character U+001B".into()));
        assert_eq!(error("").2, "the policy is empty");
        assert_eq!(error("# only words\n").2, "the policy is empty");
        assert!(error(&"- ".repeat(10_000)).2.contains("nest deeper"));
    }
}
