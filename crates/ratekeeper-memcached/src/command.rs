//! The meta commands that the store sends.

use crate::item::Name;

/// Reads a value, with its compare-and-swap number.
pub(crate) fn get(name: &Name) -> Vec<u8> {
    Line::new("mg ", name).flags(" v c").end()
}

/// Writes a value over the one with the number `cas`, or where there is none yet.
pub(crate) fn set(name: &Name, value: &[u8], ttl: u32, cas: Option<u64>) -> Vec<u8> {
    let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
    let line = Line::with_length("ms ", name, length).number(" T", ttl.into());
    let mut command = match cas {
        Some(cas) => line.number(" C", cas),
        None => line.flags(" ME"),
    }
    .end();
    command.extend_from_slice(value);
    command.extend_from_slice(b"\r\n");
    command
}

/// Deletes the value with the number `cas`.
pub(crate) fn delete(name: &Name, cas: u64) -> Vec<u8> {
    Line::new("md ", name).number(" C", cas).end()
}

/// Adds to a number, which begins at 0 and lives so many seconds, and reads it.
pub(crate) fn add(name: &Name, number: u64, ttl: u32) -> Vec<u8> {
    let line = Line::new("ma ", name).number(" N", ttl.into());
    line.number(" J", number).number(" D", number).flags(" v").end()
}

/// Takes away from a number, down to 0.
pub(crate) fn take_away(name: &Name, number: u64) -> Vec<u8> {
    Line::new("ma ", name).flags(" MD").number(" D", number).end()
}

/// A command as it grows.
struct Line(Vec<u8>);

impl Line {
    fn new(verb: &str, name: &Name) -> Self {
        Self::start(verb, name).encoding(name)
    }

    fn with_length(verb: &str, name: &Name, length: u64) -> Self {
        Self::start(verb, name).number(" ", length).encoding(name)
    }

    fn start(verb: &str, name: &Name) -> Self {
        let mut line = Vec::with_capacity(name.text.len() + 64);
        line.extend_from_slice(verb.as_bytes());
        line.extend_from_slice(&name.text);
        Self(line)
    }

    fn encoding(self, name: &Name) -> Self {
        if name.encoded { self.flags(" b") } else { self }
    }

    fn flags(mut self, flags: &str) -> Self {
        self.0.extend_from_slice(flags.as_bytes());
        self
    }

    fn number(self, flag: &str, number: u64) -> Self {
        self.flags(flag).flags(itoa::Buffer::new().format(number))
    }

    fn end(self) -> Vec<u8> {
        self.flags("\r\n").0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written_as_the_protocol_has_them() {
        let plain = Name { text: b"key".to_vec(), encoded: false };
        let encoded = Name { text: b"a2V5".to_vec(), encoded: true };
        let cases: [(Vec<u8>, &str); 8] = [
            (get(&plain), "mg key v c\r\n"),
            (get(&encoded), "mg a2V5 b v c\r\n"),
            (set(&plain, b"abc", 60, Some(7)), "ms key 3 T60 C7\r\nabc\r\n"),
            (set(&encoded, b"", 60, None), "ms a2V5 0 b T60 ME\r\n\r\n"),
            (delete(&plain, 7), "md key C7\r\n"),
            (add(&plain, 5, 60), "ma key N60 J5 D5 v\r\n"),
            (
                add(&encoded, u64::MAX, 0),
                "ma a2V5 b N0 J18446744073709551615 D18446744073709551615 v\r\n",
            ),
            (take_away(&plain, 5), "ma key MD D5\r\n"),
        ];
        for (command, expected) in cases {
            assert_eq!(String::from_utf8(command).unwrap(), expected);
        }
    }
}
