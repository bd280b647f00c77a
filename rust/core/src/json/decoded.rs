//! Where the texts of strings with escapes go: decoded in one pass, straight to their place in the arena.

use super::defect::{Defect, DefectKind};
use super::{scan, strings};
use bumpalo::Bump;
use std::alloc::Layout;
use std::ptr::NonNull;

/// Room in the arena for the decoded texts of one source. It is taken once, when the first string
/// with an escape is met: a text is never longer than its spelling, so what is left of the source
/// bounds all that is still to come.
pub(super) struct Decoded<'a> {
    arena: &'a Bump,
    next: NonNull<u8>,
    left: usize,
}

impl<'a> Decoded<'a> {
    pub(super) fn new(arena: &'a Bump) -> Self {
        Self { arena, next: NonNull::dangling(), left: 0 }
    }

    /// The text of the string of `bytes` (UTF-8) whose opening quote stands at `start` and whose
    /// first escape stands at `at`, and where its closing quote is.
    pub(super) fn text(&mut self, bytes: &'a [u8], start: usize, mut at: usize) -> Result<(&'a str, usize), Defect> {
        let needed = bytes.len() - start + scan::SLACK;
        if self.left < needed {
            // SAFETY: an alignment of one, and a size that no slice's length comes near to.
            let layout = unsafe { Layout::from_size_align_unchecked(needed, 1) };
            self.next = self.arena.alloc_layout(layout);
            self.left = needed;
        }
        let begin = self.next.as_ptr();
        let before = at - start - 1;
        // SAFETY: `left` bytes from `begin` are ours and nobody else's, and at least as many as the
        // source has from `start` on, with the slack that `copy_run` asks for. No escape is
        // written to more bytes than it is read from, so the room left stays as large as the source left.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr().add(start + 1), begin, before);
            let mut out = begin.add(before);
            loop {
                match bytes.get(at) {
                    Some(b'\\') => {
                        if let Some(&letter) = bytes.get(at + 1)
                            && strings::SIMPLE[usize::from(letter)] != 0
                        {
                            *out = strings::SIMPLE[usize::from(letter)];
                            out = out.add(1);
                            at += 2;
                        } else {
                            let (length, scalar) =
                                strings::escape(bytes, at).map_err(|kind| Defect { byte: at, kind })?;
                            let mut buffer = [0; 4];
                            let encoded = scalar.encode_utf8(&mut buffer);
                            std::ptr::copy_nonoverlapping(encoded.as_ptr(), out, encoded.len());
                            out = out.add(encoded.len());
                            at += length;
                        }
                    }
                    Some(b'"') => break,
                    None => return Err(Defect { byte: at, kind: DefectKind::Truncated }),
                    Some(_) => return Err(Defect { byte: at, kind: DefectKind::Control }),
                }
                let stop = scan::copy_run(bytes, at, out);
                out = out.add(stop - at);
                at = stop;
            }
            let length = out.offset_from_unsigned(begin);
            self.next = NonNull::new_unchecked(out);
            self.left -= length;
            // Runs between ASCII bytes of UTF-8, and encoded characters.
            let text = std::str::from_utf8_unchecked(std::slice::from_raw_parts(begin, length));
            debug_assert!(std::str::from_utf8(text.as_bytes()).is_ok());
            Ok((text, at))
        }
    }
}
