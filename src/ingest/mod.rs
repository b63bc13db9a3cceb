//! What comes in: OTLP, webhooks, messages.

pub mod otlp;
