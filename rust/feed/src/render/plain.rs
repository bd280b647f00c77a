//! Templates of one shape: before each turn a header, after it an end.

use super::{Family, Marks, NO_TURN, Rendered, Stop, Trained, What, is_space};
use crate::conversation::{Conversation, Turn};

/// What stands around a turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    /// Before it.
    pub before: String,
    /// Between header and text, a line break usually.
    pub lead: &'static str,
    /// The end token.
    pub after: String,
    /// What follows the end token, a line break usually.
    pub trail: &'static str,
}

/// Where the system turn goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum System {
    /// Anywhere, as a turn like others.
    Anywhere,
    /// Anywhere; an empty one is left out.
    AnywhereUnlessEmpty,
    /// First, as a turn like others.
    First,
    /// First, in front of what the first user says.
    Before { open: &'static str, close: &'static str },
    /// Nowhere.
    Refused,
}

/// How a turn's text is trimmed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Trim {
    No,
    /// On both sides.
    Both,
    /// On both sides, but for the system turn.
    Turns,
}

/// A template of this shape.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    pub name: &'static str,
    /// Before everything.
    pub begin: String,
    /// After everything.
    pub finish: String,
    pub system: System,
    /// Said where there is no system turn.
    pub default_system: Option<&'static str>,
    /// User and assistant take turns; templates refuse anything else.
    pub alternate: bool,
    pub trim: Trim,
    /// Roles and what stands around them; `*` stands for every other role, `{role}` for its name.
    pub roles: Vec<(&'static str, Around)>,
}

impl Plain {
    fn around(&self, role: &str) -> Option<&Around> {
        self.roles.iter().find(|(name, _)| *name == role || *name == "*").map(|(_, around)| around)
    }

    fn trimmed<'t>(&self, role: &str, text: &'t str) -> &'t str {
        match self.trim {
            Trim::No => text,
            Trim::Turns if role == "system" => text,
            Trim::Both | Trim::Turns => text.trim_matches(is_space),
        }
    }
}

/// What a turn says; a null is the template's own business.
fn said<'t>(turn: &'t Turn<'_>) -> Result<&'t str, Stop> {
    match &turn.content {
        Some(text) => Ok(text),
        None => Err(Stop::unsupported("a turn without content")),
    }
}

impl Family for Plain {
    fn name(&self) -> &'static str {
        self.name
    }

    fn end(&self) -> &str {
        self.around("assistant").map_or("", |around| &around.after)
    }

    fn render(
        &self,
        conversation: &Conversation<'_>,
        trained: &[Trained],
        marks: Marks,
        out: &mut Rendered,
    ) -> Result<(), Stop> {
        if !conversation.tools.is_empty() {
            return Err(Stop::dropped("the template has no place for tool definitions"));
        }
        let mut turns: Vec<(usize, &Turn<'_>)> = conversation.turns.iter().enumerate().collect();
        out.push(&self.begin, NO_TURN, What::Literal, false);
        let mut prefix = None;
        let first_is_system = turns.first().is_some_and(|(_, turn)| turn.role == "system");
        match self.system {
            System::Refused if first_is_system => return Err(Stop::unsupported("a system turn")),
            System::Before { open, close } if first_is_system => {
                let (at, turn) = turns.remove(0);
                if turns.first().is_none_or(|(_, turn)| turn.role != "user") {
                    return Err(Stop::unsupported("a system turn without a user turn after it"));
                }
                prefix = Some((open, at as u32, said(turn)?, close));
            }
            _ => {}
        }
        if let (Some(text), false) = (self.default_system, first_is_system) {
            let around = self.around("system").ok_or_else(|| Stop::unsupported("a system turn"))?;
            let literal = [&around.before.replace("{role}", "system"), around.lead, text, &around.after, around.trail];
            out.push(&literal.concat(), NO_TURN, What::Literal, false);
        }
        let skip = usize::from(self.system == System::First && first_is_system);
        for (place, (at, turn)) in turns.into_iter().enumerate() {
            if self.alternate && place >= skip {
                let user = (place - skip) % 2 == 0;
                if turn.role != if user { "user" } else { "assistant" } {
                    return Err(Stop::unsupported("turns that do not alternate"));
                }
            }
            if turn.role == "system" && self.system == System::First && place > 0 {
                return Err(Stop::unsupported("a system turn that is not the first"));
            }
            let Some(around) = self.around(turn.role) else {
                return Err(Stop::dropped(format!("the template leaves out turns of role {}", turn.role)));
            };
            if !turn.calls.is_empty() {
                return Err(Stop::dropped("the template has no place for tool calls"));
            }
            if turn.reasoning.as_ref().is_some_and(|text| !text.is_empty()) {
                return Err(Stop::dropped("the template has no place for reasoning"));
            }
            let text = said(turn)?;
            if text.is_empty() && turn.role == "system" && self.system == System::AnywhereUnlessEmpty {
                continue;
            }
            let (number, learnt) = (at as u32, trained[at].turn);
            let header = if around.before.contains("{role}") {
                &around.before.replace("{role}", turn.role)
            } else {
                &around.before
            };
            out.push(header, number, What::Literal, false);
            out.push(around.lead, number, What::Literal, learnt && marks.lead);
            let mut text = self.trimmed(turn.role, text);
            if let Some((open, turn, system, close)) = prefix.take() {
                out.push(open, turn, What::Literal, false);
                out.push(system, turn, What::Content, false);
                out.push(close, turn, What::Literal, false);
                if !open.is_empty() {
                    // Such templates join both before they trim.
                    text = said(&conversation.turns[at])?.trim_end_matches(is_space);
                    if text.is_empty() {
                        return Err(Stop::unsupported("a user turn without text after a system turn"));
                    }
                }
            }
            out.push(text, number, What::Content, learnt);
            out.push(&around.after, number, What::Literal, learnt);
            out.push(around.trail, number, What::Literal, learnt && marks.trail);
        }
        let last = conversation.turns.len().wrapping_sub(1);
        let learnt = trained.get(last).is_some_and(|trained| trained.turn);
        out.push(&self.finish, last as u32, What::Literal, learnt);
        Ok(())
    }
}
