//! One binary for all integration tests: the real engine, its own data folder, port 0.

mod durability;
mod engine;
mod engine_rights;
mod fidelity;
mod load_encoder;
mod migrations;
mod normalising;
mod rows;
mod smoke;
mod support;
