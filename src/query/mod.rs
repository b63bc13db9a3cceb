//! What is asked of the events, as SQL over `pub.*`. Nothing here says whose: the reader's Scope does, and the wall holds it.

pub mod audit;
pub mod cursor;
pub mod deliveries;
pub mod filter;
pub mod messages;
pub mod points;
pub mod sessions;
pub mod sources;
pub mod time;
pub mod timeline;
pub mod traces;
pub mod values;
