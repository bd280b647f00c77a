//! What stops a run. A bad record never does: it is rejected with a reason (`record::Rejection`).

use std::path::PathBuf;

/// `Result` with the crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What stops a run. Messages read `<where>: <what>, <what was expected>`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is wrong. Found before the first byte is written.
    #[error("{at}: {problem}")]
    Plan {
        /// The setting (`filter.length.min_chars`) or the place in the file (`plan.yaml:3:5`).
        at: String,
        /// What is wrong and what was expected.
        problem: String,
        /// What to try, if anything is likely to help.
        hint: Option<String>,
    },
    /// An input is missing, unreadable, inside the output, or not what it was.
    #[error("{path}: {problem}")]
    Input {
        /// The input as the user named it.
        path: String,
        /// What is wrong.
        problem: String,
        /// What to try.
        hint: Option<String>,
    },
    /// The output folder cannot be used.
    #[error("{path}: {problem}")]
    Output {
        /// The output folder or a file in it.
        path: String,
        /// What is wrong.
        problem: String,
        /// What to try.
        hint: Option<String>,
    },
    /// The operating system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A defect whose policy is `strict` was met, so the run stopped.
    #[error("{origin}: {reason}, and the policy is `strict`")]
    Strict {
        /// The record.
        origin: String,
        /// The reason code.
        reason: String,
    },
    /// A sum did not add up, or a file is not what the manifest says.
    #[error("{0}")]
    Check(String),
    /// The user asked to stop; everything up to the last checkpoint is kept.
    #[error("interrupted")]
    Interrupted,
    /// A broken promise of our own code.
    #[error("internal error: {0}; please report it")]
    Internal(String),
}

impl Error {
    /// A wrong setting.
    pub fn plan(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Plan { at: at.into(), problem: problem.into(), hint: None }
    }

    /// An unusable input.
    pub fn input(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Input { path: path.into(), problem: problem.into(), hint: None }
    }

    /// An unusable output.
    pub fn output(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Output { path: path.into(), problem: problem.into(), hint: None }
    }

    /// A failed system call on `path`.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    /// Adds what to try.
    #[must_use]
    pub fn with_hint(mut self, text: impl Into<String>) -> Self {
        if let Self::Plan { hint, .. } | Self::Input { hint, .. } | Self::Output { hint, .. } = &mut self {
            *hint = Some(text.into());
        }
        self
    }

    /// What to try, if anything is likely to help.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Plan { hint, .. } | Self::Input { hint, .. } | Self::Output { hint, .. } => hint.as_deref(),
            _ => None,
        }
    }
}
