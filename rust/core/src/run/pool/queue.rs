//! What goes into the queue, and what leaves it unread.

use super::super::tail::Job;
use super::Queue;

impl Queue {
    /// Work that came up in order.
    pub(super) fn enqueue(&mut self, jobs: Vec<Job>) {
        for job in jobs {
            match &job {
                Job::Sink(work) if work.bytes() > 0 => {
                    self.bytes += work.bytes();
                    self.frames.push_back(job);
                }
                _ => self.slow.push_back(job),
            }
        }
    }

    /// The limit was reached: what was claimed beyond it does not count.
    pub(super) fn end_here(&mut self) {
        self.ended = true;
        self.claimed = self.next;
        let beyond: usize = self.ready.values().map(|batch| batch.size()).sum();
        self.bytes = self.bytes.saturating_sub(beyond);
        self.ready.clear();
    }
}
