//! libFuzzer's package, which the workspace does not build, has an entry point for each target.

use std::fs;
use std::path::Path;

use ratekeeper_fuzz::TARGETS;

#[test]
fn every_target_has_its_entry_point() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer");
    let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
    for target in TARGETS {
        let name = target.name;
        let source = fs::read_to_string(package.join("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(source.contains(&format!("ratekeeper_fuzz::{name}(data)")), "{name}");
        assert!(
            manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
}
