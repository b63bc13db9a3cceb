//! Compiles `proto/` to message types, without a system `protoc`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    const PROTO: &str = "proto/activitylog/v1/messages.proto";
    println!("cargo:rerun-if-changed={PROTO}");
    let described = protox::compile([PROTO], ["proto"])?;
    prost_build::Config::new()
        // An item of the lists becomes one by its names.
        .type_attribute("activitylog.v1.StoredEvent", "#[derive(serde::Deserialize)] #[serde(default)]")
        // In the order of the keys: an event is stored the same way each time.
        .btree_map(["activitylog.v1.Event.attributes"])
        .compile_fds(described)?;
    Ok(())
}
