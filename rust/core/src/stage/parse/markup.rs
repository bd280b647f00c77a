//! Conversations as one text with markup: ChatML, Llama 2 and 3, Zephyr and Phi, Gemma, Mistral,
//! `### Instruction:`, `### Human:`, `Human: … Assistant:`, `USER: … ASSISTANT:`.

use super::context::Context;
use super::draft::Draft;
use super::family::Family;
use super::hole::Side;
use super::markers::{self, Mark, close, line, token};
use super::template;
use crate::json::Node;
use crate::record::{Origin, Record, Rejection, Role};

/// The family `markup`. The dialect is the markup's name.
#[derive(Debug)]
pub struct Markup;

/// Keys that may hold such a text, by priority.
const KEYS: [&str; 7] = ["text", "conversation", "chat", "content", "code", "sample", "dialogue"];

struct Format {
    name: &'static str,
    marks: &'static [Mark],
}

const FORMATS: &[Format] = &[
    Format {
        name: "chatml",
        marks: &[
            token("<|im_start|>system", Role::System),
            token("<|im_start|>user", Role::User),
            token("<|im_start|>assistant", Role::Assistant),
            token("<|im_start|>tool", Role::Tool),
            close("<|im_end|>"),
        ],
    },
    Format {
        name: "llama3",
        marks: &[
            token("<|start_header_id|>system<|end_header_id|>", Role::System),
            token("<|start_header_id|>user<|end_header_id|>", Role::User),
            token("<|start_header_id|>assistant<|end_header_id|>", Role::Assistant),
            token("<|start_header_id|>ipython<|end_header_id|>", Role::Tool),
            token("<|start_header_id|>tool<|end_header_id|>", Role::Tool),
            close("<|eot_id|>"),
            close("<|eom_id|>"),
            close("<|begin_of_text|>"),
            close("<|end_of_text|>"),
        ],
    },
    Format {
        name: "llama2",
        marks: &[
            token("[INST] <<SYS>>", Role::System),
            token("[INST]<<SYS>>", Role::System),
            token("<</SYS>>", Role::User),
            token("[INST]", Role::User),
            token("[/INST]", Role::Assistant),
            close("<s>"),
            close("</s>"),
        ],
    },
    Format {
        name: "zephyr",
        marks: &[
            token("<|system|>", Role::System),
            token("<|user|>", Role::User),
            token("<|assistant|>", Role::Assistant),
            close("<|end|>"),
            close("</s>"),
            close("<|endoftext|>"),
        ],
    },
    Format {
        name: "gemma",
        marks: &[
            token("<start_of_turn>user", Role::User),
            token("<start_of_turn>model", Role::Assistant),
            token("<start_of_turn>system", Role::System),
            close("<end_of_turn>"),
            close("<bos>"),
            close("<eos>"),
        ],
    },
    Format {
        name: "openchat",
        marks: &[token("<human>:", Role::User), token("<bot>:", Role::Assistant), close("<|endoftext|>")],
    },
    Format {
        name: "instruction_response",
        marks: &[
            line("### Instruction:", Role::User),
            line("### Input:", Role::User),
            line("### Response:", Role::Assistant),
            line("### System:", Role::System),
        ],
    },
    Format {
        name: "instruction_output",
        marks: &[
            line("###Instruction:", Role::User),
            line("### Instruction:", Role::User),
            line("###Output:", Role::Assistant),
            line("### Output:", Role::Assistant),
        ],
    },
    Format {
        name: "instruction_output_repr",
        marks: &[token("{'Instruction': ", Role::User), token(", 'Output': ", Role::Assistant)],
    },
    Format {
        name: "hashes",
        marks: &[
            line("### Human:", Role::User),
            line("### User:", Role::User),
            line("### Assistant:", Role::Assistant),
            line("### System:", Role::System),
        ],
    },
    Format {
        name: "human_assistant",
        marks: &[line("Human:", Role::User), line("Assistant:", Role::Assistant), line("System:", Role::System)],
    },
    Format {
        name: "user_assistant",
        marks: &[
            line("User:", Role::User),
            line("Assistant:", Role::Assistant),
            line("System:", Role::System),
            close("</s>"),
        ],
    },
    Format {
        name: "vicuna",
        marks: &[token("USER:", Role::User), token("ASSISTANT:", Role::Assistant), close("</s>")],
    },
];

/// The first mark stands within this many bytes: longer beginnings are no preamble.
const PREAMBLE: usize = 4096;

/// What stands just before the first `:`, `|` or `]` of a mark of each format.
const ENDINGS: [&[u8]; 17] = [
    b"<",
    b"[INST",
    b"[/INST",
    b"Human",
    b"User",
    b"USER",
    b"System",
    b"Assistant",
    b"ASSISTANT",
    b"Instruction",
    b"Instruction'",
    b"Input",
    b"Response",
    b"Output",
    b"Output'",
    b"<human>",
    b"<bot>",
];

/// A cheap look for any mark: most texts have none, and are not searched for each.
fn may_hold(text: &str) -> bool {
    let bytes = &text.as_bytes()[..text.len().min(PREAMBLE + 64)];
    memchr::memchr3_iter(b':', b'|', b']', bytes).any(|at| ENDINGS.iter().any(|ending| bytes[..at].ends_with(ending)))
        || memchr::memmem::find(bytes, b"<start_of_turn>").is_some()
}

/// The format of a text, if it opens a user's and an assistant's turn, and begins with a mark or a
/// paragraph before the first one.
fn format(text: &str) -> Option<&'static Format> {
    if !may_hold(text) {
        return None;
    }
    FORMATS.iter().find(|format| {
        let Some((place, _)) = markers::first(text, format.marks) else { return false };
        place <= PREAMBLE
            && markers::opens(text, format.marks, Role::User)
            && markers::opens(text, format.marks, Role::Assistant)
    })
}

impl Family for Markup {
    fn name(&self) -> &'static str {
        "markup"
    }

    fn detect(&self, node: &Node<'_>) -> Option<&'static str> {
        KEYS.into_iter().find_map(|key| Some(format(node.get(key)?.as_str()?)?.name))
    }

    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection> {
        let found = KEYS.into_iter().find_map(|key| {
            let value = node.get(key)?;
            let text = value.as_str()?;
            format(text).filter(|format| format.name == dialect).map(|format| (key, value, text, format))
        });
        let Some((key, value, text, format)) = found else {
            return Err(context.reject("parse.type", format!("no text holds the marks of `{dialect}`")));
        };
        let mut draft = Draft::new(context.arena);
        draft.take(key);
        let cuts = markers::cut(text, format.marks, Role::System, context.arena);
        draft.split(Side::Messages, value, &cuts);
        Ok(draft.finish(self.name(), dialect, node, origin, context))
    }

    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        template::restore(canonical, out, |_, _| None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cheap look may not pass over any mark.
    #[test]
    fn every_opening_mark_is_seen() {
        for format in FORMATS {
            // `<</SYS>>` closes what `[INST] <<SYS>>` opened, so it never comes first.
            for mark in format.marks.iter().filter(|mark| mark.role.is_some() && mark.text != "<</SYS>>") {
                assert!(may_hold(mark.text), "{}: {}", format.name, mark.text);
            }
        }
        assert!(!may_hold("An ordinary text: with a colon, a [link] and a | pipe."));
    }
}
