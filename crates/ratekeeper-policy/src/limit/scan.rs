//! Reading a text from left to right.

use super::LimitSyntaxError;
use crate::text::shown;

/// What is left of a text.
#[derive(Clone, Debug)]
pub(crate) struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text.trim() }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(crate) fn is_done(&self) -> bool {
        self.rest.trim_start().is_empty()
    }

    pub(crate) fn spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Whether a number comes next, be it a wrong one.
    pub(crate) fn at_number(&mut self) -> bool {
        self.spaces();
        let text = self.rest.strip_prefix(['-', '+', '.']).unwrap_or(self.rest);
        text.starts_with(|c: char| c.is_ascii_digit())
    }

    /// Takes `symbol` if it comes next.
    pub(crate) fn symbol(&mut self, symbol: char) -> bool {
        self.spaces();
        match self.rest.strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes a whole number: `1000`, `1_000`.
    pub(crate) fn number(&mut self) -> Result<u64, LimitSyntaxError> {
        self.spaces();
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, '_' | '.' | ',' | '-' | '+');
        let length = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        // A comma that ends the number is punctuation.
        let length = self.rest[..length].trim_end_matches(',').len();
        let help =
            "write a whole number, such as 100 or 1_000; for a fraction use a longer time, such as 3 per 2s";
        whole_number(self.take(length), help)
    }

    /// Takes the letters that come next, perhaps none.
    pub(crate) fn letters(&mut self) -> &'a str {
        self.spaces();
        self.take(self.rest.find(|c: char| !c.is_alphabetic()).unwrap_or(self.rest.len()))
    }

    /// Takes what comes up to a space, comma, colon, parenthesis or equals sign.
    pub(crate) fn word(&mut self) -> &'a str {
        self.spaces();
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '(' | ')' | '=');
        self.take(self.rest.find(ends).unwrap_or(self.rest.len()))
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

/// Reads a whole number: `1000`, `1_000`.
pub(crate) fn parse_number(text: &str) -> Result<u64, LimitSyntaxError> {
    whole_number(text, "write a whole number, such as 100 or 1_000")
}

/// `help` is what to write in place of a fraction.
fn whole_number(text: &str, help: &str) -> Result<u64, LimitSyntaxError> {
    let error = |message: &str, help: &str| Err(LimitSyntaxError::new(message, help));
    if text.starts_with('-') {
        return error("numbers cannot be negative", "write a whole number from 1 on");
    }
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    if digits.contains(',') {
        return error(&format!("{} has a comma", shown(text)), "write 1_000 for a thousand");
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return error(&format!("{} is no whole number", shown(text)), help);
    }
    digits
        .parse()
        .or_else(|_| error(&format!("{} is too large", shown(text)), "numbers have at most 64 bits"))
}
