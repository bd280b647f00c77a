//! `tag`: labels a finished run folder anew, from what it holds and without the raw input.
//!
//! Every kept record is read again, labelled by other packs, and its row of `columns/` written anew;
//! where the labels stand in the records too (`write.labels: inline`), so are the records. Rows keep
//! their places, so a selection that was made of the run still names the same records.
//!
//! Everything is written beside what it replaces, in `OUT/.tag`, and takes its place only when all of it is
//! on the medium: then a list of the moves is written, then they are made, the manifest's last. A
//! folder whose moves were cut short is finished by the next `tag`; until then `audit` says so.

mod lines;
mod moves;
mod own;
mod run_folder;

pub(super) use moves::forget;
pub(crate) use moves::is_torn;
pub use own::{OwnColumn, OwnLabels};

use super::folder::acquire;
use super::label_counts::{Numbers, Tally};
use super::processed::Names;
use crate::json::{Limits, parse};
use crate::record::{Origin, Place};
use crate::stage::PerRecord;
use crate::stage::parse::{Parsed, Parser};
use crate::stage::read::{Body, Unit};
use crate::stage::tag::{TagSettings, Tagger};
use crate::stage::write::LabelPlace;
use crate::stage::write::disk::{Disk, refuse_link};
use crate::stage::write::encode::Encoder;
use crate::stage::write::manifest::{MANIFEST, Manifest, ManifestFile};
use crate::stage::write::row_log::RowLog;
use crate::stage::write::rows::Row;
use crate::stage::write::shards::{Rows, each_line};
use crate::stage::write::sink::Sink;
use crate::{Error, Result};
use bumpalo::Bump;
use lines::{is_ours, path_of, relabelled, rewrite};
use moves::{MOVES, WORK, clear, finish_moves};
use own::Given;
use run_folder::{damaged, parse_settings, report, unfinished, written};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Deep enough for a record of the deepest input.
const DEPTH: usize = 2048;

/// What `tag` came to.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Retagged {
    /// Records that were labelled.
    pub records: u64,
    /// Kept records by label column and tag.
    pub labels: BTreeMap<String, BTreeMap<String, u64>>,
    /// The new manifest's digest.
    pub digest: String,
}

/// What says whether to leave.
type Stop<'s> = &'s (dyn Fn() -> bool + Sync);

/// Labels the run in `folder` anew, with labels of the caller's own beside those of the settings; `stop` is asked
/// now and then.
///
/// # Errors
/// A folder that is not a finished run in form `messages`, packs or own labels that cannot be used, a file that does
/// not hold what the manifest says, a system call that failed; [`Error::Interrupted`]. The folder is as
/// it was, or as it is to become once `tag` runs again.
pub fn retag(folder: &Path, settings: &TagSettings, own: Option<&OwnLabels>, stop: Stop<'_>) -> Result<Retagged> {
    retag_with(folder, settings, own, Disk::default(), stop)
}

/// The same with file operations that tests let fail.
///
/// # Errors
/// As [`retag`].
#[doc(hidden)]
pub fn retag_with(
    folder: &Path,
    settings: &TagSettings,
    own: Option<&OwnLabels>,
    disk: Disk,
    stop: Stop<'_>,
) -> Result<Retagged> {
    let name = || folder.display().to_string();
    let mut tagger = Tagger::new(settings)?;
    let given = own.map(|own| Given::open(own, &mut tagger)).transpose()?;
    let work = folder.join(WORK);
    // A folder in which nothing was begun says itself what is wrong with it.
    if !work.exists() {
        written(&Manifest::load(folder).map_err(unfinished)?, &name())?;
    }
    for folder in [&work, &work.join(".run"), &work.join("data"), &folder.join("data"), &folder.join("columns")] {
        refuse_link(folder)?;
    }
    disk.create_folder(&work)?;
    let lock = disk.open(&work.join("lock"))?;
    if !acquire(&lock) {
        return Err(Error::output(name(), "another corpuskit is labelling here").with_hint("wait until it is done"));
    }
    let outcome = locked(folder, settings, tagger, own.zip(given), &disk, stop);
    if outcome.is_err() && !is_torn(folder) {
        // Nothing took its place: nothing of it stays.
        let _ = clear(&work, &disk);
        let _ = disk.remove(&work.join("lock"));
        let _ = disk.remove_empty_folder(&work);
    }
    outcome
}

