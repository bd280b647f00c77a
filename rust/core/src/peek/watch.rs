//! Ends reads that would outlast the deadline: standard input that never comes, a line of many
//! gigabytes.

use crate::{Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

/// What the watching thread and the readers share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    flags: Vec<Arc<AtomicBool>>,
    over: bool,
}

/// Sets the stop flags of all readers at the deadline.
pub(super) struct Watch {
    shared: Arc<Shared>,
}

impl Watch {
    /// Starts to watch the clock.
    pub(super) fn start(deadline: Instant) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let wait = move || {
            let mut state = own.state.lock().unwrap_or_else(PoisonError::into_inner);
            while !state.over {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    state.over = true;
                    break;
                }
                state = own.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            state.flags.drain(..).for_each(|flag| flag.store(true, Ordering::Relaxed));
        };
        std::thread::Builder::new()
            .name("peek-watch".into())
            .spawn(wait)
            .map_err(|problem| Error::Internal(format!("no thread could be started: {problem}")))?;
        Ok(Self { shared })
    }

    /// Has a reader stopped at the deadline.
    pub(super) fn add(&self, flag: Arc<AtomicBool>) {
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.over {
            flag.store(true, Ordering::Relaxed);
            return;
        }
        // Readers that are done hold their flag no longer.
        state.flags.retain(|flag| Arc::strong_count(flag) > 1);
        state.flags.push(flag);
    }

    /// Stops watching.
    pub(super) fn end(&self) {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        self.shared.ended.notify_all();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}
