//! The suite that every store is held to.

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
