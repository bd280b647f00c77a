//! The plain bytes of one file, and the digest of its bytes on disk.

use super::cursor::Position;
use super::decompress::{Compression, Decoder};
use super::discover::{Identity, InputFile, InputKind};
use super::stdin::Stdin;
use crate::digest::Tree;
use crate::{Error, Result};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes of a packed file that are read at once.
const BLOCK: usize = 128 << 10;

/// An open input.
pub(super) struct Source {
    /// As origins show it, for messages.
    path: String,
    raw: Raw,
    pub compression: Compression,
    decoder: Option<Decoder>,
    /// What was read of a packed file and not decoded yet.
    packed: Vec<u8>,
    packed_at: usize,
    /// What was read to tell the compression, of a plain file.
    head: Vec<u8>,
    raw_ended: bool,
    /// Digest of the bytes on disk: of a packed file, of all that was read; of a plain one, of what
    /// was given to `account`.
    pub tree: Tree,
    /// Why the packed data could not be read to its end.
    pub corrupt: Option<String>,
    /// What the file was when the inputs were listed.
    listed: Option<Identity>,
    stop: Arc<AtomicBool>,
}

enum Raw {
    File(File),
    Stdin(Stdin),
}

impl Source {
    /// Opens an input. `Ok(Err(…))`: permission was denied.
    pub fn open(input: &InputFile, stop: &Arc<AtomicBool>) -> Result<Result<Self, String>> {
        let (raw, listed) = match &input.kind {
            InputKind::File(identity) => {
                let file = match File::open(input.real()) {
                    Ok(file) => file,
                    Err(problem) if problem.kind() == io::ErrorKind::NotFound => {
                        return Err(changed(&input.path, "does not exist any more"));
                    }
                    Err(problem) if problem.kind() == io::ErrorKind::PermissionDenied => {
                        return Ok(Err("permission denied".into()));
                    }
                    Err(problem) => return Err(Error::io(input.real(), problem)),
                };
                (Raw::File(file), Some(*identity))
            }
            _ if input.is_stream() => {
                let pipe = File::open(input.real()).map_err(|problem| Error::io(&input.path, problem))?;
                (Raw::Stdin(Stdin::new(pipe, Arc::clone(stop))), None)
            }
            _ => (Raw::Stdin(Stdin::new(io::stdin(), Arc::clone(stop))), None),
        };
        let mut source = Self {
            path: input.path.clone(),
            raw,
            compression: Compression::None,
            decoder: None,
            packed: Vec::new(),
            packed_at: 0,
            head: Vec::new(),
            raw_ended: false,
            tree: Tree::new(),
            corrupt: None,
            listed,
            stop: Arc::clone(stop),
        };
        source.check_identity()?;
        let mut head = Vec::new();
        source.read_raw(&mut head, 4)?;
        source.compression = Compression::of(&head);
        match Decoder::new(source.compression) {
            None => source.head = head,
            Some(Ok(decoder)) => {
                source.tree.update(&head);
                source.packed = head;
                source.decoder = Some(decoder);
            }
            Some(Err(problem)) => return Err(Error::Internal(problem)),
        }
        Ok(Ok(source))
    }

    /// Goes to where another reader stopped, and checks that what is before has not changed: by the
    /// file system's word where it says so, else by the digest. A packed file is unpacked again. Returns what
    /// was read beyond that place.
    pub fn go_to(&mut self, position: &Position) -> Result<Vec<u8>> {
        if self.decoder.is_none()
            && self.listed.is_some()
            && self.listed == position.identity
            && let Raw::File(file) = &mut self.raw
        {
            file.seek(SeekFrom::Start(position.byte)).map_err(|problem| Error::io(&self.path, problem))?;
            self.head.clear();
            self.tree = position.digest.clone();
            return Ok(Vec::new());
        }
        let mut left = position.byte;
        let mut bytes = Vec::new();
        while left > 0 {
            bytes.clear();
            let wanted = left.min(1 << 20);
            let got = (self.read(&mut bytes, wanted as usize)? as u64).min(left);
            if got < wanted {
                return Err(changed(&self.path, "is shorter than what was read of it"));
            }
            self.account(&bytes);
            left -= got;
            bytes.drain(..got as usize);
        }
        // The other reader had read ahead of the place where it stopped, in the same steps.
        while self.decoder.is_some() && self.tree.bytes() < position.digest.bytes() && self.decode(&mut bytes)? {}
        if self.tree != position.digest {
            return Err(changed(&self.path, "what was read of it is different now"));
        }
        Ok(bytes)
    }

    /// The open file, for reading at places of its own; `None` of standard input.
    pub fn file(&self) -> Result<Option<File>> {
        match &self.raw {
            Raw::File(file) => file.try_clone().map(Some).map_err(|problem| Error::io(&self.path, problem)),
            Raw::Stdin(_) => Ok(None),
        }
    }

    /// What the file was when the inputs were listed.
    pub fn identity(&self) -> Option<Identity> {
        self.listed
    }

