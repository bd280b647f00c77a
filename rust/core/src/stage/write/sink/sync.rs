//! What a checkpoint names is on the medium before the checkpoint is.

use super::Sink;
use crate::Result;

impl Sink {
    /// Waits until everything that [`Sink::state`] told of is on the medium: the open shard, and complete ones
    /// that no worker has synced yet.
    pub fn sync(&self) -> Result<()> {
        let Some(place) = &self.place else { return Ok(()) };
        for shard in self.shards.iter().filter(|shard| !shard.synced) {
            let path = place.work.join(self.temporary_name(shard.number));
            place.disk.sync(&place.disk.open(&path)?, &path)?;
        }
        if let (Some(open), Some(path)) = (&self.open, self.temporary())
            && let Some(file) = &open.file
        {
            place.disk.sync(file, &path)?;
        }
        Ok(())
    }
}
