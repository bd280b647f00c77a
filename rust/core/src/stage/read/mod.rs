//! From files to units.

mod unit;

pub use unit::{Body, Unit};
