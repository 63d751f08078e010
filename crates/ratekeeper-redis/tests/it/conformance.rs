//! The suite that every store is held to.

use ratekeeper_store::testkit;

mod redis {
    ratekeeper_store::conformance!(crate::support::subject(&testservers::Redis::shared().url()));
}

mod valkey {
    ratekeeper_store::conformance!(crate::support::subject(&crate::support::valkey().url()));
}

mod cluster {
    use crate::support;

    ratekeeper_store::conformance!(support::subject(&support::cluster_url(support::cluster())));
}

mod sentinel {
    use crate::support;

    ratekeeper_store::conformance!(support::subject(&support::sentinel_url(support::sentinel())));
}

/// The script and `step` are twins: they agree on every number of long random traces, on Redis and on Valkey.
#[test]
fn the_twins_agree_on_long_traces() {
    let cases = [
        "changing_limits_answer_like_step",
        "random_batches_answer_like_step",
        "random_batches_with_shadows_answer_like_step",
        "sliding_log_answers_like_step",
        "sliding_window_answers_like_step",
    ];
    for url in [testservers::Redis::shared().url(), crate::support::valkey().url()] {
        for case in cases {
            let subject = crate::support::subject(&url).with_effort(200);
            assert_eq!(testkit::check(case, subject), testkit::Outcome::Passed, "{case}");
        }
    }
}
