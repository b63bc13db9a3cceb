//! What senders may use: memory in flight (`budget`), and what a tenant may send (`quota`).

mod budget;
pub mod quota;
pub mod window;

pub use budget::{Budget, Reservation};
