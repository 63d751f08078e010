//! How long memcached is told to keep an item.

use ratekeeper_core::{Micros, Timestamp};
use ratekeeper_store::{Clock, SystemClock};

/// Longer lifetimes than 30 days are told as the second since the epoch in which they end.
const LONGEST_SPAN: u64 = 30 * 24 * 60 * 60;

/// Turns spans into the numbers that memcached takes.
#[derive(Debug, Default)]
pub(crate) struct Lifetimes {
    /// The server's instants are real ones, whatever clock decides.
    wall: SystemClock,
}

impl Lifetimes {
    /// What keeps an item at least for `span`: memcached counts whole seconds, and begins with a part of one.
    pub(crate) fn at_least(&self, span: Micros) -> u32 {
        told(span, self.wall.now())
    }
}

fn told(span: Micros, wall: Timestamp) -> u32 {
    let seconds = span.as_secs_ceil() + 1;
    let number = match seconds <= LONGEST_SPAN {
        true => seconds,
        false => wall.as_micros() / 1_000_000 + seconds,
    };
    // What ends in 2038 or later cannot be told: it is kept until it is evicted.
    i32::try_from(number).ok().and_then(|number| number.try_into().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_are_rounded_up_and_told_as_instants_where_they_are_long() {
        let wall = Timestamp::from_micros(1_800_000_000_999_999);
        let told = |micros| told(Micros::new(micros), wall);
        assert_eq!(told(0), 1, "0 would be for ever");
        assert_eq!(told(1), 2);
        assert_eq!(told(1_000_000), 2);
        assert_eq!(told(1_000_001), 3);
        assert_eq!(told(2_591_999_000_000), 2_592_000);
        assert_eq!(told(2_592_000_000_000), 1_800_000_000 + 2_592_001);
        assert_eq!(told(400_000_000_000_000), 0);
        assert_eq!(told(u64::MAX), 0);
    }
}
