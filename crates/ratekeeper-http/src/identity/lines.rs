//! The hops of a header from right to left, over all of its lines, within bounds.

use crate::{Headers, Lines};

/// The most bytes of a header that are looked at.
const MAX_BYTES: usize = 8 << 10;
/// The most hops that are looked at.
const MAX_HOPS: usize = 32;
/// The most lines that are looked at; each has a hop at least.
const MAX_LINES: usize = MAX_HOPS + 1;

/// Hops from right to left. What lies beyond the bounds, on the left, is never looked at.
pub(super) struct Hops<'a> {
    /// Lines that are still to be read, the next one last.
    lines: Lines<'a>,
    /// Whether commas may stand in quotes.
    quoted: bool,
    bytes: usize,
    hops: usize,
    cut: bool,
}

impl<'a> Hops<'a> {
    pub(super) fn new<H: Headers + ?Sized>(headers: &'a H, name: &str, quoted: bool) -> Self {
        let mut lines = headers.lines(name);
        lines.drain(..lines.len().saturating_sub(MAX_LINES));
        Self { lines, quoted, bytes: 0, hops: 0, cut: false }
    }

    /// Whether hops were left unread for being too many or too long.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Where the last hop of a line begins.
    fn last_start(&self, line: &[u8]) -> usize {
        if self.quoted {
            return last_outside_quotes(line);
        }
        line.iter().rposition(|byte| *byte == b',').map_or(0, |comma| comma + 1)
    }
}

impl<'a> Iterator for Hops<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.lines.pop()?;
        let budget = MAX_BYTES.saturating_sub(self.bytes);
        if self.hops == MAX_HOPS || (self.quoted && line.len() > budget) {
            self.cut = true;
            return None;
        }
        // Only the end of a long line is read, so that a hostile left side costs nothing.
        let seen = &line[line.len().saturating_sub(budget)..];
        let start = self.last_start(seen);
        let hop = &seen[start..];
        if start == 0 && seen.len() < line.len() {
            self.cut = true;
            return None;
        }
        self.bytes += hop.len() + 1;
        self.hops += 1;
        if start > 0 {
            self.lines.push(&line[..line.len() - hop.len() - 1]);
        }
        Some(hop.trim_ascii())
    }
}

/// Where the element after the last comma outside of quotes begins.
fn last_outside_quotes(line: &[u8]) -> usize {
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (index, byte) in line.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => start = index + 1,
            _ => {}
        }
    }
    start
}
