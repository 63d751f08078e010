//! The files of the service itself.

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/envoyproxy/", $name, ".yaml"))
    };
}

pub(super) use file;

/// The examples of its README, from the first on; some are in several parts.
pub(super) fn readme() -> Vec<&'static str> {
    file!("readme").split("---\n").skip(1).collect()
}
