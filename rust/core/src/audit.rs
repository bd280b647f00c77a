//! `audit`: counts a run folder again and compares everything that it says about itself.
//!
//! Nothing is taken from the run that made it: files are hashed and lines counted anew. One changed
//! byte in any file but `timings.json` is found, and the file is named.

use crate::digest::{Digest, Tree};
use crate::json::{self, Limits, Node};
use crate::report::{OTHER_TAGS, Report, Sum};
use crate::run::folder::{FOLDERS, list};
use crate::run::retag::is_torn;
use crate::stage::write::manifest::{MANIFEST, Manifest, ManifestFile};
use crate::stage::write::shards::{each_line, each_row};
use crate::text::hash;
use crate::{Error, Result};
use bumpalo::Bump;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Deep enough for a record of the deepest input, inside the line of `dropped/`.
const DEPTH: usize = 2048;

/// Most problems that are listed one by one.
const MOST: usize = 100;

/// What an audit found.
#[derive(Clone, Debug, Serialize)]
pub struct Audit {
    /// Files whose digests were compared.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// The account, counted again from the files.
    pub counted: Report,
    /// What is wrong, file first. Empty: all is well.
    pub problems: Vec<String>,
    /// Files that the manifest does not know.
    pub unknown: Vec<String>,
}

impl Audit {
    /// Whether all is well.
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, what: String) {
        if self.problems.len() < MOST {
            self.problems.push(what);
        } else if self.problems.len() == MOST {
            self.problems.push("and more".to_owned());
        }
    }

    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, file: &str, what: &str, said: &T, found: &T) {
        if said != found {
            self.problem(format!("{file}: {what}: says {said:?}, counted {found:?}"));
        }
    }
}

/// Audits a finished run folder.
///
/// # Errors
///
/// Where the folder is not a finished run or cannot be read. What does not agree is no error but
/// listed in [`Audit::problems`].
pub fn audit(folder: &Path) -> Result<Audit> {
    let mut audit = Audit { files: 0, bytes: 0, counted: Report::default(), problems: Vec::new(), unknown: Vec::new() };
    let manifest = match Manifest::load(folder) {
        Ok(manifest) => manifest,
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            let hint = "an unfinished run is continued by the command that began it";
            return Err(Error::output(
                folder.display().to_string(),
                "has no manifest, expected the folder of a finished run",
            )
            .with_hint(hint));
        }
        Err(Error::Check(problem) | Error::Output { problem, .. }) => {
            audit.problem(format!("{MANIFEST}: {problem}"));
            return Ok(audit);
        }
        Err(error) => return Err(error),
    };
    if is_torn(folder) {
        audit.problem("an unfinished `corpuskit tag`: run it again, it goes on where it stopped".to_owned());
        return Ok(audit);
    }
    for file in &manifest.files {
        check_file(folder, file, &mut audit)?;
    }
    find_unknown(folder, &manifest, &mut audit)?;
    if audit.holds() {
        // Only whole files are worth counting: the digests have named the others.
        Counter { folder, manifest: &manifest, kept: HashSet::new() }.count(&mut audit)?;
    }
    Ok(audit)
}

fn check_file(folder: &Path, file: &ManifestFile, audit: &mut Audit) -> Result<()> {
    let path = folder.join(&file.path);
    let escapes = Path::new(&file.path).components().any(|part| !matches!(part, std::path::Component::Normal(_)));
    if escapes {
        audit.problem(format!("{MANIFEST}: names `{}`, which is not inside the folder", file.path));
        return Ok(());
    }
    match digest(&path) {
        Ok((bytes, digest)) => {
            audit.files += 1;
            audit.bytes += bytes;
            if (bytes, digest) != (file.bytes, file.digest) {
                audit.problem(format!("{}: was changed, its digest does not agree", file.path));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            audit.problem(format!("{}: is missing", file.path));
        }
        Err(error) => return Err(Error::io(path, error)),
    }
    Ok(())
}

/// Length and BLAKE3 of a file.
pub(crate) fn digest(path: &Path) -> std::io::Result<(u64, Digest)> {
    let mut file = File::open(path)?;
    let mut tree = Tree::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((tree.bytes(), tree.finish())),
            count => tree.update(&buffer[..count]),
        }
    }
}

fn find_unknown(folder: &Path, manifest: &Manifest, audit: &mut Audit) -> Result<()> {
    let known: HashSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    let mut found: Vec<String> = list(folder)?.into_iter().filter(|name| !folder.join(name).is_dir()).collect();
    for name in FOLDERS {
        found.extend(list(&folder.join(name))?.into_iter().map(|file| format!("{name}/{file}")));
    }
    for name in found {
        if known.contains(name.as_str()) || name == MANIFEST || name == "timings.json" {
            continue;
        }
        if name.contains("/part-") {
            // A shard that nobody vouches for would be read as if it belonged to the run.
            audit.problem(format!("{name}: is not in the manifest"));
        }
        audit.unknown.push(name);
    }
    Ok(())
}

