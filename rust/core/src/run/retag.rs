//! `tag`: labels a finished run folder anew, from what it holds and without the raw input.
//!
//! Every kept record is read again, labelled by other packs, and its row of `columns/` written anew;
//! where the labels stand in the records too (`write.labels: inline`), so are the records. Rows keep
//! their places, so a selection that was made of the run still names the same records.
//!
//! Everything is written beside what it replaces, in `OUT/.tag`, and takes its place only when all of it is
//! on the medium: then a list of the moves is written, then they are made, the manifest's last. A
//! folder whose moves were cut short is finished by the next `tag`; until then `audit` says so.

mod moves;

pub(super) use moves::forget;
pub(crate) use moves::is_torn;

use super::folder::acquire;
use super::inline::{fields, quoted};
use super::label_counts::{Numbers, Tally};
use super::processed::Names;
use super::station::{declared_label, given_labels};
use crate::json::{Limits, Node, parse};
use crate::record::labels::Vocabulary;
use crate::record::{Origin, Place, Record};
use crate::report::Report;
use crate::stage::PerRecord;
use crate::stage::parse::{LABELS, ParseSettings, Parsed, Parser};
use crate::stage::read::{Body, Unit};
use crate::stage::tag::{TagSettings, Tagger};
use crate::stage::write::LabelPlace;
use crate::stage::write::disk::{Disk, refuse_link};
use crate::stage::write::encode::Encoder;
use crate::stage::write::form::Form;
use crate::stage::write::manifest::{MANIFEST, Manifest, ManifestFile};
use crate::stage::write::row_log::RowLog;
use crate::stage::write::rows::Row;
use crate::stage::write::shards::{Lines, each_row};
use crate::stage::write::sink::Sink;
use crate::{Error, Result};
use bumpalo::Bump;
use moves::{MOVES, WORK, clear, finish_moves};
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

/// Labels the run in `folder` anew; `stop` is asked now and then.
///
/// # Errors
/// A folder that is not a finished run in form `messages`, packs that cannot be used, a file that does
/// not hold what the manifest says, a system call that failed; [`Error::Interrupted`]. The folder is as
/// it was, or as it is to become once `tag` runs again.
pub fn retag(folder: &Path, settings: &TagSettings, stop: &dyn Fn() -> bool) -> Result<Retagged> {
    retag_with(folder, settings, Disk::default(), stop)
}

/// The same with file operations that tests let fail.
///
/// # Errors
/// As [`retag`].
#[doc(hidden)]
pub fn retag_with(folder: &Path, settings: &TagSettings, disk: Disk, stop: &dyn Fn() -> bool) -> Result<Retagged> {
    let name = || folder.display().to_string();
    let tagger = Tagger::new(settings)?;
    // A folder in which nothing was begun says itself what is wrong with it.
    let begun = folder.join(WORK).exists();
    if !begun {
        written(&Manifest::load(folder).map_err(unfinished)?, &name())?;
    }
    let work = folder.join(WORK);
    for folder in [&work, &work.join(".run"), &folder.join("data"), &folder.join("columns")] {
        refuse_link(folder)?;
    }
    disk.create_folder(&work)?;
    let lock = disk.open(&work.join("lock"))?;
    if !acquire(&lock) {
        return Err(Error::output(name(), "another corpuskit is labelling here").with_hint("wait until it is done"));
    }
    finish_moves(folder, &disk)?;
    let manifest = Manifest::load(folder)?;
    let write = written(&manifest, &name())?;
    clear(&work, &disk)?;
    disk.create_folder(&work.join(".run"))?;
    let mut retagger = Retagger {
        folder,
        parser: Parser::new(&parse_settings(&manifest))?,
        numbers: Numbers::new(Arc::clone(tagger.vocabulary())),
        tally: Tally::new(Arc::clone(tagger.vocabulary())),
        declared: Names::default(),
        rows: RowLog::new(Some((&disk, &work)), Arc::clone(tagger.vocabulary())),
        sink: (write.labels == LabelPlace::Inline).then(|| Sink::new("data", 0, Some((&disk, &work)), &write)),
        encoder: Encoder::new(&write)?,
        arena: Bump::new(),
        tagger,
        stop,
        records: 0,
    };
    let outcome = retagger.all(&manifest).and_then(|()| retagger.commit(manifest, settings, &disk));
    if outcome.is_err() && !is_torn(folder) {
        // Nothing took its place: nothing of it stays.
        let _ = clear(&work, &disk);
        let _ = disk.remove(&work.join("lock"));
        let _ = disk.remove_empty_folder(&work);
    }
    outcome
}

/// How its lines are read: nothing in them is to be mended, and nothing is too deep.
fn parse_settings(manifest: &Manifest) -> ParseSettings {
    let given = manifest.plan.get("parse").cloned().and_then(|parse| serde_json::from_value(parse).ok());
    let given: ParseSettings = given.unwrap_or_default();
    ParseSettings { max_depth: given.max_depth, ..ParseSettings::default() }
}

