//! One binary for all integration tests: the real engine, its own data folder, port 0.

mod bad_input;
mod captures;
mod doors;
mod durability;
mod engine;
mod engine_rights;
mod fidelity;
mod load_encoder;
mod migrations;
mod normalising;
mod rows;
mod senders;
mod smoke;
mod support;
