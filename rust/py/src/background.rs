//! Work that the core cannot interrupt itself: it runs on a thread of its own while signals are polled.

use crate::errors::{Result, panic_message};
use corpuskit_core::Error;
use pyo3::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often signals are polled.
const POLL: Duration = Duration::from_millis(50);

/// Set when the caller has gone; work that looks at it ends early.
#[derive(Clone, Default)]
pub struct Abandoned(Arc<AtomicBool>);

impl Abandoned {
    /// Whether nobody waits for the result any more.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Runs work to its end, or raises what a signal handler raises and leaves the work to itself.
pub fn abandonable<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce(&Abandoned) -> corpuskit_core::Result<T> + Send + 'static,
) -> Result<T> {
    let abandoned = Abandoned::default();
    let seen = abandoned.clone();
    let (sender, receiver) = sync_channel(1);
    // `detach` wants what can be shared; nobody else ever locks it.
    let receiver = Mutex::new(receiver);
    std::thread::Builder::new()
        .name("corpuskit-work".to_owned())
        .spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&seen)))
                .unwrap_or_else(|panic| Err(Error::Internal(panic_message(&*panic))));
            // Nobody listens if the work was abandoned.
            let _ = sender.send(outcome);
        })
        .map_err(|error| Error::io("a thread", error))?;
    loop {
        if let Err(signal) = py.check_signals() {
            abandoned.0.store(true, Ordering::Relaxed);
            return Err(signal.into());
        }
        match py.detach(|| receiver.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(POLL)) {
            Ok(outcome) => return Ok(outcome?),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Error::Internal("a thread was lost".to_owned()).into()),
        }
    }
}
