//! States as the words of a slot.
//!
//! | form | first word | second word | tag |
//! |---|---|---|---|
//! | GCRA | X in whole µs, 53 bits; form | the ticks beyond | the lower half of the limit's |
//! | window | start in µs, 53 bits; form; span until it counts nothing | 16 bits of the lower half of the limit's tag; counts of this window and the one before, 24 bits each | the upper half, of what must be equal for counts to keep their meaning |
//! | aside | form | place in the list of those that need more room | of no use |
//!
//! What is stored of a tag is all that matters but for a window whose limit changes, but not its length, and says that
//! its count shall be dropped then: that a change of it does not show has a probability of 2^-16.

use ratekeeper_core::{Algorithm, Gcra, Limit, State, Stored, Tag, Timestamp, Window};

use super::bucket::Words;

/// Bits of the first word below the instant: the form and the span.
const BELOW: u32 = 11;
const SPAN: u64 = 0x1ff;
/// The largest count of a window that a slot holds.
pub(super) const MOST: u64 = (1 << 24) - 1;
/// Bits of the second word of a window below the part of its tag.
const LOWER: u32 = 48;

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Gcra,
    Window,
    /// The state is in the list of its shard.
    Aside,
}

impl Form {
    #[inline]
    fn of(words: Words) -> Self {
        match words.first >> 9 & 3 {
            0 => Self::Gcra,
            1 => Self::Window,
            _ => Self::Aside,
        }
    }

    /// The form of the states under a limit, and the tag beside them.
    #[inline]
    fn under(limit: &Limit) -> (Self, u32) {
        match limit.algorithm() {
            Algorithm::TokenBucket | Algorithm::LeakyBucket | Algorithm::LeakyQueue => {
                (Self::Gcra, lower(limit))
            }
            Algorithm::FixedWindow | Algorithm::CalendarWindow | Algorithm::SlidingWindow => {
                (Self::Window, upper(limit))
            }
            _ => (Self::Aside, 0),
        }
    }

    const fn bits(self) -> u64 {
        match self {
            Self::Gcra => 0,
            Self::Window => 1 << 9,
            Self::Aside => 2 << 9,
        }
    }
}

/// A state that its slot has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Small {
    Gcra(Gcra),
    Window(Window),
}

/// The words for a state that was written under `limit`, over those of the same counter before, if there are any; `None` if
/// it needs more room.
pub(super) fn pack(stored: &Stored, limit: &Limit, before: Words) -> Option<Words> {
    match (&stored.state, Form::under(limit).0) {
        (State::Gcra(gcra), Form::Gcra) => pack_small(Small::Gcra(*gcra), limit, before),
        (State::Window(window), Form::Window) => pack_small(Small::Window(*window), limit, before),
        _ => None,
    }
}

/// The words for a small state under a limit of its own kind; `None` if it needs more room.
#[inline(always)]
pub(super) fn pack_small(state: Small, limit: &Limit, before: Words) -> Option<Words> {
    match state {
        Small::Gcra(gcra) => Some(of_gcra(gcra, limit)),
        Small::Window(window) if window.current <= MOST && window.previous <= MOST => Some(Words {
            tag: upper(limit),
            first: window.start << BELOW | Form::Window.bits() | span_of(&window, limit, before),
            second: limit.tag().get() << LOWER | window.current << 24 | window.previous,
        }),
        Small::Window(_) => None,
    }
}

/// The words for the state of a bucket or queue.
#[inline(always)]
pub(super) fn of_gcra(state: Gcra, limit: &Limit) -> Words {
    Words { tag: lower(limit), first: state.at << BELOW, second: state.rest }
}

/// The state of a bucket or queue, if it was written under this very limit, which is one.
#[inline(always)]
pub(super) fn gcra_under(words: Words, limit: &Limit) -> Option<Gcra> {
    (words.tag == lower(limit) && Form::of(words) == Form::Gcra)
        .then_some(Gcra { at: words.first >> BELOW, rest: words.second })
}

#[inline]
#[allow(clippy::cast_possible_truncation)]
fn lower(limit: &Limit) -> u32 {
    limit.tag().get() as u32
}

#[inline]
#[allow(clippy::cast_possible_truncation)]
fn upper(limit: &Limit) -> u32 {
    (limit.tag().get() >> 32) as u32
}

