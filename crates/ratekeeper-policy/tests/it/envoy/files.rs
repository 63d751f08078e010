//! The files of the service itself.

macro_rules! original {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/envoyproxy/", $name, ".yaml"))
    };
}

pub(super) use original;

/// The examples of its README, from the first on; some are in several parts.
pub(super) fn readme() -> Vec<&'static str> {
    original!("readme").split("---\n").skip(1).collect()
}
