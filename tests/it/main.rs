//! One binary for all integration tests: the real engine, its own data folder, port 0.

mod bad_input;
mod captures;
mod damage;
mod dialects;
mod doors;
mod durability;
mod engine;
mod engine_rights;
mod fidelity;
mod layers;
mod load_encoder;
mod migrations;
mod native;
mod normalising;
mod reading;
mod rows;
mod senders;
mod smoke;
mod store;
mod support;
mod wall;
