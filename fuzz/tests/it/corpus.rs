//! The committed inputs.

use std::fs;
use std::path::Path;

/// One committed input.
#[derive(Debug)]
pub(crate) struct Seed {
    /// The name of its file, which says what it is.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The inputs of one target, in the order of their names.
pub(crate) fn seeds(target: &str) -> Vec<Seed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut seeds: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            Seed { name, bytes: fs::read(path).unwrap() }
        })
        .collect();
    if target == "policy" {
        // Kept where it is documentation, and so never out of date.
        let bytes = ratekeeper_policy::REFERENCE.as_bytes().to_vec();
        seeds.push(Seed { name: "the reference policy".to_owned(), bytes });
    }
    seeds.sort_by(|one, other| one.name.cmp(&other.name));
    seeds
}
