//! States as the script stores them; it alone writes them.

use ratekeeper_core::{Entries, Entry, Gcra, Holder, MAX_EXACT, State, Stored, Tag, Window};

/// Bytes that are no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoState;

/// Bytes of what every state begins with: tag and two numbers.
const HEAD: usize = 32;

/// Reads a state.
pub(crate) fn read(bytes: &[u8]) -> Result<Stored, NoState> {
    let (low, high) = (number(bytes, 0)?, number(bytes, 1)?);
    let (x, y) = (number(bytes, 2)?, number(bytes, 3)?);
    let state = match bytes.get(HEAD..).ok_or(NoState)? {
        [] => State::Gcra(Gcra { at: x, rest: y }),
        rest if rest.len() == 8 => {
            State::Window(Window { start: x, current: y, previous: number(bytes, 4)? })
        }
        // Instants of admissions are kept, not when they expire: that may be beyond what doubles hold.
        [0, log @ ..] if log.len() % 16 == 0 => entries(log.chunks_exact(16), |at| at.saturating_add(y))?,
        [0, 0, holders @ ..] if holders.len() % 32 == 0 => {
            entries(holders.chunks_exact(32), |expiry| expiry)?
        }
        _ => return Err(NoState),
    };
    Ok(Stored { tag: Tag::from_raw(high << 32 | low), state })
}

fn entries<'b>(all: impl Iterator<Item = &'b [u8]>, expiry: impl Fn(u64) -> u64) -> Result<State, NoState> {
    let entry = |bytes: &[u8]| {
        let holder = bytes.get(16..).and_then(|holder| holder.try_into().ok());
        let holder = holder.map_or(Holder::default(), |holder| Holder::new(u128::from_le_bytes(holder)));
        Ok(Entry { expiry: expiry(number(bytes, 0)?), count: number(bytes, 1)?, holder })
    };
    let all: Result<Vec<Entry>, NoState> = all.map(entry).collect();
    Ok(State::Entries(Box::new(Entries::from_parts(all?))))
}

/// The double at a place, which must be a whole number that doubles hold exactly.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "compared before"
)]
pub(crate) fn number(bytes: &[u8], place: usize) -> Result<u64, NoState> {
    let found = bytes.get(8 * place..).and_then(|rest| rest.first_chunk()).ok_or(NoState)?;
    let found = f64::from_le_bytes(*found);
    let whole = found as u64;
    if whole <= MAX_EXACT && crate::program::exact(whole).to_bits() == found.to_bits() {
        Ok(whole)
    } else {
        Err(NoState)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(numbers: &[f64]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    #[test]
    fn what_is_no_state_is_told_so() {
        let gcra = bytes(&[1.0, 2.0, 3.0, 4.0]);
        let stored = Stored { tag: Tag::from_raw(2 << 32 | 1), state: State::Gcra(Gcra { at: 3, rest: 4 }) };
        assert_eq!(read(&gcra), Ok(stored));
        for length in [0, 1, 31, 33 + 15, 34 + 30, 41] {
            assert!(read(&vec![0; length]).is_err(), "{length}");
        }
        for wrong in [-1.0, 0.5, f64::NAN, f64::INFINITY, 9_007_199_254_740_992.0] {
            assert_eq!(read(&bytes(&[1.0, 2.0, wrong, 4.0])), Err(NoState));
        }
    }

    #[test]
    fn logs_keep_instants() {
        let mut log = bytes(&[0.0, 0.0, 7.0, 1000.0]);
        log.push(0);
        log.extend(bytes(&[5.0, 7.0]));
        let Ok(Stored { state: State::Entries(entries), .. }) = read(&log) else {
            panic!("a log");
        };
        assert_eq!(entries.iter().map(|entry| (entry.expiry, entry.count)).collect::<Vec<_>>(), [(1_005, 7)]);
    }
}
