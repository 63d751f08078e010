//! Numbers out of fuzzed bytes.

/// The bytes that have not been used yet. At the end everything is zero.
#[derive(Debug)]
pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The next byte, if there is one.
    pub(crate) fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next byte, or zero.
    pub(crate) fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    /// A number of any size, where small ones and those about a power of two are as likely as all others: a
    /// first byte says which of the four kinds it is.
    pub(crate) fn number(&mut self) -> u64 {
        match self.byte() % 4 {
            0 => u64::from(self.byte()),
            1 => u64::from(u16::from_be_bytes([self.byte(), self.byte()])),
            2 => {
                let (exponent, offset) = (self.byte() % 64, self.byte() % 3);
                (1_u64 << exponent).wrapping_add(u64::from(offset)).wrapping_sub(1)
            }
            _ => u64::from_be_bytes(std::array::from_fn(|_| self.byte())),
        }
    }

    /// A number of microseconds: a first byte says of which unit.
    pub(crate) fn span(&mut self) -> u64 {
        const UNITS: [u64; 6] = [1, 1_000, 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000];
        let unit = UNITS[usize::from(self.byte()) % UNITS.len()];
        self.number().saturating_mul(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_kind() {
        assert_eq!(Bytes::new(&[0, 7]).number(), 7);
        assert_eq!(Bytes::new(&[1, 1, 2]).number(), 258);
        assert_eq!(Bytes::new(&[2, 48, 2]).number(), (1 << 48) + 1);
        assert_eq!(Bytes::new(&[2, 0, 0]).number(), 0);
        assert_eq!(Bytes::new(&[3, 255, 255, 255, 255, 255, 255, 255, 255]).number(), u64::MAX);
        assert_eq!(Bytes::new(&[]).number(), 0);
    }

    #[test]
    fn spans_saturate() {
        assert_eq!(Bytes::new(&[2, 0, 3]).span(), 3_000_000);
        assert_eq!(Bytes::new(&[5, 2, 63, 1]).span(), u64::MAX);
    }
}
