//! States as bytes, for stores that keep bytes.
//!
//! Numbers are 64 bits in little-endian order. A stored state is its tag, then one byte that says what follows:
//!
//! | byte | state | numbers |
//! |---|---|---|
//! | 0 | GCRA | X in whole microseconds, the ticks beyond |
//! | 1 | windows | start, current, previous |
//! | 2 | holders | how many; of each the expiry, the count, and 16 bytes of the holder |
//! | 3 | log | how many; of each the expiry and the count |

use ratekeeper_core::{Algorithm, Entries, Entry, Gcra, Holder, Limit, State, Stored, Tag, Window};

/// Bytes that are no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no state of a counter, or one of another version")]
pub struct NoState;

const GCRA: u8 = 0;
const WINDOW: u8 = 1;
const HOLDERS: u8 = 2;
const LOG: u8 = 3;

const TAG_BYTES: u64 = 8;
/// Bytes of an entry of a list of holders, and of a log.
const HOLDER_BYTES: usize = 32;
const ADMISSION_BYTES: usize = 16;

/// Appends a state with its tag.
pub fn write(stored: &Stored, out: &mut Vec<u8>) {
    out.extend(stored.tag.get().to_le_bytes());
    write_state(&stored.state, out);
}

/// Reads what [`write()`] wrote, and nothing after it.
///
/// # Errors
/// If the bytes are not exactly that.
pub fn read(mut bytes: &[u8]) -> Result<Stored, NoState> {
    let stored = Stored { tag: Tag::from_raw(number(&mut bytes)?), state: read_state(&mut bytes)? };
    if bytes.is_empty() {
        Ok(stored)
    } else {
        Err(NoState)
    }
}

/// The most bytes that a state under `limit` may come to.
#[must_use]
pub fn most_bytes(limit: &Limit) -> u64 {
    let numbers = |count: u64| TAG_BYTES + 1 + 8 * count;
    match limit.algorithm() {
        Algorithm::SlidingLog => {
            numbers(1).saturating_add(limit.count().saturating_mul(ADMISSION_BYTES as u64))
        }
        Algorithm::Concurrency => {
            numbers(1).saturating_add(limit.count().saturating_mul(HOLDER_BYTES as u64))
        }
        Algorithm::FixedWindow | Algorithm::CalendarWindow | Algorithm::SlidingWindow => numbers(3),
        _ => numbers(2),
    }
}

pub(crate) fn write_state(state: &State, out: &mut Vec<u8>) {
    let mut numbers = |kind: u8, numbers: &[u64]| {
        out.push(kind);
        numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
    };
    match state {
        State::Gcra(gcra) => numbers(GCRA, &[gcra.at, gcra.rest]),
        State::Window(window) => numbers(WINDOW, &[window.start, window.current, window.previous]),
        State::Entries(entries) => {
            let count = u64::try_from(entries.iter().count()).unwrap_or(u64::MAX);
            let held = entries.iter().any(|entry| entry.holder != Holder::default());
            numbers(if held { HOLDERS } else { LOG }, &[count]);
            for entry in entries.iter() {
                out.extend(entry.expiry.to_le_bytes());
                out.extend(entry.count.to_le_bytes());
                if held {
                    out.extend(entry.holder.get().to_le_bytes());
                }
            }
        }
    }
}

pub(crate) fn read_state(bytes: &mut &[u8]) -> Result<State, NoState> {
    let [kind] = take(bytes)?;
    Ok(match kind {
        GCRA => State::Gcra(Gcra { at: number(bytes)?, rest: number(bytes)? }),
        WINDOW => {
            State::Window(Window { start: number(bytes)?, current: number(bytes)?, previous: number(bytes)? })
        }
        HOLDERS => State::Entries(Box::new(entries(bytes, HOLDER_BYTES)?)),
        LOG => State::Entries(Box::new(entries(bytes, ADMISSION_BYTES)?)),
        _ => return Err(NoState),
    })
}

fn entries(bytes: &mut &[u8], size: usize) -> Result<Entries, NoState> {
    let count = usize::try_from(number(bytes)?).map_err(|_| NoState)?;
    // Before any memory is asked for: are so many there at all?
    if count > bytes.len() / size {
        return Err(NoState);
    }
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let (expiry, count) = (number(bytes)?, number(bytes)?);
        let holder = if size == HOLDER_BYTES {
            Holder::new(u128::from_le_bytes(take(bytes)?))
        } else {
            Holder::default()
        };
        all.push(Entry { expiry, count, holder });
    }
    Ok(Entries::from_parts(all))
}

pub(crate) fn number(bytes: &mut &[u8]) -> Result<u64, NoState> {
    take(bytes).map(u64::from_le_bytes)
}

pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], NoState> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(NoState)?;
    *bytes = rest;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(expiry: u64, holder: u128) -> Entry {
        Entry { expiry, count: 3, holder: Holder::new(holder) }
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is() {
        let states = [
            State::Gcra(Gcra { at: 1 << 52, rest: 7 }),
            State::Window(Window { start: 1, current: 2, previous: 3 }),
            State::Entries(Box::default()),
            State::Entries(Box::new(Entries::from_parts([admission(5, 0), admission(6, 0)]))),
            State::Entries(Box::new(Entries::from_parts([admission(5, 1 << 100), admission(6, 0)]))),
        ];
        for state in states {
            let stored = Stored { tag: Tag::from_raw(0x0123_4567_89ab_cdef), state };
            let mut bytes = Vec::new();
            write(&stored, &mut bytes);
            assert_eq!(read(&bytes), Ok(stored));
            for end in 0..bytes.len() {
                assert_eq!(read(&bytes[..end]), Err(NoState));
            }
            bytes.push(0);
            assert_eq!(read(&bytes), Err(NoState));
        }
        assert_eq!(read(&[0, 0, 0, 0, 0, 0, 0, 0, 9]), Err(NoState));
        let mut huge = vec![0; 8];
        huge.push(LOG);
        huge.extend(u64::MAX.to_le_bytes());
        assert_eq!(read(&huge), Err(NoState), "no memory is asked for");
    }
}
