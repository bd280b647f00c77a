//! Where Markdown code stands, line by line (CommonMark 0.31 §4.4 and §4.5, read generously:
//! what may be code is left alone).

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Prose, lists, headings, and the fences themselves.
    Text,
    /// Inside a fence.
    Fenced,
    /// With text, indented by a tab or at least four spaces.
    Indented,
}

/// Follows fences from line to line.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    /// The open fence: its character and length.
    open: Option<(u8, usize)>,
}

impl Tracker {
    /// What the next line (without its line end) is.
    pub(super) fn next(&mut self, line: &str) -> Line {
        let bytes = line.as_bytes();
        let indent = bytes.iter().take_while(|&&byte| byte == b' ').count();
        let body = &bytes[indent..];
        let mark = body.first().copied().unwrap_or(0);
        let length =
            if matches!(mark, b'`' | b'~') { body.iter().take_while(|&&byte| byte == mark).count() } else { 0 };
        match self.open {
            Some((open, least)) => {
                let closes = mark == open && length >= least && indent < 4 && body[length..].trim_ascii().is_empty();
                if closes {
                    self.open = None;
                    return Line::Text;
                }
                Line::Fenced
            }
            None => {
                // A list item may hold a fence, so its indentation does not matter here.
                if length >= 3 && !(mark == b'`' && body[length..].contains(&b'`')) {
                    self.open = Some((mark, length));
                    return Line::Text;
                }
                let indented = indent >= 4 || body.first() == Some(&b'\t');
                if indented && !body.trim_ascii().is_empty() { Line::Indented } else { Line::Text }
            }
        }
    }
}

/// Hands out `text` in pieces, in order: prose (`true`) and what Markdown marks as code, which is
/// fenced blocks and inline spans (`false`). Indented lines count as prose: nested HTML is indented.
pub(super) fn split(text: &str, mut visit: impl FnMut(&str, bool)) {
    let mut tracker = Tracker::default();
    let mut prose = 0;
    let mut at = 0;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |position| at + position + 1);
        if tracker.next(text[at..end].trim_end_matches(['\n', '\r'])) == Line::Fenced {
            split_spans(&text[prose..at], &mut visit);
            visit(&text[at..end], false);
            prose = end;
        }
        at = end;
    }
    split_spans(&text[prose..], &mut visit);
}

/// Splits prose at inline code spans: text between two equally long runs of backticks.
fn split_spans(prose: &str, visit: &mut impl FnMut(&str, bool)) {
    let bytes = prose.as_bytes();
    let run = |at: usize| bytes[at..].iter().take_while(|&&byte| byte == b'`').count();
    // A length of run that was not found once will not be found further on.
    let mut missing = 0u64;
    let mut done = 0;
    let mut at = 0;
    while let Some(position) = memchr::memchr(b'`', &bytes[at..]) {
        let open = at + position;
        let length = run(open);
        at = open + length;
        if length < 64 && missing & (1 << length) != 0 {
            continue;
        }
        let mut search = at;
        let close = loop {
            let Some(position) = memchr::memchr(b'`', &bytes[search..]) else { break None };
            let found = run(search + position);
            search += position + found;
            if found == length {
                break Some(search);
            }
        };
        match close {
            Some(end) => {
                visit(&prose[done..open], true);
                visit(&prose[open..end], false);
                done = end;
                at = end;
            }
            None if length < 64 => missing |= 1 << length,
            None => {}
        }
    }
    visit(&prose[done..], true);
}
