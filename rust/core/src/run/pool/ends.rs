//! How a run ends before its input does.

use super::Pool;
use crate::Error;
use std::sync::atomic::Ordering;

impl Pool {
    /// Ends the run with an error.
    pub fn fail(&self, error: Error) {
        self.lock().error.get_or_insert(error);
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
