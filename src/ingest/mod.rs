//! From a socket to a receipt. Every door (gRPC, HTTP) does the same five things: authenticate, admit, decode, normalise,
//! append; [`accept::Intake::accept`] does the last three for all of them.

pub mod accept;
pub mod body;
pub mod frames;
pub mod messages;
pub mod notes;
pub mod otlp;
pub mod refusal;
pub mod settings;
pub mod webhook;
