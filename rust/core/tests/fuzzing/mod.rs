//! The parts of the fuzzer.

pub mod guard;
pub mod mutate;
pub mod seeds;
pub mod targets;

/// Something that reads foreign bytes.
pub struct Target {
    /// Its name, also the prefix of the inputs kept for it.
    pub name: &'static str,
    /// Pieces that mean something to it.
    pub tokens: &'static [&'static [u8]],
    /// Reads, and asserts what must hold.
    pub run: fn(&[u8]),
}
