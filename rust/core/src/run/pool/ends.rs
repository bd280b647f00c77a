//! How a run ends before its input does.

use super::{Pool, Queue};
use crate::Error;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

impl Pool {
    /// Ends the run with an error.
    pub fn fail(&self, error: Error) {
        self.fail_with(self.lock(), error);
    }

    /// The same, with the lock in hand.
    pub(super) fn fail_with(&self, mut queue: MutexGuard<'_, Queue>, error: Error) {
        queue.error.get_or_insert(error);
        drop(queue);
        self.stop_reading();
        self.wake.notify_all();
        self.over.notify_all();
    }

    /// Asks the workers to leave.
    pub fn stop(&self) {
        self.lock().stop = true;
        self.stop_reading();
        self.wake.notify_all();
    }

    fn stop_reading(&self) {
        if let Some(reading) = &self.reading {
            reading.store(true, Ordering::Relaxed);
        }
    }
}
