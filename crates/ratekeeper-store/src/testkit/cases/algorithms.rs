//! Every algorithm answers like core's `step`, to the microsecond, whatever is asked when.

use ratekeeper_core::{Algorithm, Key, Timestamp};

use crate::testkit::Subject;
use crate::testkit::random::{self, Memory, Rng, START};
use crate::testkit::truth::{Truth, compare};
use crate::{Batch, Check};

/// Random traces of single checks, each over a limit and a key of its own.
fn traces(subject: &Subject, algorithm: Algorithm) {
    for round in 0..subject.times(60) {
        let mut rng = Rng::named(algorithm.name(), round);
        let limit = random::limit(&mut rng, algorithm);
        let key = subject.key(&format!("trace/{algorithm}/{round}"));
        let mut now = Timestamp::from_micros(START + rng.below(1 << 40));
        let (mut truth, mut memory) = (Truth::default(), Memory::default());
        for _ in 0..60 {
            now = memory.after(&mut rng, now, &limit);
            let ask = memory.ask(&mut rng, &limit);
            let mut check = Check::new(Key::new(&key).unwrap(), &limit, ask.cost);
            check.token = ask.token;
            let mut batch = Batch::new().at(now);
            batch.push_by(ask.op, ask.holder, [check]);
            compare(subject, &mut truth, &mut batch);
            if let Some(verdict) = &batch.checks(0)[0].verdict {
                memory.heard(now, verdict);
            }
        }
    }
}

macro_rules! traces {
    ($($case:ident: $algorithm:ident,)+) => {
        $(pub(crate) fn $case(subject: &Subject) {
            traces(subject, Algorithm::$algorithm);
        })+

        /// Every algorithm has a case: one that is new does not compile in without.
        pub(crate) fn every_algorithm_is_examined(_: &Subject) {
            let examined = [$(Algorithm::$algorithm),+];
            for algorithm in Algorithm::ALL {
                assert!(examined.contains(algorithm), "no case for {algorithm}");
            }
        }
    };
}

traces! {
    token_bucket_answers_like_step: TokenBucket,
    leaky_bucket_answers_like_step: LeakyBucket,
    leaky_queue_answers_like_step: LeakyQueue,
    fixed_window_answers_like_step: FixedWindow,
    calendar_window_answers_like_step: CalendarWindow,
    sliding_window_answers_like_step: SlidingWindow,
    sliding_log_answers_like_step: SlidingLog,
    concurrency_answers_like_step: Concurrency,
}
