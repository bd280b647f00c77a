//! As much of the Thrift compact protocol as it takes to check what a Parquet file claims before the
//! library acts on it.

/// Nesting of a structure that is skipped.
const DEPTH: usize = 32;

/// What a page's header says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PageClaim {
    pub dictionary: bool,
    /// Bytes on disk and in memory.
    pub compressed: u64,
    pub uncompressed: u64,
    /// Values, those of empty lists and nulls included.
    pub values: u64,
}

/// Reads the beginning of a page's header: the sizes and the number of values come first.
pub(super) fn page_claim(bytes: &[u8]) -> Option<PageClaim> {
    let mut input = Compact { bytes, at: 0 };
    let mut claim = PageClaim::default();
    let (mut last, mut seen) = (0, 0);
    while let Some((kind, id)) = input.field(&mut last)? {
        match (id, kind) {
            (1, 5) => claim.dictionary = input.zigzag()? == 2,
            (2, 5) => claim.uncompressed = u64::try_from(input.zigzag()?).ok()?,
            (3, 5) => claim.compressed = u64::try_from(input.zigzag()?).ok()?,
            (5 | 7 | 8, 12) => {
                let mut inner = 0;
                let (kind, id) = input.field(&mut inner)??;
                if (kind, id) != (5, 1) {
                    return None;
                }
                claim.values = u64::try_from(input.zigzag()?).ok()?;
                return (seen == 0b111).then_some(claim);
            }
            _ => input.skip(kind, 0)?,
        }
        if (1..=3).contains(&id) {
            seen |= 1 << (id - 1);
        }
    }
    // A page of another kind (an index) has no values.
    (seen == 0b111).then_some(claim)
}

/// How deep the schema of a file nests; `None` if its metadata is no such structure.
pub(super) fn schema_depth(metadata: &[u8]) -> Option<usize> {
    let mut input = Compact { bytes: metadata, at: 0 };
    let mut last = 0;
    while let Some((kind, id)) = input.field(&mut last)? {
        if (id, kind) != (2, 9) {
            input.skip(kind, 0)?;
            continue;
        }
        let (element, size) = input.list()?;
        if element != 12 {
            return None;
        }
        let (mut deepest, mut open) = (0, Vec::<u64>::new());
        for _ in 0..size {
            let mut inner = 0;
            let mut children = 0;
            while let Some((kind, id)) = input.field(&mut inner)? {
                match (id, kind) {
                    (5, 5) => children = u64::try_from(input.zigzag()?).ok()?,
                    _ => input.skip(kind, 0)?,
                }
            }
            if let Some(left) = open.last_mut() {
                *left = left.saturating_sub(1);
            }
            open.push(children);
            deepest = deepest.max(open.len());
            while open.last() == Some(&0) {
                open.pop();
            }
        }
        return Some(deepest);
    }
    None
}

/// A place in a structure.
struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The next field's type and number; `Some(None)` at the end of the structure.
    fn field(&mut self, last: &mut i64) -> Option<Option<(u8, i64)>> {
        let head = self.byte()?;
        if head & 0x0F == 0 {
            return Some(None);
        }
        *last = match head >> 4 {
            0 => self.zigzag()?,
            delta => last.checked_add(i64::from(delta))?,
        };
        Some(Some((head & 0x0F, *last)))
    }

    /// A list's element type and length.
    fn list(&mut self) -> Option<(u8, u64)> {
        let head = self.byte()?;
        let size = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        // Each element takes a byte at least.
        (size <= (self.bytes.len() - self.at) as u64).then_some((head & 0x0F, size))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        match kind {
            1 | 2 => {}
            3 => self.at += 1,
            4..=6 => {
                self.varint()?;
            }
            7 => self.at += 8,
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.at = self.at.checked_add(length).filter(|&at| at <= self.bytes.len())?;
            }
            9 | 10 => {
                let (element, size) = self.list()?;
                for _ in 0..size {
                    // A boolean takes a byte in a list and none as a field.
                    if element <= 2 { self.at += 1 } else { self.skip(element, depth + 1)? }
                }
            }
            12 => {
                let mut last = 0;
                while let Some((kind, _)) = self.field(&mut last)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            _ => return None,
        }
        Some(())
    }
}
