//! What a call costs: against the crate's own figures, against recorded ones, and through the product.

mod bundle;
mod repricing;
mod running;
