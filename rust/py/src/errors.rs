//! The one map from the core's errors to Python's exceptions, and the fence that panics cannot cross.

use corpuskit_core::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError};
use pyo3::prelude::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

mod imported {
    pyo3::import_exception!(corpuskit.errors, CheckError);
    pyo3::import_exception!(corpuskit.errors, CorpuskitError);
    pyo3::import_exception!(corpuskit.errors, InputError);
    pyo3::import_exception!(corpuskit.errors, InternalError);
    pyo3::import_exception!(corpuskit.errors, OutputError);
    pyo3::import_exception!(corpuskit.errors, PlanError);
    pyo3::import_exception!(corpuskit.errors, StrictError);
}

/// What a function of the face returns where it fails: an exception, made from a core error or one
/// that Python raised itself.
pub struct Raised(PyErr);

/// `Result` of the face.
pub type Result<T> = std::result::Result<T, Raised>;

impl From<Raised> for PyErr {
    fn from(raised: Raised) -> Self {
        raised.0
    }
}

impl From<PyErr> for Raised {
    fn from(error: PyErr) -> Self {
        Self(error)
    }
}

impl From<Error> for Raised {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        Self(match error {
            Error::Plan { at, problem, hint } => imported::PlanError::new_err((at, problem, hint)),
            Error::Input { path, problem, hint } => imported::InputError::new_err((path, problem, hint)),
            Error::Output { path, problem, hint } => imported::OutputError::new_err((path, problem, hint)),
            Error::Io { path, source } => match source.raw_os_error() {
                // Python picks FileNotFoundError, PermissionError … by the number.
                Some(number) => PyOSError::new_err((number, system_message(&source), path)),
                None => PyOSError::new_err(text),
            },
            Error::Strict { origin, reason } => imported::StrictError::new_err((origin, reason)),
            Error::Check(problem) => imported::CheckError::new_err(problem),
            Error::Interrupted => PyKeyboardInterrupt::new_err(()),
            Error::Internal(_) => imported::InternalError::new_err(text),
            _ => imported::CorpuskitError::new_err(text),
        })
    }
}

/// What the system said, without the number that Python adds itself.
fn system_message(source: &std::io::Error) -> String {
    let text = source.to_string();
    text.rsplit_once(" (os error").map_or(text.clone(), |(message, _)| message.to_owned())
}

/// Runs work of the core without the interpreter lock; a panic becomes `InternalError`.
pub fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> corpuskit_core::Result<T> + Send) -> Result<T> {
    match py.detach(|| catch_unwind(AssertUnwindSafe(work))) {
        Ok(result) => Ok(result?),
        Err(panic) => Err(Error::Internal(panic_message(&*panic)).into()),
    }
}

/// What a panic said.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    if let Some(text) = panic.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}
