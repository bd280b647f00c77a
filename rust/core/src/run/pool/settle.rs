//! How the tail gets its frames made: by the worker that holds it and by whoever has time.

use super::Pool;
use crate::run::tail::{Settle, Tail};
use crate::stage::write::encode::Encoder;
use crate::{Error, Result};
use std::sync::PoisonError;

/// Writes a last, durable checkpoint once the workers have left, if the tail is whole.
pub(in crate::run) fn leave(pool: &Pool) -> Result<()> {
    let (tail, timings) = {
        let mut queue = pool.lock();
        queue.error = None;
        (queue.tail.take(), queue.timings.clone())
    };
    let Some(mut tail) = tail else { return Ok(()) };
    let (tail, keeper) = &mut *tail;
    if tail.is_torn() || keeper.is_done() {
        return Ok(());
    }
    let mut encoder = Encoder::new(&pool.write)?;
    keeper.durable_checkpoint(tail, &mut Helper { pool, encoder: &mut encoder, alone: true }, &timings)
}

/// The tail's way to get its frames made: by itself and by whoever has time.
pub(super) struct Helper<'a> {
    pub pool: &'a Pool,
    pub encoder: &'a mut Encoder,
    /// The other workers have left: what they did not finish will not come.
    pub alone: bool,
}

impl Helper<'_> {
    fn settle_until(&mut self, tail: &mut Tail, done: impl Fn(&Tail) -> bool, slow: bool) -> Result<()> {
        loop {
            let jobs = tail.take_jobs();
            let mut queue = self.pool.lock();
            if !jobs.is_empty() {
                queue.enqueue(jobs);
                self.pool.wake.notify_all();
            }
            if queue.made.is_empty() {
                if done(tail) {
                    return Ok(());
                }
                let job = queue.frames.pop_front().or_else(|| if slow { queue.slow.pop_front() } else { None });
                match job {
                    Some(job) => {
                        drop(queue);
                        self.pool.run_job(job, self.encoder)?;
                    }
                    None if self.alone || queue.error.is_some() => return Err(Error::Interrupted),
                    None => drop(self.pool.wake.wait(queue).unwrap_or_else(PoisonError::into_inner)),
                }
                continue;
            }
            let made = std::mem::take(&mut queue.made);
            drop(queue);
            for made in made {
                tail.accept(made)?;
            }
        }
    }
}

impl Settle for Helper<'_> {
    fn settle(&mut self, tail: &mut Tail) -> Result<()> {
        self.settle_until(tail, Tail::is_settled, false)
    }

    fn complete(&mut self, tail: &mut Tail) -> Result<()> {
        self.settle_until(tail, Tail::is_complete, true)
    }

    fn stop(&self) -> impl Fn() -> bool + Sync {
        let pool = self.pool;
        move || pool.lock().stop
    }
}
