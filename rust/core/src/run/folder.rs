//! The run folder: whose it is, whether a run in it goes on, and its work files in `.run/`.

use super::checkpoint::{Checkpoint, shown};
use crate::plan::Plan;
use crate::rules::Loaded;
use crate::stage::read::{Cursor, InputKind, Inputs};
use crate::stage::write::disk::{Disk, refuse_link};
use crate::stage::write::manifest::{MANIFEST, Manifest};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Folders that a run writes.
pub(crate) const FOLDERS: [&str; 5] = ["data", "columns", "dropped", "duplicates", "rejected"];

/// Files that a run writes at the end, the manifest last.
const FILES: [&str; 4] = ["report.json", "report.html", "timings.json", MANIFEST];

/// The log of kept records in `.run/`.
pub(super) const DEDUP_LOG: &str = "dedup.log";

/// The records that wait for the end of the input, in `.run/`.
pub(super) const WAITING: &str = "waiting";

/// The last checkpoint that is on the medium with all that it names.
const CHECKPOINT: &str = "checkpoint";

/// A later one that only the operating system has.
const QUICK: &str = "checkpoint.quick";

/// What a run is a run of; the same command continues it, another one does not.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    version: String,
    plan_digest: String,
    limit: Option<u64>,
    packs: Vec<Loaded>,
    inputs: Inputs,
}

impl Identity {
    pub fn new(plan: &Plan, limit: Option<u64>, inputs: &Inputs, packs: &[Loaded]) -> Self {
        Self {
            version: crate::VERSION.to_owned(),
            plan_digest: plan.digest(),
            limit,
            packs: packs.to_vec(),
            inputs: inputs.clone(),
        }
    }

    /// Refuses to continue the run `before` as this one. What the inputs hold is another question.
    fn require_same(&self, before: &Self, out: &str) -> Result<()> {
        let other = |what: String| {
            Err(Error::output(out, format!("holds an unfinished run of {what}"))
                .with_hint("continue it with the same command, or start again with `--force`"))
        };
        if before.version != self.version {
            return other(format!("corpuskit {}, this is {}", before.version, self.version));
        }
        if before.plan_digest != self.plan_digest {
            return other("another plan".to_owned());
        }
        if before.packs != self.packs {
            return other("other rule packs: a pack has changed".to_owned());
        }
        if before.limit != self.limit {
            let shown = |limit: Option<u64>| limit.map_or("no limit".to_owned(), |limit| format!("--limit {limit}"));
            return other(format!("{}, now it is {}", shown(before.limit), shown(self.limit)));
        }
        if before.inputs.arguments != self.inputs.arguments {
            return other(format!("other inputs: {}", before.inputs.arguments.join(" ")));
        }
        if self.inputs.has_stdin() {
            return Err(Error::output(out, "holds an unfinished run of standard input, which cannot be continued")
                .with_hint("start again with `--force`"));
        }
        Ok(())
    }
}

/// How a run begins.
pub(super) enum Start {
    /// From the first input.
    Fresh,
    /// From a checkpoint.
    Continue(Box<Checkpoint>),
    /// Everything was written; only the work files were left.
    Finished,
}

/// A run folder that is ours and locked.
pub(super) struct Folder {
    pub disk: Disk,
    pub out: PathBuf,
    /// Since when the system runs; `None` where it does not tell.
    pub boot: Option<String>,
    _lock: File,
}

