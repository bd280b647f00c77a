//! Column folders of their own, added to a finished run folder: `count` and `tag` do this.

use super::folder::FOLDERS;
use crate::audit::digest;
use crate::stage::write::disk::{Disk, refuse_link};
use crate::stage::write::manifest::{MANIFEST, Manifest, ManifestFile};
use crate::{Error, Result};
use std::path::Path;

/// A file of such a folder.
#[derive(Clone, Debug)]
pub struct ExtraFile {
    /// Its name in the folder.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Rows of columns.
    pub rows: Option<u64>,
}

/// Puts files into the folder `name` of a finished run, in place of what stood there, and replaces the manifest in one
/// step: whoever looks sees the folder before or after. What a crash leaves behind is not in the manifest, and the same
/// call mends it.
///
/// # Errors
/// Where the run is not finished, the name is one of the run's own folders, or a file cannot be written.
pub fn add_folder(out: &Path, name: &str, files: &[ExtraFile]) -> Result<()> {
    let plain = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !plain(name) || name.starts_with('.') || FOLDERS.contains(&name) {
        return Err(Error::Internal(format!("`{name}` cannot be a folder of columns")));
    }
    let mut manifest = Manifest::load(out)?;
    let disk = Disk::default();
    let folder = out.join(name);
    refuse_link(out)?;
    disk.create_folder(&folder)?;
    let prefix = format!("{name}/");
    let before: Vec<String> =
        manifest.files.iter().map(|file| file.path.clone()).filter(|path| path.starts_with(&prefix)).collect();
    manifest.files.retain(|file| !file.path.starts_with(&prefix));
    for file in files {
        if !plain(&file.name) {
            return Err(Error::Internal(format!("`{}` cannot be a file of columns", file.name)));
        }
        let path = folder.join(&file.name);
        disk.replace(&path, &folder.join(format!("{}.partial", file.name)), &file.bytes)?;
        let (bytes, digest) = digest(&path).map_err(|error| Error::io(&path, error))?;
        manifest.files.push(ManifestFile { path: format!("{prefix}{}", file.name), bytes, digest, rows: file.rows });
    }
    disk.replace(&out.join(MANIFEST), &out.join(".manifest.partial"), &manifest.seal()?)?;
    for path in before {
        if !manifest.files.iter().any(|file| file.path == path) {
            disk.remove(&out.join(path))?;
        }
    }
    Ok(())
}
