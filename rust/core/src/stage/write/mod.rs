//! (skeleton; its owner fills it)

pub mod form;
