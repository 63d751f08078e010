//! What every store is held to.

mod one_node {
    use testservers::Memcached;

    use crate::runtime::{store, subject, url};

    ratekeeper_store::conformance!(subject(store(&url(&[Memcached::shared()]))));
}

mod three_nodes {
    use std::sync::OnceLock;

    use testservers::Memcached;

    use crate::runtime::{store, subject, url};

    fn nodes() -> String {
        static NODES: OnceLock<[Memcached; 3]> = OnceLock::new();
        let [a, b, c] = NODES.get_or_init(|| [(); 3].map(|()| Memcached::start()));
        url(&[a, b, c])
    }

    ratekeeper_store::conformance!(subject(store(&nodes())));
}