impl Folder {
    /// Makes sure that the folder may be written, locks it, and tells how the run begins.
    pub fn open(out: &Path, disk: Disk, identity: &Identity, force: bool) -> Result<(Self, Start)> {
        let name = shown(out);
        check_place(out, &identity.inputs)?;
        let manifest = out.join(MANIFEST);
        let run = out.join(".run");
        refuse_link(&run)?;
        for folder in FOLDERS {
            refuse_link(&out.join(folder))?;
        }
        let finished = manifest.exists();
        if finished && !run.exists() && !force {
            Manifest::load(out).map_err(|_| foreign(&name))?;
            return Err(Error::output(name, "holds a finished run")
                .with_hint("choose another folder, or overwrite it with `--force`"));
        }
        if !run.exists() && !finished && !is_empty(out)? {
            return Err(foreign(&name));
        }
        if finished && !run.exists() {
            Manifest::load(out).map_err(|_| foreign(&name))?;
        }
        disk.create_folder(&run)?;
        let lock = disk.open(&run.join("lock"))?;
        if !acquire(&lock) {
            return Err(Error::output(name, "another corpuskit is writing here").with_hint("wait until it is done"));
        }
        let folder = Self { disk, out: out.to_owned(), boot: boot(), _lock: lock };
        let start = if force { None } else { folder.start(identity, finished)? };
        if let Some(start) = start {
            return Ok((folder, start));
        }
        folder.clear()?;
        let text = serde_json::to_vec(identity).map_err(|error| Error::Internal(format!("run.json: {error}")))?;
        folder.disk.replace(&run.join("run.json"), &run.join("run.json.new"), &text)?;
        folder.disk.sync_parent(&run)?;
        folder.disk.sync_parent(out)?;
        Ok((folder, Start::Fresh))
    }

    /// How an earlier run goes on, if there was one.
    fn start(&self, identity: &Identity, finished: bool) -> Result<Option<Start>> {
        let run = self.out.join(".run");
        let name = shown(&self.out);
        let Some(text) = read_if_there(&run.join("run.json"))? else {
            if finished {
                // Killed while the work files were removed; run.json goes last but one.
                let manifest = Manifest::load(&self.out)?;
                if manifest.plan_digest == identity.plan_digest && manifest.limit == identity.limit {
                    return Ok(Some(Start::Finished));
                }
                return Err(Error::output(name, "holds a finished run")
                    .with_hint("choose another folder, or overwrite it with `--force`"));
            }
            return Ok(None);
        };
        let before: Identity = serde_json::from_slice(&text).map_err(|_| {
            Error::output(&name, "holds an unfinished run of another version of corpuskit")
                .with_hint("start again with `--force`")
        })?;
        identity.require_same(&before, &name)?;
        if finished {
            return Ok(Some(Start::Finished));
        }
        let durable = match read_if_there(&run.join(CHECKPOINT))?.map(|bytes| Checkpoint::decode(&bytes)).transpose() {
            Ok(checkpoint) => checkpoint,
            Err(problem) => {
                let what = format!("is damaged, so the run cannot be continued: {problem}");
                return Err(Error::output(shown(&run.join(CHECKPOINT)), what).with_hint("start again with `--force`"));
            }
        };
        // A quick one that is damaged is none.
        let quick = read_if_there(&run.join(QUICK))?.and_then(|bytes| Checkpoint::decode(&bytes).ok());
        let Some(checkpoint) = Checkpoint::latest(durable, quick, self.boot.as_deref()) else {
            // Nothing was read that counts; still, what is new or gone is told.
            identity.inputs.unchanged(&before.inputs, &[], &Cursor::default())?;
            return Ok(None);
        };
        identity.inputs.unchanged(&before.inputs, checkpoint.accounts(), checkpoint.cursor())?;
        Ok(Some(Start::Continue(Box::new(checkpoint))))
    }

    /// Puts a checkpoint in the place of the one before.
    pub fn save_checkpoint(&self, bytes: &[u8]) -> Result<()> {
        let run = self.out.join(".run");
        self.disk.replace(&run.join(CHECKPOINT), &run.join("checkpoint.new"), bytes)
    }

    /// Puts a checkpoint that holds until the system goes down in the place of the one before.
    pub fn save_quick_checkpoint(&self, bytes: &[u8]) -> Result<()> {
        let run = self.out.join(".run");
        self.disk.replace_quickly(&run.join(QUICK), &run.join("checkpoint.quick.new"), bytes)
    }

