//! Records that wait until all are read, because which of several duplicates is kept depends on all
//! of them (`dedup.keep`). They lie in a file as the batches that they came in, ready to be written.

use super::folder::{DEDUP_LOG, WAITING};
use super::processed::{Candidate, Item, Processed};
use crate::record::{Change, Changes};
use crate::stage::dedup::{DedupSettings, Deferred, Judgement, Verdicts};
use crate::stage::write::disk::Disk;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// What of it is in a checkpoint.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LaterState {
    /// Bytes of the log of entries.
    log: u64,
    /// Bytes of the file of batches.
    written: u64,
    /// Bytes of it whose records have had their turn.
    read: u64,
    /// Records in it.
    records: u64,
    /// Records that have had their turn.
    done: u64,
}

/// The waiting records.
pub(super) struct Later {
    path: PathBuf,
    file: File,
    disk: Disk,
    state: LaterState,
    judged: Judged,
}

enum Judged {
    /// The input goes on.
    Not(Box<Deferred>),
    /// All is decided.
    All(Verdicts),
    /// Judging failed.
    Failed,
}

/// What stands before a batch's bytes.
#[derive(Deserialize, Serialize)]
struct Head {
    lines: usize,
    canonical: usize,
    rows: usize,
    candidates: usize,
    sources: Vec<String>,
    families: Vec<(String, String)>,
    /// Each kind of change, by its place in `Change::ALL`, and how often.
    changes: Vec<Vec<(u8, u32)>>,
    /// Bytes of the numbers of labels.
    labels: usize,
    declared: Vec<String>,
}

/// Numbers of a candidate.
const NUMBERS: usize = 10;

impl Later {
    /// Nothing waits yet. The files are made in `folder`.
    pub fn create(settings: &DedupSettings, normaliser: &str, folder: &Path, disk: Disk) -> Result<Self> {
        let path = folder.join(WAITING);
        let file = disk.open(&path)?;
        disk.truncate(&file, &path, 0)?;
        let deferred = Deferred::create(settings, normaliser, &folder.join(DEDUP_LOG))?;
        let judged = Judged::Not(Box::new(deferred));
        Ok(Self { path, file, disk, state: LaterState::default(), judged })
    }

    /// What waited when `state` was taken.
    pub fn resume(
        settings: &DedupSettings,
        normaliser: &str,
        folder: &Path,
        disk: Disk,
        state: LaterState,
    ) -> Result<Self> {
        let path = folder.join(WAITING);
        let file = disk.open(&path)?;
        let there = file.metadata().map_err(|error| Error::io(&path, error))?.len();
        if there < state.written {
            let problem = format!("{there} bytes, but the checkpoint needs {}", state.written);
            return Err(Error::output(path.display().to_string(), problem).with_hint("start again with `--force`"));
        }
        disk.truncate(&file, &path, state.written)?;
        let deferred = Deferred::resume(settings, normaliser, &folder.join(DEDUP_LOG), state.log)?;
        Ok(Self { path, file, disk, state, judged: Judged::Not(Box::new(deferred)) })
    }

    /// Whether records are still taken.
    pub fn is_open(&self) -> bool {
        matches!(self.judged, Judged::Not(_))
    }

    /// Records that wait.
    pub fn waiting(&self) -> u64 {
        self.state.records - self.state.done
    }

    /// What a checkpoint needs to know.
    pub fn state(&mut self) -> Result<LaterState> {
        if let Judged::Not(deferred) = &mut self.judged {
            self.state.log = deferred.mark()?;
        }
        Ok(self.state)
    }

    /// Takes the candidates of the next batch in input order.
    pub fn take(&mut self, batch: &Processed) -> Result<()> {
        let Judged::Not(deferred) = &mut self.judged else {
            return Err(Error::Internal("a batch came after the last".to_owned()));
        };
        let mut numbers = Vec::new();
        let mut start = 0;
        for item in &batch.items {
            if let Item::Candidate(candidate) = item {
                deferred.take(&batch.entries[start..candidate.entry])?;
                start = candidate.entry;
                pack(candidate).iter().for_each(|number| numbers.extend_from_slice(&number.to_le_bytes()));
            }
        }
        let candidates = numbers.len() / (8 * NUMBERS);
        if candidates == 0 {
            return Ok(());
        }
        let head = Head {
            lines: batch.lines.len(),
            canonical: batch.canonical.len(),
            rows: batch.rows.len(),
            candidates,
            sources: batch.sources.all().to_vec(),
            families: batch.families.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect(),
            changes: batch.changes.iter().map(|changes| changes.iter().map(|(c, n)| (c as u8, n)).collect()).collect(),
            labels: batch.labels.len() * 4,
            declared: batch.declared.all().to_vec(),
        };
        let labels: Vec<u8> = batch.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
        let head = serde_json::to_vec(&head).map_err(|error| Error::Internal(format!("waiting records: {error}")))?;
        let length = (head.len() as u64).to_le_bytes();
        let parts = [&length[..], &head, &numbers, &batch.lines, &batch.canonical, &batch.rows, &labels];
        // After an error the file may hold a part: the next attempt writes from the same place.
        let mut end = self.state.written;
        for part in parts {
            self.disk.write_at(&self.file, &self.path, part, end)?;
            end += part.len() as u64;
        }
        self.state.written = end;
        self.state.records += candidates as u64;
        Ok(())
    }

