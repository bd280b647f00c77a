//! One value of a JSON container: where it ends, and what becomes of one that is broken or too long.

use super::BATCH_BYTES;
use super::HEAD_BYTES;
use super::batch::HeldPlace;
use super::scan::Scan;
use super::stream::{Outcome, too_long};
use super::structure::{Found, Name, Walk};
use crate::Result;

impl Walk<'_> {
    /// Finds the end of the value at `self.at` and goes there. `item` is where its line's content begins.
    pub(super) fn value(&mut self, item: usize, name: Name) -> Result<Found> {
        let begin = self.at;
        let mut scan = Scan::new(self.draft.buffer[begin]);
        let mut fed = begin;
        let end = loop {
            if let Some(end) = scan.feed(&self.draft.buffer[fed..]) {
                break Some(fed + end);
            }
            fed = self.draft.buffer.len();
            if fed - begin > self.draft.max {
                break None;
            }
            if !self.more()? {
                if scan.may_end() {
                    break Some(fed);
                }
                return self.unended(item, begin, &name);
            }
        };
        match end {
            Some(end) if end - begin <= self.draft.max => {
                // A quote or a bracket is missing where a string spans lines or brackets do not pair.
                let last = self.draft.buffer[end - 1];
                let unpaired = matches!((self.draft.buffer[begin], last), (b'{', b']') | (b'[', b'}'));
                if (scan.line_in_string || unpaired)
                    && let Some(next) = self.next_item(item, begin, end)
                {
                    return Ok(self.broken(begin, next, &name));
                }
                self.at = end;
                Ok(Found::Value(begin, end))
            }
            _ => {
                if let Some(next) = self.next_item(item, begin, begin + self.draft.max) {
                    return Ok(self.broken(begin, next, &name));
                }
                self.too_long(begin, end, fed, scan, &name)
            }
        }
    }

    /// The comma before the next line that begins as the line of `item` does, between `begin` and `end`.
    pub(super) fn next_item(&self, item: usize, begin: usize, end: usize) -> Option<usize> {
        let buffer = &self.draft.buffer;
        let line = memchr::memrchr(b'\n', &buffer[..item])?;
        if buffer[line + 1..item].iter().any(|byte| !matches!(byte, b' ' | b'\t')) {
            return None;
        }
        let needle = [&buffer[line..item], &buffer[item..=item]].concat();
        memchr::memmem::find_iter(&buffer[begin + 1..end], &needle).find_map(|found| {
            let before = buffer[..begin + 1 + found].trim_ascii_end();
            (before.len() > begin + 1 && before.ends_with(b",")).then(|| before.len() - 1)
        })
    }

    /// Sets a broken value aside, up to the comma before the next.
    pub(super) fn broken(&mut self, begin: usize, comma: usize, name: &Name) -> Found {
        let place = self.place(name);
        let head = self.draft.buffer[begin..comma.min(begin + HEAD_BYTES)].to_vec();
        let detail = "a value that does not end before the next one begins".to_owned();
        self.reject(place, begin, "read.broken", detail, &head, (comma - begin) as u64);
        self.at = comma;
        Found::Rejected
    }

    /// The file ends inside the value.
    pub(super) fn unended(&mut self, item: usize, begin: usize, name: &Name) -> Result<Found> {
        if self.stream.corrupt().is_none()
            && let Some(next) = self.next_item(item, begin, self.draft.buffer.len())
        {
            return Ok(self.broken(begin, next, name));
        }
        self.at = begin;
        self.rest("the file ends inside a value")?;
        Ok(Found::Nothing)
    }

    /// Sets a value above the limit aside without ever holding it whole.
    pub(super) fn too_long(
        &mut self,
        begin: usize,
        end: Option<usize>,
        mut fed: usize,
        mut scan: Scan,
        name: &Name,
    ) -> Result<Found> {
        let place = self.place(name);
        let head = self.draft.buffer[begin..begin + HEAD_BYTES].to_vec();
        let byte = self.base.wrapping_add(begin as u64);
        let mut length = 0;
        let mut end = end;
        loop {
            let cut = end.unwrap_or(fed);
            length += (cut - begin) as u64;
            self.forget(begin, cut);
            fed = self.draft.buffer.len();
            if end.is_some() || !self.more()? {
                break;
            }
            end = scan.feed(&self.draft.buffer[fed..]).map(|end| fed + end);
            fed = self.draft.buffer.len();
        }
        self.at = begin;
        let detail = too_long("value", length, self.draft.max);
        self.flush();
        self.draft.reject(self.stream.file, place, byte, "read.too_long", detail, &head, length);
        self.count();
        Ok(Found::Rejected)
    }

    /// Drops bytes of the buffer that were read and are not needed.
    pub(super) fn forget(&mut self, begin: usize, cut: usize) {
        self.flush();
        self.stream.source.account(&self.draft.buffer[self.accounted..cut]);
        self.draft.buffer.drain(begin..cut);
        self.draft.buffer.shrink_to(2 * BATCH_BYTES);
        self.accounted = begin;
        self.base = self.base.wrapping_add((cut - begin) as u64);
    }

    /// Rejects everything from here to the end of the file as one unit.
    pub(super) fn rest(&mut self, problem: &str) -> Result<Outcome> {
        let begin = self.at;
        let byte = self.base.wrapping_add(begin as u64);
        let head: Vec<u8> = self.draft.buffer[begin..].iter().copied().take(HEAD_BYTES).collect();
        let mut length = 0;
        loop {
            length += (self.draft.buffer.len() - begin) as u64;
            self.forget(begin, self.draft.buffer.len());
            if !self.more()? {
                break;
            }
        }
        let (reason, detail) = match self.stream.corrupt() {
            Some(problem) => ("read.corrupt", problem.to_owned()),
            None => ("read.broken", problem.to_owned()),
        };
        self.draft.reject(self.stream.file, HeldPlace::Index(*self.number), byte, reason, detail, &head, length);
        self.count();
        Ok(Outcome::Ended)
    }

    /// Passes over white space; the byte after it, `None` at the end of the file.
    pub(super) fn space(&mut self) -> Result<Option<u8>> {
        let begin = self.at;
        loop {
            while let Some(&byte) = self.draft.buffer.get(self.at) {
                if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                    return Ok(Some(byte));
                }
                self.at += 1;
            }
            if self.at - begin > BATCH_BYTES {
                self.forget(begin, self.at);
                self.at = begin;
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }

    /// Reads on; false at the end of the file.
    pub(super) fn more(&mut self) -> Result<bool> {
        let before = self.draft.buffer.len();
        // A batch at once, then in steps that keep the copies of a very long value few.
        let step = BATCH_BYTES.saturating_sub(before).max(before / 4).max(256 << 10);
        self.stream.ensure(&mut self.draft.buffer, before + step)?;
        Ok(self.draft.buffer.len() > before)
    }
}
