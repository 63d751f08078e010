//! Values of fields while they are written.

use std::fmt;

/// So much is written without an allocation: more than one limit, or two, need.
const SHORT: usize = 128;

/// One value.
pub(super) struct Line {
    short: [u8; SHORT],
    length: usize,
    /// All of a longer one.
    long: Vec<u8>,
}

impl Line {
    pub(super) fn new() -> Self {
        Self { short: [0; SHORT], length: 0, long: Vec::new() }
    }

    pub(super) fn push(&mut self, text: &str) {
        let text = text.as_bytes();
        let end = self.length + text.len();
        if let Some(room) = self.short.get_mut(self.length..end) {
            room.copy_from_slice(text);
        } else {
            if self.long.is_empty() {
                self.long.extend_from_slice(&self.short[..self.length]);
            }
            self.long.extend_from_slice(text);
        }
        self.length = end;
    }

    pub(super) fn push_number(&mut self, number: u64) {
        self.push(itoa::Buffer::new().format(number));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.short.get(..self.length).unwrap_or(&self.long)
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_any_length_is_what_was_pushed() {
        for piece in [1, 3, 64, 127, 128, 129] {
            let (mut line, mut whole) = (Line::new(), String::new());
            for number in 0..200 {
                let text = "x".repeat(piece - 1) + &(number % 10).to_string();
                line.push(&text);
                whole.push_str(&text);
                assert_eq!(line.bytes(), whole.as_bytes());
            }
        }
    }
}
