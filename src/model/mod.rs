//! The nouns: what a sender said ([`otlp`]) and what ActivityLog keeps ([`event`], [`metric`]).

pub mod event;
pub mod json;
pub mod metric;
pub mod otlp;
pub mod scope;