/// The same with the lock held.
fn locked(
    folder: &Path,
    settings: &TagSettings,
    tagger: Tagger,
    own: Option<(&OwnLabels, Given)>,
    disk: &Disk,
    stop: Stop<'_>,
) -> Result<Retagged> {
    let work = folder.join(WORK);
    finish_moves(folder, disk)?;
    let manifest = Manifest::load(folder)?;
    let write = written(&manifest, &folder.display().to_string())?;
    let own = own.map(|(own, given)| own::check(own, &manifest.digest, folder).map(|()| given)).transpose()?;
    clear(&work, disk)?;
    disk.create_folder(&work.join(".run"))?;
    let mut retagger = Retagger {
        folder,
        parser: Parser::new(&parse_settings(&manifest))?,
        numbers: Numbers::new(Arc::clone(tagger.vocabulary())),
        tally: Tally::new(Arc::clone(tagger.vocabulary())),
        declared: Names::default(),
        rows: RowLog::new(Some((disk, &work)), Arc::clone(tagger.vocabulary())),
        sink: (write.labels == LabelPlace::Inline).then(|| Sink::new("data", 0, Some((disk, &work)), &write)),
        encoder: Encoder::new(&write)?,
        arena: Bump::new(),
        tagger,
        own,
        stop,
        records: 0,
    };
    retagger.all(&manifest)?;
    retagger.commit(manifest, settings, disk)
}

struct Retagger<'r> {
    folder: &'r Path,
    parser: Parser,
    tagger: Tagger,
    numbers: Numbers,
    tally: Tally,
    declared: Names,
    rows: RowLog,
    sink: Option<Sink>,
    encoder: Encoder,
    arena: Bump,
    own: Option<Given>,
    stop: Stop<'r>,
    records: u64,
}

