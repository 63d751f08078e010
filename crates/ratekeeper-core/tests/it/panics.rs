//! Nothing panics: not on any state that a store may read back, nor on any limit, instant or question.

use proptest::prelude::*;
use proptest::sample::select;
use ratekeeper_core::{
    Ask, Entries, Entry, Gcra, Holder, Limit, MAX_EXACT, Op, State, Stored, Tag, Timestamp, Token, Window,
    step,
};

use crate::any;

/// A number as a broken store may hold it.
fn number() -> BoxedStrategy<u64> {
    let edges = [
        0,
        1,
        u64::MAX,
        u64::MAX - 1,
        MAX_EXACT,
        MAX_EXACT + 1,
        1 << 63,
        1 << 50,
        1 << 48,
    ];
    prop_oneof![3 => select(edges.to_vec()), 1 => any::<u64>(), 1 => 0..10_u64].boxed()
}

fn holder() -> impl Strategy<Value = Holder> {
    (0..3_u128).prop_map(Holder::new)
}

fn state() -> impl Strategy<Value = State> {
    let entry =
        (number(), number(), holder()).prop_map(|(expiry, count, holder)| Entry { expiry, count, holder });
    prop_oneof![
        (number(), number()).prop_map(|(at, rest)| State::Gcra(Gcra { at, rest })),
        (number(), number(), number()).prop_map(|(start, current, previous)| State::Window(Window {
            start,
            current,
            previous
        })),
        prop::collection::vec(entry, 0..5)
            .prop_map(|entries| State::Entries(Box::new(Entries::from_parts(entries)))),
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let op = select(vec![
        Op::Take,
        Op::TakeUpTo,
        Op::Peek,
        Op::Charge,
        Op::Refund,
        Op::Refund,
        Op::Reset,
    ]);
    let token = prop_oneof![
        Just(None),
        (number(), number()).prop_map(|(at, rest)| Some(Token::Gcra { at, rest })),
        number().prop_map(|start| Some(Token::Window(start))),
        number().prop_map(|at| Some(Token::Entry(at))),
        holder().prop_map(|holder| Some(Token::Holder(holder))),
    ];
    (op, number(), token, holder()).prop_map(|(op, cost, token, holder)| {
        let ask = Ask::new(op, cost).by(holder);
        token.map_or(ask, |token| ask.with_token(token))
    })
}

/// The tag of this limit, of the same window, or of anything.
fn tagged(limit: &Limit, how: u8, tag: u64) -> Tag {
    match how {
        0 | 1 => limit.tag(),
        2 => Tag::from_raw(limit.tag().get() ^ 1),
        _ => Tag::from_raw(tag),
    }
}

proptest! {
    #![proptest_config(any::cases(1200))]

    #[test]
    fn whatever_the_state(
        limit in any::limit(),
        state in state(),
        tag in (0..4_u8, any::<u64>()),
        calls in prop::collection::vec((number(), ask()), 1..6),
    ) {
        let tag = tagged(&limit, tag.0, tag.1);
        let mut counter = Some(Stored { tag, state });
        for (now, ask) in calls {
            let now = Timestamp::from_micros(now);
            let _ = step(&mut counter, &limit, b"alice", now, &ask);
            if let Some(stored) = &counter {
                let _ = (stored.idle_at(&limit), stored.heap_bytes());
            }
        }
    }
}
