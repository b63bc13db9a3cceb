//! One binary for all integration tests: the real engine, its own data folder, port 0.

mod engine;
mod engine_rights;
mod fidelity;
mod layers;
mod load_encoder;
mod native;
mod normalising;
mod reading;
mod rows;
mod smoke;
mod store;
mod support;
mod wall;
