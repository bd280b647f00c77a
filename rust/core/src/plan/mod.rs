//! (skeleton; its owner fills it)
