//! Texts in which marks say who speaks: `Human:`, `<|im_start|>user`, `[INST]` … A text is cut at
//! the marks; what stands between two of them, without surrounding white space, is a turn.

use super::draft::Cut;
use super::values::is_blank;
use crate::record::Role;
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

/// A mark that opens or closes a turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// Its text.
    pub text: &'static str,
    /// Who speaks after it; `None`: it closes a turn.
    pub role: Option<Role>,
    /// Whether it counts only at the beginning of a line.
    pub at_line: bool,
}

/// A mark that counts at the beginning of a line.
pub(super) const fn line(text: &'static str, role: Role) -> Mark {
    Mark { text, role: Some(role), at_line: true }
}

/// A mark that counts anywhere.
pub(super) const fn token(text: &'static str, role: Role) -> Mark {
    Mark { text, role: Some(role), at_line: false }
}

/// A mark that closes a turn, anywhere.
pub(super) const fn close(text: &'static str) -> Mark {
    Mark { text, role: None, at_line: false }
}

/// The next mark at or after `from`, and where it begins. Of two at one place the longer wins.
fn next(text: &str, from: usize, marks: &[Mark]) -> Option<(usize, Mark)> {
    let found = marks.iter().filter_map(|mark| {
        let mut at = from;
        loop {
            let place = at + memchr::memmem::find(&text.as_bytes()[at..], mark.text.as_bytes())?;
            let begins_line = place == 0 || text.as_bytes()[place - 1] == b'\n';
            if !mark.at_line || begins_line {
                return Some((place, *mark));
            }
            at = place + mark.text.len();
        }
    });
    found.min_by_key(|(place, mark)| (*place, usize::MAX - mark.text.len()))
}

/// Where the first mark stands.
pub(super) fn first(text: &str, marks: &[Mark]) -> Option<(usize, Mark)> {
    next(text, 0, marks)
}

/// Whether a turn of this role is opened anywhere.
pub(super) fn opens(text: &str, marks: &[Mark], role: Role) -> bool {
    marks.iter().filter(|mark| mark.role == Some(role)).any(|mark| next(text, 0, std::slice::from_ref(mark)).is_some())
}

/// Cuts a text into marks and turns. Text before the first mark or after a closing one is a turn of
/// `outside` if it says something.
pub(super) fn cut<'a>(text: &'a str, marks: &[Mark], outside: Role, arena: &'a Bump) -> ArenaVec<'a, Cut<'a>> {
    let mut cuts = ArenaVec::new_in(arena);
    let mut markup = 0;
    let mut at = 0;
    let mut role = None;
    loop {
        let found = next(text, at, marks);
        let end = found.map_or(text.len(), |(place, _)| place);
        let inside = &text[at..end];
        // An opened turn counts even if it is empty; text outside of turns only if it is none.
        if role.is_some() || !is_blank(inside) {
            let said = inside.trim();
            let start = if said.is_empty() { at } else { at + (inside.len() - inside.trim_start().len()) };
            if markup < start {
                cuts.push(Cut::Markup(&text[markup..start]));
            }
            cuts.push(Cut::Turn(role.unwrap_or(outside), said));
            markup = start + said.len();
        }
        let Some((place, mark)) = found else { break };
        at = place + mark.text.len();
        role = mark.role;
    }
    if markup < text.len() {
        cuts.push(Cut::Markup(&text[markup..]));
    }
    cuts
}
