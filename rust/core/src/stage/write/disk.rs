//! Every change that a run makes to its folder goes through here: files are never opened through a
//! symbolic link, a full disk says which file and how much room is needed, and tests may let any
//! single operation fail (a run must survive a crash at each of them).

use crate::{Error, Result};
use rustix::fs::OFlags;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Decides, in tests, whether an operation on a file fails.
pub type Fault = dyn Fn(&'static str, &Path) -> io::Result<()> + Send + Sync;

/// The file operations of a run.
#[derive(Clone, Default)]
pub struct Disk {
    fault: Option<Arc<Fault>>,
    /// Estimate of how many bytes are still to be written; 0 = unknown.
    needed: Arc<AtomicU64>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("fault", &self.fault.is_some()).finish_non_exhaustive()
    }
}

impl Disk {
    /// File operations that ask `fault` first.
    pub fn with_fault(fault: Option<Arc<Fault>>) -> Self {
        Self { fault, needed: Arc::default() }
    }

    /// Sets the estimate that the message about a full disk names.
    pub fn set_needed(&self, bytes: u64) {
        self.needed.store(bytes, Ordering::Relaxed);
    }

    /// Opens a file for writing and reading, creates it where it is missing, keeps what it has.
    pub fn open(&self, path: &Path) -> Result<File> {
        self.attempt("open", path, || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .custom_flags(OFlags::NOFOLLOW.bits() as i32)
                .open(path)
        })
    }

    /// Writes all bytes at a place of the file.
    pub fn write_at(&self, file: &File, path: &Path, bytes: &[u8], at: u64) -> Result<()> {
        self.attempt("write", path, || file.write_all_at(bytes, at))
    }

    /// Cuts or extends a file to a length.
    pub fn truncate(&self, file: &File, path: &Path, length: u64) -> Result<()> {
        self.attempt("truncate", path, || file.set_len(length))
    }

    /// Waits until the file's bytes and its length are on the medium.
    pub fn sync(&self, file: &File, path: &Path) -> Result<()> {
        self.attempt("sync", path, || file.sync_data())
    }

    /// Renames within the folder and makes that durable.
    pub fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.attempt("rename", to, || fs::rename(from, to))?;
        self.sync_parent(to)
    }

    /// Makes the names in a file's folder durable.
    pub fn sync_parent(&self, path: &Path) -> Result<()> {
        let Some(folder) = path.parent() else { return Ok(()) };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        self.attempt("sync", folder, || File::open(folder)?.sync_all())
    }

    /// Removes a file; one that is missing already is fine.
    pub fn remove(&self, path: &Path) -> Result<()> {
        self.attempt("remove", path, || match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        })
    }

    /// Makes a folder (and those above it); one that is there already is fine, a link is not.
    pub fn create_folder(&self, path: &Path) -> Result<()> {
        self.attempt("folder", path, || fs::create_dir_all(path))?;
        refuse_link(path)
    }

    /// Removes a folder that is empty; others stay.
    pub fn remove_empty_folder(&self, path: &Path) -> Result<()> {
        self.attempt("remove", path, || match fs::remove_dir(path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty) => Ok(()),
            other => other,
        })
    }

    /// Replaces a file in one step: whoever looks, also after a power failure, sees the old or the new one,
    /// whole; the new one once this has returned.
    pub fn replace(&self, path: &Path, temporary: &Path, bytes: &[u8]) -> Result<()> {
        let file = self.write_new(temporary, bytes)?;
        self.sync(&file, temporary)?;
        self.rename(temporary, path)
    }

    /// The same without waiting for the medium: whole after a kill, perhaps not after a power failure.
    pub fn replace_quickly(&self, path: &Path, temporary: &Path, bytes: &[u8]) -> Result<()> {
        self.write_new(temporary, bytes)?;
        self.attempt("rename", path, || fs::rename(temporary, path))
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> Result<File> {
        let file = self.open(path)?;
        self.truncate(&file, path, 0)?;
        self.write_at(&file, path, bytes, 0)?;
        Ok(file)
    }

    fn attempt<T>(&self, operation: &'static str, path: &Path, work: impl FnOnce() -> io::Result<T>) -> Result<T> {
        let asked = self.fault.as_ref().map_or(Ok(()), |fault| fault(operation, path));
        asked.and_then(|()| work()).map_err(|error| self.explain(path, error))
    }

    /// Names the room that is needed where some other part of a run met a full disk.
    pub fn explain_error(&self, error: Error) -> Error {
        match error {
            Error::Io { path, source } => self.explain(&path, source),
            other => other,
        }
    }

    fn explain(&self, path: &Path, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                let needed = match self.needed.load(Ordering::Relaxed) {
                    0 => String::new(),
                    bytes => format!(", about {} more are needed to finish", readable(bytes)),
                };
                Error::output(path.display().to_string(), format!("the disk is full{needed}"))
                    .with_hint("make room and run the same command again: it continues where it stopped")
            }
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                Error::output(path.display().to_string(), "is a symbolic link, expected a file of this run")
            }
            _ => Error::io(path, error),
        }
    }
}

/// Refuses a path whose last component is a symbolic link.
pub fn refuse_link(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(data) if data.file_type().is_symlink() => {
            Err(Error::output(path.display().to_string(), "is a symbolic link, expected a folder of this run"))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io(path, error)),
    }
}

/// A number of bytes for people.
pub fn readable(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{value:.1} {}", UNITS[unit]) }
}