struct Counter<'a> {
    folder: &'a Path,
    manifest: &'a Manifest,
    /// Hashes of the origins of kept records.
    kept: HashSet<[u64; 2]>,
}

impl Counter<'_> {
    fn count(&mut self, audit: &mut Audit) -> Result<()> {
        let path = self.folder.join("report.json");
        let text = std::fs::read(&path).map_err(|error| Error::io(&path, error))?;
        let said: Report = serde_json::from_slice(&text)
            .map_err(|error| Error::output(path.display().to_string(), format!("is not a report: {error}")))?;
        let rows = ["data", "dropped", "duplicates", "rejected", "columns"].map(|name| {
            let prefix = format!("{name}/");
            let files = self.manifest.files.iter().filter(|file| file.path.starts_with(&prefix));
            files.map(|file| file.path.clone()).collect::<Vec<_>>()
        });
        let columns = self.columns(&rows[4], audit)?;
        let data = self.data(&rows[0], &rows[4], audit)?;
        let mut dropped: BTreeMap<String, u64> = BTreeMap::new();
        let dropped_lines = self.lines(&rows[1], audit, |line, _| {
            let reason = text_of(line, "reason").ok_or("has no reason")?;
            *dropped.entry(reason.to_owned()).or_default() += 1;
            line.get("record").ok_or("has no record").map(|_| ())
        })?;
        let mut rejected: BTreeMap<String, u64> = BTreeMap::new();
        let rejected_lines = self.lines(&rows[3], audit, |line, _| {
            let reason = text_of(line, "reason").ok_or("has no reason")?;
            *rejected.entry(reason.to_owned()).or_default() += 1;
            line.get("raw").or(line.get("raw_base64")).ok_or("has no raw bytes").map(|_| ())
        })?;
        let mut kinds = [0, 0];
        let duplicate_lines = self.lines(&rows[2], audit, |line, kept| {
            let of = text_of(line, "of").ok_or("does not say whom it doubles")?;
            match text_of(line, "kind") {
                Some("exact") => kinds[0] += 1,
                Some("near") => kinds[1] += 1,
                _ => return Err("is neither exact nor near"),
            }
            if kept.contains(&hash::wide(of.as_bytes())) { Ok(()) } else { Err("doubles a record that is not kept") }
        })?;
        let counted = &mut audit.counted;
        counted.units = said.units;
        counted.units.rejected = rejected_lines;
        counted.units.read = self.manifest.inputs.iter().map(|input| input.units).sum();
        counted.records.records = data + dropped_lines + duplicate_lines;
        counted.units.in_records = counted.records.records;
        counted.records.kept = data;
        counted.records.dropped = dropped_lines;
        counted.records.duplicates = duplicate_lines;
        counted.dropped = dropped;
        counted.rejected = rejected;
        counted.duplicates.exact = kinds[0];
        counted.duplicates.near = kinds[1];
        self.compare(&said, audit, [data, dropped_lines, duplicate_lines, rejected_lines, columns]);
        Ok(())
    }

    /// What the report says against what was counted, and the sums.
    fn compare(&self, said: &Report, audit: &mut Audit, rows: [u64; 5]) {
        let found = audit.counted.clone();
        let file = "report.json";
        audit.compare(file, "units", &said.units, &found.units);
        audit.compare(file, "records", &said.records, &found.records);
        audit.compare(file, "rejected", &said.rejected, &found.rejected);
        audit.compare(file, "dropped", &said.dropped, &found.dropped);
        audit.compare(file, "duplicates", &said.duplicates, &found.duplicates);
        audit.compare(file, "changes", &said.changes, &found.changes);
        audit.compare(file, "characters", &said.characters, &found.characters);
        audit.compare(file, "turns", &said.turns, &found.turns);
        compare_labels(audit, &said.labels, &found.labels);
        for (name, row) in &said.families {
            let kept = found.families.get(name).map_or(0, |row| row.kept);
            audit.compare(file, &format!("kept records of family {name}"), &row.kept, &kept);
        }
        let kept: u64 = said.sources.values().map(|row| row.kept).sum();
        audit.compare(file, "kept records of all sources", &kept, &rows[4]);
        let mut summed = said.clone();
        (summed.units, summed.records) = (found.units, found.records);
        summed.check(rows);
        audit.compare(file, "sums", &said.sums, &summed.sums);
        let broken: Vec<Sum> = summed.sums.iter().filter(|sum| !sum.holds).cloned().collect();
        for Sum { what, left, right, .. } in broken {
            audit.problem(format!("{what}: {left} is not {right}"));
        }
        audit.counted.sums = summed.sums;
    }

    /// Rows of `columns/`; fills the kept origins and what follows from rows.
    fn columns(&mut self, files: &[String], audit: &mut Audit) -> Result<u64> {
        let mut all = 0;
        for name in files {
            let mut rows = 0;
            each_row(&self.folder.join(name), |row| {
                rows += 1;
                self.kept.insert(hash::wide(row.origin.as_bytes()));
                let counted = &mut audit.counted;
                counted.characters.add(row.characters);
                counted.turns.add(u64::from(row.turns));
                counted.add_changes(&row.changes);
                let fixed = [("category", row.category), ("persona", row.persona)];
                let fixed = fixed.into_iter().filter_map(|(column, tag)| Some((column, tag?)));
                let traits = row.traits.iter().map(|&tag| ("traits", tag));
                for (column, tag) in fixed.chain(traits).chain(row.observed.iter().copied()) {
                    counted.add_label(column, tag, 1);
                }
                counted.families.entry(format!("{}.{}", row.family, row.dialect)).or_default().kept += 1;
                Ok(true)
            })?;
            self.require_rows(name, rows, audit);
            all += rows;
        }
        let origins = self.kept.len() as u64;
        if origins != all {
            audit.problem(format!("columns: {all} rows, but {origins} different origins"));
        }
        Ok(all)
    }

    /// Lines of `data/`, each beside its row of `columns/`.
    fn data(&self, files: &[String], columns: &[String], audit: &mut Audit) -> Result<u64> {
        let has_origin = self.manifest.plan.pointer("/write/form").and_then(|form| form.as_str()) == Some("messages");
        let mut all = 0;
        for (index, name) in files.iter().enumerate() {
            let mut origins = Vec::new();
            match columns.get(index) {
                Some(columns) => each_row(&self.folder.join(columns), |row| {
                    origins.push(hash::wide(row.origin.as_bytes()));
                    Ok(true)
                })?,
                None => audit.problem(format!("{name}: has no file in columns")),
            }
            let mut rows = 0;
            let mut arena = Bump::new();
            each_line(&self.folder.join(name), |line| {
                let problem = match parse(line, &arena) {
                    None => Some("is not JSON"),
                    Some(node) if has_origin => {
                        let origin = text_of(&node, "_origin").map(|origin| hash::wide(origin.as_bytes()));
                        (origin.is_none() || origin != origins.get(rows as usize).copied())
                            .then_some("is not the record of its row in columns")
                    }
                    Some(_) => None,
                };
                rows += 1;
                if let Some(problem) = problem {
                    audit.problem(format!("{name}: line {rows} {problem}"));
                }
                arena.reset();
                Ok(true)
            })?;
            if rows != origins.len() as u64 {
                audit.problem(format!("{name}: {rows} lines, but {} rows of columns", origins.len()));
            }
            self.require_rows(name, rows, audit);
            all += rows;
        }
        Ok(all)
    }

    /// Lines of a folder of what is not kept.
    fn lines(
        &self,
        files: &[String],
        audit: &mut Audit,
        mut look: impl FnMut(&Node<'_>, &HashSet<[u64; 2]>) -> Result<(), &'static str>,
    ) -> Result<u64> {
        let mut all = 0;
        for name in files {
            let mut rows = 0;
            let mut arena = Bump::new();
            each_line(&self.folder.join(name), |line| {
                rows += 1;
                let outcome = match parse(line, &arena) {
                    None => Err("is not JSON"),
                    Some(node) if text_of(&node, "origin").is_none() => Err("has no origin"),
                    Some(node) => look(&node, &self.kept),
                };
                if let Err(problem) = outcome {
                    audit.problem(format!("{name}: line {rows} {problem}"));
                }
                arena.reset();
                Ok(true)
            })?;
            self.require_rows(name, rows, audit);
            all += rows;
        }
        Ok(all)
    }

    fn require_rows(&self, name: &str, rows: u64, audit: &mut Audit) {
        let said = self.manifest.files.iter().find(|file| file.path == name).and_then(|file| file.rows);
        if said != Some(rows) {
            audit.problem(format!("{name}: {rows} rows, but the manifest says {said:?}"));
        }
    }
}

/// Compares label by label; of a column with more tags than are counted one by one, the sum.
fn compare_labels(
    audit: &mut Audit,
    said: &BTreeMap<String, BTreeMap<String, u64>>,
    found: &BTreeMap<String, BTreeMap<String, u64>>,
) {
    let none = BTreeMap::new();
    let columns: std::collections::BTreeSet<&String> = said.keys().chain(found.keys()).collect();
    for column in columns {
        let [said, found] = [said, found].map(|labels| labels.get(column).unwrap_or(&none));
        let what = format!("labels of column {column}");
        if said.contains_key(OTHER_TAGS) {
            audit.compare("report.json", &what, &said.values().sum::<u64>(), &found.values().sum());
        } else {
            audit.compare("report.json", &what, said, found);
        }
    }
}

fn parse<'a>(line: &'a [u8], arena: &'a Bump) -> Option<Node<'a>> {
    let text = simdutf8::basic::from_utf8(line).ok()?;
    json::parse(text, arena, Limits { depth: DEPTH }).ok()
}

fn text_of<'a>(node: &Node<'a>, key: &str) -> Option<&'a str> {
    node.get(key)?.as_str()
}