    /// Adds plain bytes to `out`: at least `wanted` of them, or all that are left.
    pub fn read(&mut self, out: &mut Vec<u8>, wanted: usize) -> Result<usize> {
        let before = out.len();
        if self.decoder.is_none() {
            out.extend(self.head.drain(..wanted.min(self.head.len())));
            let rest = wanted.saturating_sub(out.len() - before);
            self.read_raw(out, rest)?;
            return Ok(out.len() - before);
        }
        while out.len() - before < wanted && self.corrupt.is_none() && self.decode(out)? {}
        Ok(out.len() - before)
    }

    /// One step of decoding. False at the end.
    fn decode(&mut self, out: &mut Vec<u8>) -> Result<bool> {
        if self.packed_at == self.packed.len() && !self.raw_ended {
            let mut packed = std::mem::take(&mut self.packed);
            packed.clear();
            self.read_raw(&mut packed, BLOCK)?;
            self.tree.update(&packed);
            (self.packed, self.packed_at) = (packed, 0);
        }
        let Some(decoder) = &mut self.decoder else { return Ok(false) };
        let before = out.len();
        let step = decoder.step(&self.packed[self.packed_at..], out);
        self.packed_at += step.used;
        let idle = step.used == 0 && out.len() == before;
        let at_end = self.packed_at == self.packed.len() && self.raw_ended && out.len() == before;
        let defect = step.defect.or_else(|| match (at_end, idle) {
            (true, _) => decoder.at_end(),
            (false, true) if self.packed_at < self.packed.len() => Some("the packed data makes no sense".into()),
            _ => None,
        });
        if let Some(problem) = defect {
            let at = self.tree.bytes() - (self.packed.len() - self.packed_at) as u64;
            self.corrupt = Some(format!("{problem}, at byte {at} of the file on disk"));
        }
        Ok(!at_end && self.corrupt.is_none())
    }

    /// Counts plain bytes of a plain file as done with. Does nothing for a packed one.
    pub fn account(&mut self, bytes: &[u8]) {
        if self.decoder.is_none() {
            self.tree.update(bytes);
        }
    }

    /// Reads the rest of the file on disk for its digest, and checks that the file is what it was.
    pub fn finish(&mut self) -> Result<()> {
        let mut rest = std::mem::take(&mut self.head);
        loop {
            self.tree.update(&rest);
            rest.clear();
            self.read_raw(&mut rest, 1 << 20)?;
            if rest.is_empty() {
                break;
            }
        }
        self.check_identity()?;
        match self.listed {
            Some(listed) if listed.bytes != self.tree.bytes() => Err(changed(
                &self.path,
                &format!("had {} bytes when the run began and {} now", listed.bytes, self.tree.bytes()),
            )),
            _ => Ok(()),
        }
    }

    fn read_raw(&mut self, out: &mut Vec<u8>, wanted: usize) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        // A small file needs no large buffer; one byte more tells its end.
        let rest = self.listed.map_or(u64::MAX, |listed| listed.bytes.saturating_sub(self.tree.bytes()) + 1);
        out.reserve(wanted.min(usize::try_from(rest).unwrap_or(usize::MAX)));
        let read = match &mut self.raw {
            Raw::File(file) => read_file(file, out, wanted),
            Raw::Stdin(stdin) => stdin.take(wanted as u64).read_to_end(out),
        };
        match read {
            Ok(read) => self.raw_ended |= read < wanted,
            Err(_) if self.stop.load(Ordering::Relaxed) => return Err(Error::Interrupted),
            Err(problem) => return Err(Error::io(&self.path, problem)),
        }
        Ok(())
    }

    /// What the open file is now must be what was listed.
    fn check_identity(&self) -> Result<()> {
        let (Raw::File(file), Some(listed)) = (&self.raw, self.listed) else { return Ok(()) };
        let now = Identity::of(&file.metadata().map_err(|problem| Error::io(&self.path, problem))?);
        if now.bytes != listed.bytes {
            let problem = format!("had {} bytes when the run began and {} now", listed.bytes, now.bytes);
            return Err(changed(&self.path, &problem));
        }
        if now.modified != listed.modified {
            return Err(changed(&self.path, "was written to"));
        }
        Ok(())
    }
}

/// Reads so many bytes of a file, or all that are left, in as few calls as that takes.
fn read_file(file: &File, out: &mut Vec<u8>, wanted: usize) -> io::Result<usize> {
    let before = out.len();
    while out.len() - before < wanted {
        let missing = wanted - (out.len() - before);
        if out.capacity() == out.len() {
            out.reserve(missing.min(BLOCK));
        }
        // No more than is wanted may be read: the rest belongs to another batch.
        let room = out.spare_capacity_mut();
        let most = room.len().min(missing);
        let read = match rustix::io::read(file, &mut room[..most]) {
            Ok((read, _)) => read.len(),
            Err(rustix::io::Errno::INTR) => continue,
            Err(problem) => return Err(problem.into()),
        };
        if read == 0 {
            break;
        }
        // SAFETY: so many bytes at the front of the spare capacity were written.
        unsafe { out.set_len(out.len() + read) };
    }
    Ok(out.len() - before)
}

/// The error about an input that is not what it was.
pub(super) fn changed(path: &str, how: &str) -> Error {
    Error::input(path, format!("changed since the run began: {how}"))
        .with_hint("restore the input to continue, or run again with `--force` to begin anew")
}
