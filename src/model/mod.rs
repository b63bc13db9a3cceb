//! The nouns: what a sender said ([`otlp`], [`message`]) and what ActivityLog keeps ([`event`], [`metric`]).

pub mod event;
pub mod json;
pub mod message;
pub mod metric;
pub mod otlp;
pub mod scope;
