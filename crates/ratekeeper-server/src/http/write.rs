//! JSON, written straight into the bytes of an answer.

/// Writes names and values one after the other; whoever calls it keeps the grammar.
#[derive(Debug)]
pub(super) struct JsonWriter<'o>(pub(super) &'o mut Vec<u8>);

impl JsonWriter<'_> {
    /// Punctuation, names, literals: as they are.
    pub(super) fn raw(&mut self, json: &str) -> &mut Self {
        self.0.extend_from_slice(json.as_bytes());
        self
    }

    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.raw(itoa::Buffer::new().format(number))
    }

    pub(super) fn number_or_null(&mut self, number: Option<u64>) -> &mut Self {
        match number {
            Some(number) => self.number(number),
            None => self.raw("null"),
        }
    }

    pub(super) fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(if value { "true" } else { "false" })
    }

    /// A word of ours in quotes: nothing in it needs an escape.
    pub(super) fn word(&mut self, word: &str) -> &mut Self {
        self.raw("\"").raw(word).raw("\"")
    }

    pub(super) fn word_or_null(&mut self, word: Option<&str>) -> &mut Self {
        match word {
            Some(word) => self.word(word),
            None => self.raw("null"),
        }
    }

    /// Any string, in quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.0.push(b'"');
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => self.0.extend([b'\\', byte]),
                0..b' ' => {
                    let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                    self.0.extend([b'\\', b'u', b'0', b'0', high, low]);
                }
                _ => self.0.push(byte),
            }
        }
        self.0.push(b'"');
        self
    }

    /// A list, each item of which writes itself.
    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.raw("[");
        for (place, item) in items.into_iter().enumerate() {
            if place > 0 {
                self.raw(",");
            }
            write(self, item);
        }
        self.raw("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_json() {
        for text in ["", "plain", "a\"b\\c", "\u{0}\n\u{1f}\u{7f}\u{2028}\u{e9}"] {
            let mut out = Vec::new();
            JsonWriter(&mut out).raw("{\"text\":").text(text).raw(",\"list\":").list(
                [1, u64::MAX],
                |json, item| {
                    json.number(item);
                },
            );
            JsonWriter(&mut out)
                .raw(",\"none\":")
                .number_or_null(None)
                .raw(",\"true\":")
                .bool(true)
                .raw("}");
            let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
            let expected =
                serde_json::json!({ "text": text, "list": [1, u64::MAX], "none": null, "true": true });
            assert_eq!(read, expected);
        }
    }
}