    /// Makes these work files and the names of all durable, before a checkpoint that names them.
    pub fn sync_work(&self, files: &[&str]) -> Result<()> {
        let run = self.out.join(".run");
        for name in files {
            let path = run.join(name);
            self.disk.sync(&self.disk.open(&path)?, &path)?;
        }
        self.disk.sync_parent(&run.join(DEDUP_LOG))
    }

    /// Writes a file of the run folder in one step.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let temporary = self.out.join(".run").join(format!("{name}.new"));
        self.disk.replace(&self.out.join(name), &temporary, bytes)
    }

    /// Removes the work files; `run.json` and the lock last.
    pub fn remove_work(&self) -> Result<()> {
        let run = self.out.join(".run");
        for name in list(&run)? {
            if name != "run.json" && name != "lock" {
                self.disk.remove(&run.join(name))?;
            }
        }
        self.disk.remove(&run.join("run.json"))?;
        self.disk.remove(&run.join("lock"))?;
        self.disk.remove_empty_folder(&run)
    }

    /// Removes what an earlier run wrote. The manifest goes first: without it nothing counts as finished.
    fn clear(&self) -> Result<()> {
        for file in FILES.iter().rev() {
            self.disk.remove(&self.out.join(file))?;
        }
        self.disk.sync_parent(&self.out.join(MANIFEST))?;
        for folder in FOLDERS {
            let folder = self.out.join(folder);
            for name in list(&folder)? {
                if name.starts_with("part-") {
                    self.disk.remove(&folder.join(name))?;
                }
            }
            self.disk.remove_empty_folder(&folder)?;
        }
        let run = self.out.join(".run");
        for name in list(&run)? {
            if name != "lock" {
                self.disk.remove(&run.join(name))?;
            }
        }
        super::retag::forget(&self.out, &self.disk)
    }
}

/// Refuses an output inside an input, an input inside the output, and an output that is a file.
fn check_place(out: &Path, inputs: &Inputs) -> Result<()> {
    let name = shown(out);
    if out.exists() && !out.is_dir() {
        return Err(Error::output(name, "is a file, expected a folder or nothing"));
    }
    let real = resolve(out)?;
    for argument in &inputs.arguments {
        let path = Path::new(argument);
        if argument != "-"
            && path.is_dir()
            && let Ok(folder) = path.canonicalize()
            && real.starts_with(&folder)
        {
            return Err(Error::output(name, format!("lies inside the input `{argument}`, expected a folder outside")));
        }
    }
    for file in &inputs.files {
        if matches!(file.kind, InputKind::File(_))
            && let Ok(path) = file.real().canonicalize()
            && path.starts_with(&real)
        {
            return Err(Error::output(
                name,
                format!("holds the input `{}`, expected a folder without inputs", file.path),
            ));
        }
    }
    Ok(())
}

/// The path without links, of a folder that may not exist yet.
fn resolve(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(|error| Error::io(path, error))?;
    let mut missing = Vec::new();
    let mut existing = absolute.as_path();
    loop {
        match existing.canonicalize() {
            Ok(real) => return Ok(missing.iter().rev().fold(real, |path, name| path.join(name))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match (existing.parent(), existing.file_name()) {
                (Some(parent), Some(name)) => {
                    missing.push(name);
                    existing = parent;
                }
                _ => return Ok(absolute),
            },
            Err(error) => return Err(Error::io(path, error)),
        }
    }
}

/// Takes the lock. A process that was killed holds it until the system has cleared it away, so a
/// second is given to that.
pub(super) fn acquire(lock: &File) -> bool {
    (0..20).any(|attempt| {
        if attempt > 0 {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        rustix::fs::flock(lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
    })
}

/// Tells this start of the system from others. What was written since then is there, on the medium or not.
fn boot() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

fn foreign(name: &str) -> Error {
    Error::output(name, "has files in it that are not of a corpuskit run, expected an empty folder or nothing")
        .with_hint("choose another folder")
}

fn is_empty(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(Error::io(folder, error)),
    }
}

/// The names in a folder, sorted; none if it is missing.
pub(crate) fn list(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(folder, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::io(folder, error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(path, error)),
    }
}
