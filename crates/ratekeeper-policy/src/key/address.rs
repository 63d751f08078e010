//! Addresses as keys have them.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use crate::ip::masked;

/// Room for the length in front.
const FRONT: usize = 3;
/// An address has at most 39 bytes, its prefix 4; three digits are copied at once, whatever there is of them.
const ROOM: usize = FRONT + 39 + 4 + 3;

/// `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/64`, with its length in front: `11:203.0.113.7`.
pub(super) struct AddressText {
    bytes: [u8; ROOM],
    start: usize,
    end: usize,
}

impl AddressText {
    /// The network of this size around a canonical address.
    pub(super) fn new(ip: IpAddr, ipv4_prefix: u8, ipv6_prefix: u8) -> Self {
        let mut text = Self { bytes: [0; ROOM], start: FRONT, end: FRONT };
        let (prefix, bits) = match masked(ip, ipv4_prefix, ipv6_prefix) {
            IpAddr::V4(v4) => {
                let [first, rest @ ..] = v4.octets();
                text.number(first);
                for octet in rest {
                    text.byte(b'.');
                    text.number(octet);
                }
                (ipv4_prefix, 32)
            }
            IpAddr::V6(v6) => {
                // Writing to memory does not fail.
                _ = write!(text, "{v6}");
                (ipv6_prefix, 128)
            }
        };
        if prefix < bits {
            text.byte(b'/');
            text.number(prefix);
        }
        let length = u8::try_from(text.end - FRONT).unwrap_or(u8::MAX);
        let (digits, count) = DECIMAL[usize::from(length)];
        text.start = FRONT - 1 - count;
        text.bytes[text.start..FRONT - 1].copy_from_slice(&digits[..count]);
        text.bytes[FRONT - 1] = b':';
        text
    }

    fn byte(&mut self, byte: u8) {
        if let Some(room) = self.bytes.get_mut(self.end) {
            *room = byte;
            self.end += 1;
        }
    }

    fn number(&mut self, number: u8) {
        let (digits, count) = DECIMAL[usize::from(number)];
        if let Some(room) = self.bytes.get_mut(self.end..self.end + digits.len()) {
            room.copy_from_slice(&digits);
            self.end += count;
        }
    }

    /// The address alone.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[FRONT..self.end]
    }

    /// The address with its length.
    pub(super) fn counted(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

impl fmt::Write for AddressText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.byte(byte));
        Ok(())
    }
}

/// Numbers in decimal: the digits, which begin on the left, and how many there are.
pub(super) const DECIMAL: [([u8; 3], usize); 256] = {
    let mut table = [([0; 3], 0); 256];
    let mut number: u8 = 0;
    loop {
        let (hundreds, tens, ones) = (b'0' + number / 100, b'0' + number / 10 % 10, b'0' + number % 10);
        table[number as usize] = match number {
            100.. => ([hundreds, tens, ones], 3),
            10.. => ([tens, ones, 0], 2),
            _ => ([ones, 0, 0], 1),
        };
        if number == u8::MAX {
            break table;
        }
        number += 1;
    }
};
