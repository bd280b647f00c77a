//! How new labels take the place of the old ones: all at once, or by the next `tag`.

use crate::run::folder::list;
use crate::stage::write::disk::Disk;
use crate::stage::write::manifest::MANIFEST;
use crate::{Error, Result};
use std::path::{Component, Path, PathBuf};

/// The work folder below the run folder.
pub(super) const WORK: &str = ".tag";

/// The list of moves in it: from there on the new labels count.
pub(super) const MOVES: &str = "moves.json";

/// Whether the folder's files are between two labellings.
pub(crate) fn is_torn(folder: &Path) -> bool {
    folder.join(WORK).join(MOVES).exists()
}

/// Makes the moves that were decided, if there are any; those that were made are not made again.
pub(super) fn finish_moves(folder: &Path, disk: &Disk) -> Result<()> {
    let work = folder.join(WORK);
    let path = work.join(MOVES);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::io(&path, error)),
    };
    let moves: Vec<(String, String)> = serde_json::from_slice(&text)
        .map_err(|error| Error::output(path.display().to_string(), format!("is damaged: {error}")))?;
    for (from, to) in &moves {
        for name in [from, to] {
            let is_plain = |part| matches!(part, Component::Normal(_));
            if !Path::new(name).components().all(is_plain) {
                return Err(Error::output(path.display().to_string(), format!("names `{name}`, outside the folder")));
            }
        }
    }
    for (from, to) in &moves {
        let (from, to) = (work.join(from), folder.join(to));
        if from.exists() {
            disk.rename(&from, &to)?;
        }
    }
    for place in ["data/x", "columns/x", MANIFEST] {
        let place: PathBuf = folder.join(place);
        if place.parent().is_some_and(Path::exists) {
            disk.sync_parent(&place)?;
        }
    }
    disk.remove(&path)
}

/// Removes what an interrupted labelling left in the folder, before the run itself is overwritten.
pub(in crate::run) fn forget(folder: &Path, disk: &Disk) -> Result<()> {
    let work = folder.join(WORK);
    clear(&work, disk)?;
    disk.remove(&work.join("lock"))?;
    disk.remove_empty_folder(&work)
}

/// Empties the work folder but for the lock.
pub(super) fn clear(work: &Path, disk: &Disk) -> Result<()> {
    let run = work.join(".run");
    for name in list(&run)? {
        disk.remove(&run.join(name))?;
    }
    disk.remove_empty_folder(&run)?;
    let data = work.join("data");
    for name in list(&data)? {
        disk.remove(&data.join(name))?;
    }
    disk.remove_empty_folder(&data)?;
    for name in list(work)? {
        if name != "lock" && name != ".run" && name != "data" {
            disk.remove(&work.join(name))?;
        }
    }
    Ok(())
}
