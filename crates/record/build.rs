//! Compiles the payload schemas with protox, so that no protoc is needed.

use std::{env, fs, path::PathBuf};

use prost_build::Config;

const PAYLOADS: [&str; 4] = [
    "selat/v1/payload.proto",
    "selat/v1/payload_record.proto",
    "selat/v1/payload_trust.proto",
    "selat/v1/payload_exchange.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_source_info(true).include_imports(true).open_files(PAYLOADS)?;
    let descriptors = compiler.file_descriptor_set();
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    Config::new().compile_fds(descriptors)?;
    Ok(())
}
