//! Shared text primitives, no policy.