/// The words for a state that is in the list of its shard.
pub(super) fn aside(place: usize) -> Words {
    Words { tag: 0, first: Form::Aside.bits(), second: place as u64 }
}

/// Where in the list of its shard the state is.
pub(super) fn place_aside(words: Words) -> Option<usize> {
    if Form::of(words) == Form::Aside {
        usize::try_from(words.second).ok()
    } else {
        None
    }
}

/// The state, if it was written under this very limit.
#[inline(always)]
pub(super) fn unpack_under(words: Words, limit: &Limit) -> Option<Small> {
    let small = small(words)?;
    // Where a window counts as before whatever else has changed, no more must be equal.
    let changed = matches!(small, Small::Window(_))
        && limit.resets_on_change()
        && (words.second ^ limit.tag().get() << LOWER) >> LOWER != 0;
    let form = if matches!(small, Small::Gcra(_)) {
        Form::Gcra
    } else {
        Form::Window
    };
    (Form::under(limit) == (form, words.tag) && !changed).then_some(small)
}

/// The state, by whatever limit it was written; `None` if it is elsewhere.
pub(super) fn unpack(words: Words, limit: &Limit) -> Option<Stored> {
    if let Some(small) = unpack_under(words, limit) {
        return Some(Stored { tag: limit.tag(), state: small.into() });
    }
    let tag = u64::from(words.tag);
    let tag = match Form::of(words) {
        // Only whether it is another counts.
        Form::Gcra => tag | !limit.tag().get() << 32,
        Form::Window => tag << 32 | u64::from(!lower(limit)),
        Form::Aside => return None,
    };
    Some(Stored { tag: Tag::from_raw(tag), state: small(words)?.into() })
}

#[inline(always)]
fn small(words: Words) -> Option<Small> {
    let at = words.first >> BELOW;
    match Form::of(words) {
        Form::Gcra => Some(Small::Gcra(Gcra { at, rest: words.second })),
        Form::Window => Some(Small::Window(Window {
            start: at,
            current: words.second >> 24 & MOST,
            previous: words.second & MOST,
        })),
        Form::Aside => None,
    }
}

impl From<Small> for State {
    fn from(small: Small) -> Self {
        match small {
            Small::Gcra(gcra) => Self::Gcra(gcra),
            Small::Window(window) => Self::Window(window),
        }
    }
}

/// The instant from which on the counter is as good as absent, for windows up to an eighth of their span later; `None` if
/// its state is elsewhere.
pub(super) fn idle_at(words: Words) -> Option<Timestamp> {
    let at = words.first >> BELOW;
    match Form::of(words) {
        Form::Gcra => Some(Timestamp::from_micros(at.saturating_add(u64::from(words.second > 0)))),
        Form::Window => Some(Timestamp::from_micros(at.saturating_add(long(words.first & SPAN)))),
        Form::Aside => None,
    }
}

/// How long after its start a window counts something, as [`short`] writes it.
#[inline]
fn span_of(window: &Window, limit: &Limit, before: Words) -> u64 {
    // Only a calendar has to search for it: while a window goes on it stays the same.
    let goes_on = before.first >> BELOW == window.start && Form::of(before) == Form::Window;
    if goes_on && before.second >> 24 & MOST > 0 && window.current > 0 {
        return before.first & SPAN;
    }
    short(window.idle_at(limit).saturating_sub(window.start))
}

/// A number of up to 53 bits in nine: four of its digits, and how many zeros follow. Rounded up.
fn short(span: u64) -> u64 {
    if span < 16 {
        return span;
    }
    let zeros = u64::from(span.ilog2()) - 3;
    let digits = span.div_ceil(1 << zeros);
    // 16 is 8 with a zero more.
    16 + (zeros - 1) * 8 + (digits - 8)
}

/// What [`short`] has shortened.
fn long(short: u64) -> u64 {
    match short.checked_sub(16) {
        None => short,
        Some(rest) => (8 + rest % 8) << (rest / 8 + 1),
    }
}

#[cfg(test)]
mod tests {
    use ratekeeper_core::{Calendar, Micros, Period};

    use super::*;

