//! Numbers as the protocol has them.

/// The number that `text` is, in the one form that Redis takes: digits without a leading zero, after a minus if it is
/// negative.
pub(crate) fn number(text: &[u8]) -> Option<i64> {
    let (digits, sign) = match text {
        [b'0'] => return Some(0),
        [b'-', digits @ ..] => (digits, -1),
        digits => (digits, 1),
    };
    if !matches!(digits, [b'1'..=b'9', ..]) {
        return None;
    }
    digits.iter().try_fold(0_i64, |number, digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(sign * i64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_plain_form_is_a_number() {
        for (text, expected) in [
            ("0", 0),
            ("7", 7),
            ("-1", -1),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(number(text.as_bytes()), Some(expected), "{text}");
        }
        for text in [
            "",
            "-",
            "-0",
            "+1",
            "01",
            " 1",
            "1 ",
            "1x",
            "9223372036854775808",
            "0x1",
            "1\r",
            "é",
        ] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }
}
