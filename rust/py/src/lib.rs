//! The Python face: converts types and errors, decides nothing.

use pyo3::prelude::*;

/// The compiled core of corpuskit.
#[pymodule]
mod _core {
    /// The version, from the workspace manifest.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
