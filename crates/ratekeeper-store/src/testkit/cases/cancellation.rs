//! Nobody waits for every answer: what is given up must not spoil what comes after.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use ratekeeper_core::{Algorithm, Ask, Micros, Op};

use super::units::key;
use crate::testkit::Subject;
use crate::testkit::random::limit_of;
use crate::{Answer, Batch, Check};

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

/// Gives up calls after their first poll, or before, and looks that every later call gets its own answer.
pub(crate) fn an_answer_given_up_spoils_no_other(subject: &Subject) {
    let limit = limit_of(Algorithm::TokenBucket, 1_000_000, Micros::new(1 << 45));
    let given_up = subject.key("given up");
    for round in 0..20_u64 {
        let bytes = subject.key(&format!("kept/{round}"));
        let taken = subject.ask(None, &bytes, &limit, &Ask::new(Op::Take, 100 + round)).unwrap();
        assert_eq!(taken.remaining, 1_000_000 - 100 - round);
        let mut batch = Batch::new();
        batch.push(Op::Take, [Check::new(key(&given_up), &limit, 1000)]);
        // Where the store's runtime is needed to poll, the poll comes from within it.
        if let Answer::Later(mut future) = subject.store().apply(&mut batch) {
            let once = Box::pin(std::future::poll_fn(move |_| {
                let waker = Waker::from(Arc::new(Nobody));
                if round % 2 == 0 {
                    let _ = future.as_mut().poll(&mut Context::from_waker(&waker));
                }
                std::task::Poll::Ready(Ok(()))
            }));
            subject.drive(once).unwrap();
        }
        let left = subject.ask(None, &bytes, &limit, &Ask::new(Op::Peek, 0)).unwrap().remaining;
        assert_eq!(left, 1_000_000 - 100 - round, "the answer of another call");
    }
    let left = subject.ask(None, &given_up, &limit, &Ask::new(Op::Peek, 0)).unwrap().remaining;
    assert!(
        left >= 1_000_000 - 20_000 && left.is_multiple_of(1000),
        "each counts once or not at all: {left}"
    );
}
