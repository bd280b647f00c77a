//! The records that a run would keep, as they come.

use super::{CHUNK, node};
use crate::arrow::{Builder, Seen};
use crate::plan::Plan;
use crate::run::{self, Observer, Options};
use crate::{Error, Result};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bumpalo::Bump;
use std::sync::{Arc, Mutex, PoisonError};

/// Records that say which columns there are.
pub const LEARN: usize = 10_000;

/// Bytes of records that say so at most.
const LEARN_BYTES: usize = 64 << 20;

/// What comes of a run: the types of its columns, then rows. `false` to stop.
type Emit = dyn FnMut(SchemaRef, Option<RecordBatch>) -> bool + Send;

/// Runs a plan over inputs and hands out what it would keep: first the types of the columns, then batches
/// of rows in input order.
///
/// # Errors
/// As [`run::iterate`].
pub fn flow(
    plan: &Plan,
    inputs: &[String],
    options: &Options,
    emit: impl FnMut(SchemaRef, Option<RecordBatch>) -> bool + Send + 'static,
    observer: &dyn Observer,
) -> Result<()> {
    let learner = Learner { waiting: Vec::new(), count: 0, builder: None, emit: Box::new(emit), failed: None };
    let learner = Arc::new(Mutex::new(learner));
    let taking = Arc::clone(&learner);
    let take = move |lines: &[u8]| {
        let mut learner = taking.lock().unwrap_or_else(PoisonError::into_inner);
        match learner.take(lines) {
            Ok(go_on) => go_on,
            Err(error) => {
                learner.failed = Some(error);
                false
            }
        }
    };
    let outcome = run::iterate(plan, inputs, options, take, observer);
    let mut learner = learner.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = learner.failed.take() {
        return Err(error);
    }
    outcome?;
    learner.end()
}

struct Learner {
    /// Lines that came before the columns were known.
    waiting: Vec<u8>,
    count: usize,
    builder: Option<Builder>,
    emit: Box<Emit>,
    failed: Option<Error>,
}

impl Learner {
    fn take(&mut self, lines: &[u8]) -> Result<bool> {
        if self.builder.is_some() {
            return self.push(lines);
        }
        self.waiting.extend_from_slice(lines);
        self.count += memchr::memchr_iter(b'\n', lines).count();
        if self.count >= LEARN || self.waiting.len() >= LEARN_BYTES {
            return self.begin();
        }
        Ok(true)
    }

    /// What came so far says which columns there are.
    fn begin(&mut self) -> Result<bool> {
        let lines = std::mem::take(&mut self.waiting);
        let mut seen = Seen::default();
        let mut arena = Bump::new();
        // So many and no more, however many came at once.
        for line in split(&lines).take(LEARN) {
            arena.reset();
            seen.record(&node(line, &arena)?);
        }
        let builder = Builder::new(&seen.layout().open());
        let schema = Arc::clone(builder.schema());
        self.builder = Some(builder);
        Ok((self.emit)(schema, None) && self.push(&lines)?)
    }

    fn push(&mut self, lines: &[u8]) -> Result<bool> {
        let mut arena = Bump::new();
        for line in split(lines) {
            arena.reset();
            let node = node(line, &arena)?;
            let Some(builder) = &mut self.builder else { return Ok(false) };
            builder.push(&node);
            if builder.bytes() >= CHUNK && !self.flush()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn flush(&mut self) -> Result<bool> {
        let Some(builder) = &mut self.builder else { return Ok(false) };
        let batch = builder.finish().map_err(|error| Error::Internal(format!("columns: {error}")))?;
        Ok((self.emit)(Arc::clone(builder.schema()), Some(batch)))
    }

    fn end(&mut self) -> Result<()> {
        if self.builder.is_none() && !self.begin()? {
            return Ok(());
        }
        if self.builder.as_ref().is_some_and(|builder| builder.rows() > 0) {
            self.flush()?;
        }
        Ok(())
    }
}

/// Lines without their ends.
fn split(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}