impl Retagger<'_> {
    fn all(&mut self, manifest: &Manifest) -> Result<()> {
        let of = |prefix: &'static str| manifest.files.iter().filter(move |file| file.path.starts_with(prefix));
        let (data, columns): (Vec<_>, Vec<_>) = (of("data/").collect(), of("columns/").collect());
        if data.len() != columns.len() {
            return Err(damaged(self.folder, "data/ and columns/ have different numbers of files"));
        }
        for (data, columns) in data.into_iter().zip(columns) {
            self.shard(data, columns)?;
        }
        self.own.as_mut().map_or(Ok(()), Given::finish)
    }

    /// One shard: its lines and its rows stand side by side.
    fn shard(&mut self, data: &ManifestFile, columns: &ManifestFile) -> Result<()> {
        for file in [data, columns] {
            let path = self.folder.join(&file.path);
            let found = crate::audit::digest(&path).map_err(|error| Error::io(&path, error))?;
            if found != (file.bytes, file.digest) {
                return Err(damaged(self.folder, &format!("{} was changed, its digest does not agree", file.path)));
            }
        }
        let folder = self.folder;
        let wrong = || damaged(folder, &format!("{} and {} do not hold the same records", data.path, columns.path));
        let mut rows = Rows::open(&self.folder.join(&columns.path))?;
        let mut row_bytes = Vec::new();
        each_line(&self.folder.join(&data.path), |line| {
            if self.records.is_multiple_of(1024) && (self.stop)() {
                return Err(Error::Interrupted);
            }
            let row = rows.next()?.ok_or_else(wrong)?;
            self.record(line, &row.read()?, &mut row_bytes)?;
            self.records += 1;
            Ok(true)
        })?;
        if rows.next()?.is_some() {
            return Err(wrong());
        }
        if let Some(work) = self.rows.close()? {
            self.rows.accept(work.run()?);
        }
        if let Some(sink) = &mut self.sink {
            sink.seal();
            run_work(sink, &mut self.encoder)?;
            sink.close()?;
            run_work(sink, &mut self.encoder)?;
        }
        Ok(())
    }

    fn record(&mut self, line: &[u8], old: &Row<'_>, row_bytes: &mut Vec<u8>) -> Result<()> {
        let folder = self.folder;
        let wrong = |what: &str| damaged(folder, &format!("the record {}: {what}", old.origin));
        self.arena.reset();
        let arena = &self.arena;
        let text = std::str::from_utf8(line).map_err(|_| wrong("is not UTF-8"))?;
        let node = parse(text, arena, Limits { depth: DEPTH }).map_err(|_| wrong("is not JSON"))?;
        if node.get("_origin").and_then(|origin| origin.as_str()) != Some(old.origin) {
            return Err(wrong("stands beside another line"));
        }
        let origin = Origin { path: path_of(old.origin), place: Place::Whole };
        let unit = Unit { origin, byte: 0, body: Body::Json(line) };
        let Parsed::Record(mut record) = self.parser.parse(&unit, arena)? else {
            return Err(wrong("is not a record of corpuskit"));
        };
        record.fields.retain(|member| !is_ours(&node, member.key));
        let _ = self.tagger.apply(&mut record, arena);
        if let Some(sink) = &mut self.sink {
            let mut out = Vec::with_capacity(line.len() + 64);
            rewrite(&node, &record, self.tagger.vocabulary(), arena, &mut out);
            sink.append(&out, 1, &mut Vec::new())?;
            run_work(sink, &mut self.encoder)?;
        }
        if let Some(own) = &mut self.own {
            own.add(&self.tagger, &mut record, arena)?;
        }
        let mut numbers = Vec::new();
        self.numbers.of(&record, &mut self.declared, &mut numbers);
        self.tally.add(&numbers);
        row_bytes.clear();
        relabelled(&self.tagger, old, &record).write(row_bytes);
        self.rows.append(row_bytes)
    }

    /// Puts everything in its place.
    fn commit(&mut self, mut manifest: Manifest, settings: &TagSettings, disk: &Disk) -> Result<Retagged> {
        let work = self.folder.join(WORK);
        let mut report = report(self.folder)?;
        report.labels.clear();
        self.tally.report(self.declared.all(), &mut report);
        let text = super::finish::json(&report)?;
        let mut moves: Vec<(String, String)> = Vec::new();
        let mut replace = |path: String, from: String, rows: Option<u64>, bytes: u64, digest| {
            manifest.files.retain(|file| file.path != path);
            manifest.files.push(ManifestFile { path: path.clone(), bytes, digest, rows });
            moves.push((from, path));
        };
        for file in self.rows.files() {
            let path = format!("columns/part-{:05}.parquet", file.number);
            let from = format!(".run/columns-{:05}.parquet", file.number);
            replace(path, from, Some(file.rows), file.bytes, file.digest);
        }
        if let Some(sink) = &self.sink {
            for shard in &sink.shards {
                let path = sink.file_name(shard.number);
                let from = format!(".run/{}", path.replace("data/part-", "data-"));
                replace(path, from, Some(shard.rows), shard.bytes, shard.digest);
            }
        }
        let digest = crate::digest::Digest::of(&text);
        replace("report.json".to_owned(), "report.json".to_owned(), None, text.len() as u64, digest);
        manifest.files.sort_by(|one, other| one.path.cmp(&other.path));
        manifest.packs = self.tagger.packs().to_vec();
        let settings = serde_json::to_value(settings).map_err(|error| Error::Internal(format!("tag: {error}")))?;
        manifest.labelled_by = self.own.as_ref().map(|own| own.by.clone());
        // The labels of the plan itself need no mention.
        manifest.relabelled = (manifest.plan.get("tag") != Some(&settings)).then_some(settings);
        let sealed = manifest.seal()?;
        disk.replace(&work.join("report.json"), &work.join("report.json.new"), &text)?;
        disk.replace(&work.join(MANIFEST), &work.join("manifest.json.new"), &sealed)?;
        moves.push((MANIFEST.to_owned(), MANIFEST.to_owned()));
        disk.sync_parent(&work.join(".run/x"))?;
        disk.sync_parent(&work)?;
        let list = serde_json::to_vec(&moves).map_err(|error| Error::Internal(format!("moves: {error}")))?;
        disk.replace(&work.join(MOVES), &work.join("moves.json.new"), &list)?;
        finish_moves(self.folder, disk)?;
        clear(&work, disk)?;
        disk.remove(&work.join("lock"))?;
        disk.remove_empty_folder(&work)?;
        Ok(Retagged { records: self.records, labels: report.labels, digest: manifest.digest })
    }
}

fn run_work(sink: &mut Sink, encoder: &mut Encoder) -> Result<()> {
    let work: Vec<_> = sink.take_work().collect();
    work.into_iter().try_for_each(|work| sink.accept(work.run(encoder)?))
}