    /// The next batch whose records can be written, now that all are read; `false` after the last.
    pub fn next(&mut self, out: &mut Processed) -> Result<bool> {
        if let Judged::Not(_) = self.judged {
            self.state()?;
            if let Judged::Not(deferred) = std::mem::replace(&mut self.judged, Judged::Failed) {
                self.judged = Judged::All(deferred.judge()?);
            }
        }
        out.clear();
        if self.state.read >= self.state.written {
            return Ok(false);
        }
        let damaged =
            || Error::output(self.path.display().to_string(), "is damaged").with_hint("start again with `--force`");
        let mut at = self.state.read;
        let mut take = |length: usize, into: &mut Vec<u8>| -> Result<()> {
            if length as u64 > self.state.written - at {
                return Err(damaged());
            }
            into.clear();
            into.resize(length, 0);
            self.file.read_exact_at(into, at).map_err(|error| Error::io(&self.path, error))?;
            at += length as u64;
            Ok(())
        };
        let mut bytes = Vec::new();
        take(8, &mut bytes)?;
        let length = bytes.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
        take(length, &mut bytes)?;
        let head: Head = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        take(head.candidates.saturating_mul(NUMBERS * 8), &mut bytes)?;
        take(head.lines, &mut out.lines)?;
        take(head.canonical, &mut out.canonical)?;
        take(head.rows, &mut out.rows)?;
        let mut labels = Vec::new();
        take(head.labels, &mut labels)?;
        out.labels.extend(labels.as_chunks().0.iter().map(|label| u32::from_le_bytes(*label)));
        head.declared.iter().for_each(|name| {
            out.declared.number(name);
        });
        let words: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        out.items.extend(words.as_chunks().0.iter().map(|numbers| Item::Candidate(unpack(numbers))));
        head.sources.iter().for_each(|name| {
            out.sources.number(name);
        });
        out.families.extend(head.families.into_iter().map(|(family, dialect)| (family.into(), dialect.into())));
        for list in head.changes {
            let mut changes = Changes::default();
            for (kind, times) in list {
                Change::ALL.get(usize::from(kind)).into_iter().for_each(|&kind| changes.add(kind, times));
            }
            out.changes.push(changes);
        }
        self.state.read = at;
        Ok(true)
    }

    /// What was decided about the next record of the batches that `next` gave.
    pub fn judgement(&mut self) -> Result<Judgement> {
        let Judged::All(verdicts) = &self.judged else {
            return Err(Error::Internal("a record is asked about before all are judged".to_owned()));
        };
        let judgement = verdicts.of(self.state.done)?;
        self.state.done += 1;
        Ok(judgement)
    }
}

fn pack(candidate: &Candidate) -> [u64; NUMBERS] {
    let Candidate { line, canonical, row, entry: _, source, family, characters, turns, changes, labels } = *candidate;
    let [line, canonical, row, first, last] = [line, canonical, row, labels.0, labels.1].map(|end| end as u64);
    let [source, family, turns, changes] = [source, family, turns, changes].map(u64::from);
    [line, canonical, row, source, family, characters, turns, changes, first, last]
}

fn unpack(numbers: &[u64; NUMBERS]) -> Candidate {
    let [line, canonical, row, source, family, characters, turns, changes, first, last] = *numbers;
    let [line, canonical, row, first, last] = [line, canonical, row, first, last].map(|end| end as usize);
    let [source, family, turns, changes] = [source, family, turns, changes].map(|number| number as u32);
    Candidate { line, canonical, row, entry: 0, source, family, characters, turns, changes, labels: (first, last) }
}
