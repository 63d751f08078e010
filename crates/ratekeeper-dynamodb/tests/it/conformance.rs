//! The suite that every store runs. DynamoDB Local answers a few hundred requests a second: little of the usual effort.

use ratekeeper_store::testkit::Subject;

use crate::common::{runtime, store};

fn subject() -> Subject {
    Subject::new(store("conformance"))
        .running(|future| runtime().block_on(future))
        .with_threads(4)
        .with_effort(3)
}

ratekeeper_store::conformance!(subject());
