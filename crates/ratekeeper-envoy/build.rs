//! Makes Rust of the protos, without a `protoc` to be installed.

use std::error::Error;
use std::path::PathBuf;

use prost::Message as _;

const PROTO: &str = "envoy/service/ratelimit/v3/rls.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).open_file(PROTO)?;
    let descriptors = compiler.file_descriptor_set();
    let encoded = descriptors.encode_to_vec();
    #[allow(
        clippy::disallowed_methods,
        reason = "cargo names the folder to build scripts so"
    )]
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    std::fs::write(out.join("descriptors.bin"), &encoded)?;
    tonic_prost_build::configure()
        .build_client(cfg!(feature = "client"))
        // They are written for another documentation.
        .disable_comments(["."])
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .compile_fds(descriptors)?;
    pbjson_build::Builder::new().register_descriptors(&encoded)?.build(&[".envoy"])?;
    Ok(())
}
