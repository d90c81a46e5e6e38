//! Generates the two services. Payload messages are not generated again: they are those of `selat-record`.

use std::{env, error::Error, fs, path::PathBuf};

use protox::prost::Message as _;
use protox::prost_reflect::prost_types::FileDescriptorSet;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for service in ["peer", "desk"] {
        let mut compiler = protox::Compiler::new([&root])?;
        compiler
            .include_source_info(true)
            .include_imports(true)
            .open_file(format!("selat/v1/{service}_service.proto"))?;
        fs::write(out.join(format!("{service}.bin")), compiler.file_descriptor_set().encode_to_vec())?;
        generate(compiler.file_descriptor_set(), &out.join(service))?;
    }
    Ok(())
}

fn generate(descriptors: FileDescriptorSet, out: &PathBuf) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(out)?;
    let mut builder = tonic_prost_build::configure().out_dir(out);
    for file in descriptors.file.iter().filter(|file| file.name().starts_with("selat/v1/payload")) {
        let messages = file.message_type.iter().map(|message| message.name());
        let enums = file.enum_type.iter().map(|kind| kind.name());
        for name in messages.chain(enums) {
            builder = builder.extern_path(format!(".selat.v1.{name}"), format!("::selat_record::pb::{name}"));
        }
    }
    builder.compile_fds(descriptors)?;
    Ok(())
}
