//! Is this JSON, and what does it say?

use super::{Defect, DefectKind, Limits, parse, write_anew};
use bumpalo::Bump;

/// Checks that the bytes are one JSON value under the strict rules (UTF-8, no duplicate keys, no
/// lone surrogates, bounded depth) and returns it written anew from what was decoded.
///
/// # Errors
/// The first defect and its place. Bytes that are not UTF-8 come first.
pub fn check(bytes: &[u8], limits: Limits) -> Result<Vec<u8>, Defect> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| Defect { byte: error.valid_up_to(), kind: DefectKind::Encoding })?;
    let arena = Bump::new();
    let node = parse(text, &arena, limits)?;
    let mut out = Vec::with_capacity(text.len());
    write_anew(&mut out, &node);
    Ok(out)
}