    #[test]
    fn spans_are_rounded_up_by_an_eighth_at_most() {
        for exact in (0..51).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1, (1 << bit) * 15 / 8]) {
            let span = long(short(exact));
            assert!(
                short(exact) <= SPAN && span >= exact && span - exact <= exact / 8,
                "{exact} became {span}"
            );
        }
    }

    fn limits() -> Vec<Limit> {
        vec![
            Limit::token_bucket(3, Micros::SECOND).unwrap(),
            Limit::leaky_queue(3, Micros::SECOND, Micros::MINUTE).unwrap(),
            Limit::fixed_window(3, Micros::SECOND).unwrap(),
            Limit::fixed_window(4, Micros::SECOND).unwrap(),
            Limit::sliding_window(3, Micros::HOUR).unwrap(),
            Limit::calendar_window(3, Calendar::new(Period::Month, "UTC").unwrap()).unwrap(),
        ]
    }

    fn states() -> [State; 4] {
        [
            State::Gcra(Gcra { at: (1 << 53) - 1, rest: 0 }),
            State::Gcra(Gcra { at: 7, rest: (1 << 48) - 1 }),
            State::Window(Window { start: (1 << 53) - 1, current: MOST, previous: 1 }),
            State::Window(Window { start: 1, current: 0, previous: MOST }),
        ]
    }

    #[test]
    fn a_state_comes_back_under_its_limit() {
        for limit in limits() {
            for state in states() {
                let stored = Stored { tag: limit.tag(), state };
                let same_kind = matches!(
                    (&stored.state, &Stored::absent(&limit).state),
                    (State::Gcra(_), State::Gcra(_)) | (State::Window(_), State::Window(_))
                );
                let words = pack(&stored, &limit, Words::default());
                assert_eq!(words.is_some(), same_kind);
                if let Some(words) = words {
                    assert_eq!(unpack_under(words, &limit).map(State::from), Some(stored.state.clone()));
                    assert_eq!(unpack(words, &limit), Some(stored));
                }
            }
        }
    }

    #[test]
    fn a_changed_limit_shows() {
        for written in limits() {
            for read in limits() {
                let stored = Stored::absent(&written);
                let words = pack(&stored, &written, Words::default()).unwrap();
                let back = unpack(words, &read).unwrap();
                let same_window =
                    matches!(stored.state, State::Window(_)) && written.tag().same_window(read.tag());
                assert_eq!(back.state, stored.state);
                assert_eq!(back.tag == read.tag(), written == read || same_window, "{written} and {read}");
                assert_eq!(
                    back.tag.same_window(read.tag()),
                    same_window || written == read,
                    "{written}, {read}"
                );
            }
        }
        let (few, many) = (Limit::fixed_window(3, Micros::SECOND), Limit::fixed_window(4, Micros::SECOND));
        let (few, many) = (few.unwrap().with_reset_on_change(), many.unwrap().with_reset_on_change());
        let words = pack(&Stored::absent(&few), &few, Words::default()).unwrap();
        assert_eq!(unpack_under(words, &many), None);
        assert_ne!(unpack(words, &many).unwrap().tag, many.tag());
    }

    #[test]
    fn counts_beyond_24_bits_need_more_room() {
        let limit = Limit::sliding_window(1 << 30, Micros::SECOND).unwrap();
        for (current, previous) in [(MOST + 1, 0), (0, MOST + 1)] {
            let state = State::Window(Window { start: 0, current, previous });
            assert_eq!(pack(&Stored { tag: limit.tag(), state }, &limit, Words::default()), None);
        }
    }

    /// The window's own end, whoever wrote it before.
    #[test]
    fn a_window_is_idle_no_earlier_than_it_counts_nothing() {
        let mut before = Words::default();
        for limit in limits() {
            for (start, current, previous) in [(0, 0, 0), (0, 1, 0), (1_000_000, 0, 2), (1_000_000, 3, 2)] {
                let stored =
                    Stored { tag: limit.tag(), state: State::Window(Window { start, current, previous }) };
                let Some(words) = pack(&stored, &limit, before) else {
                    continue;
                };
                let (idle, exact) = (idle_at(words).unwrap(), stored.idle_at(&limit));
                assert!(idle >= exact, "{idle:?} before {exact:?} under {limit}");
                before = words;
            }
        }
    }
}