/// How the run was written; refuses what does not hold the records themselves.
fn written(manifest: &Manifest, name: &str) -> Result<crate::stage::write::WriteSettings> {
    let write = manifest.plan.get("write").cloned().unwrap_or_default();
    let mut write: crate::stage::write::WriteSettings = serde_json::from_value(write)
        .map_err(|error| Error::output(name, format!("was written by another version of corpuskit: {error}")))?;
    if write.form != Form::Messages {
        return Err(Error::output(
            name,
            "holds records in another form than `messages`, which has no place for labels",
        )
        .with_hint("run `corpuskit process` with `write.form: messages`"));
    }
    let foreign = manifest.files.iter().find(|file| file.path.starts_with("data/") && !file.path.contains(".jsonl"));
    if let Some(file) = foreign {
        return Err(Error::output(name, format!("`{}` is not JSON Lines, so it cannot be labelled anew", file.path)));
    }
    // Shards keep their rows.
    write.shard_bytes = u64::MAX;
    Ok(write)
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
    stop: &'r dyn Fn() -> bool,
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
        Ok(())
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
        let mut lines = Lines::open(&self.folder.join(&data.path))?;
        let folder = self.folder;
        let wrong = || damaged(folder, &format!("{} and {} do not hold the same records", data.path, columns.path));
        let (path, mut row_bytes) = (self.folder.join(&columns.path), Vec::new());
        each_row(&path, |row| {
            if self.records.is_multiple_of(1024) && (self.stop)() {
                return Err(Error::Interrupted);
            }
            let line = lines.next()?.ok_or_else(wrong)?;
            self.record(line, row, &mut row_bytes)?;
            self.records += 1;
            Ok(true)
        })?;
        if lines.next()?.is_some() {
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
        let mut numbers = Vec::new();
        self.numbers.of(&record, &mut self.declared, &mut numbers);
        self.tally.add(&numbers);
        row_bytes.clear();
        relabelled(&self.tagger, old, &record).write(row_bytes);
        self.rows.append(row_bytes)?;
        if let Some(sink) = &mut self.sink {
            let mut out = Vec::with_capacity(line.len() + 64);
            rewrite(&node, &record, self.tagger.vocabulary(), arena, &mut out);
            sink.append(&out, 1, &mut Vec::new())?;
            run_work(sink, &mut self.encoder)?;
        }
        Ok(())
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

/// The row with its new labels.
fn relabelled<'a>(tagger: &'a Tagger, old: &Row<'a>, record: &Record<'a>) -> Row<'a> {
    let mut row = Row {
        category: None,
        persona: None,
        traits: Vec::new(),
        observed: Vec::new(),
        labels: record.labels,
        ..old.clone()
    };
    given_labels(tagger, record, &mut row);
    for member in &record.fields {
        let value = match member.value.as_str() {
            Some(text) => Some(text),
            None if member.value.is_null() => None,
            None => Some(member.value.raw),
        };
        declared_label(member, value, &mut row);
    }
    row
}

/// Whether a field of a line was written by us rather than declared by its source.
fn is_ours(line: &Node<'_>, key: &str) -> bool {
    key != "_source" && LABELS.contains(&key) && {
        let declared = line.get("_schema").and_then(|schema| schema.get("declared"));
        let declared = declared.as_ref().and_then(|node| node.as_array()).unwrap_or_default();
        !declared.iter().any(|node| node.as_str() == Some(key))
    }
}

/// The line with its new labels; everything else as it is spelled.
fn rewrite(line: &Node<'_>, record: &Record<'_>, vocabulary: &Vocabulary, arena: &Bump, out: &mut Vec<u8>) {
    let members = line.as_object().unwrap_or_default();
    let fields = fields(record.labels.given, vocabulary, arena);
    let mut add = |key: &str, value: &str| {
        out.push(if out.is_empty() { b'{' } else { b',' });
        out.extend_from_slice(key.as_bytes());
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    };
    for member in members {
        if member.key == "_origin" {
            for (key, value) in fields.into_iter().flatten() {
                if record.field(key).is_none() {
                    add(quoted(key), value);
                }
            }
        }
        if !is_ours(line, member.key) {
            add(member.raw_key, member.value.raw);
        }
    }
    out.extend_from_slice(b"}\n");
}

/// The path of an origin.
fn path_of(origin: &str) -> &str {
    match origin.rsplit_once([':', '#']) {
        Some((path, place)) if !place.is_empty() && place.bytes().all(|byte| byte.is_ascii_digit()) => path,
        _ => origin.rsplit_once('#').map_or(origin, |(path, _)| path),
    }
}

/// No manifest, no finished run.
fn unfinished(error: Error) -> Error {
    match error {
        Error::Io { path, source } if source.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(&path).display().to_string();
            Error::output(folder, "has no manifest, expected the folder of a finished run")
                .with_hint("an unfinished run is continued by the command that began it")
        }
        error => error,
    }
}

fn report(folder: &Path) -> Result<Report> {
    let path = folder.join("report.json");
    let text = std::fs::read(&path).map_err(|error| Error::io(&path, error))?;
    serde_json::from_slice(&text).map_err(|_| damaged(folder, "report.json is damaged"))
}

fn damaged(folder: &Path, what: &str) -> Error {
    Error::output(folder.display().to_string(), what.to_owned()).with_hint("`corpuskit audit` names what is wrong")
}
