//! ChatML with tools and reasoning: Qwen 2.5, Qwen 3, Hermes-like templates, MiniMind.

use super::python_json::write_python;
use super::{Family, Marks, NO_TURN, Rendered, Stop, Trained, What};
use crate::conversation::{Conversation, Turn};
use corpuskit_core::json::Node;

/// What becomes of reasoning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Thinking {
    /// There is none (Qwen 2.5, Qwen 3 Instruct 2507).
    None,
    /// After the last question only (Qwen 3).
    AfterLastQuestion,
    /// In every turn (MiniMind, Qwen 3 for training).
    Always,
}

/// A template of this kind.
#[derive(Clone, Debug)]
pub(super) struct Qwen {
    pub name: &'static str,
    pub thinking: Thinking,
    /// Said where there is no system turn.
    pub default_system: Option<&'static str>,
}

const TOOLS: &str = "# Tools\n\nYou may call one or more functions to assist with the user query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>";
const CALLS: &str = "\n</tools>\n\nFor each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";

impl Qwen {
    /// Qwen 2.5 adds texts, so a null stops it; the others take what is no text for empty.
    fn said<'t>(&self, turn: &'t Turn<'_>) -> Result<&'t str, Stop> {
        match (&turn.content, self.default_system) {
            (Some(text), _) => Ok(text),
            (None, None) if turn.role != "system" => Ok(""),
            (None, Some(_)) if !turn.calls.is_empty() => Ok(""),
            _ => Err(Stop::unsupported("a turn without content")),
        }
    }

    fn head(&self, conversation: &Conversation<'_>, out: &mut Rendered) -> Result<(), Stop> {
        let system = conversation.turns.first().filter(|turn| turn.role == "system");
        let text = match system {
            Some(turn) => Some((0, What::Content, self.said(turn)?)),
            None => self.default_system.map(|text| (NO_TURN, What::Literal, text)),
        };
        if conversation.tools.is_empty() {
            if let Some((turn, what, text)) = text {
                out.push("<|im_start|>system\n", turn, What::Literal, false);
                out.push(text, turn, what, false);
                out.push("<|im_end|>\n", turn, What::Literal, false);
            }
            return Ok(());
        }
        out.push("<|im_start|>system\n", NO_TURN, What::Literal, false);
        if let Some((turn, what, text)) = text {
            out.push(text, turn, what, false);
            out.push("\n\n", NO_TURN, What::Literal, false);
        }
        out.push(TOOLS, NO_TURN, What::Literal, false);
        for tool in conversation.tools {
            out.push("\n", NO_TURN, What::Literal, false);
            out.push(&json(tool)?, NO_TURN, What::Tools, false);
        }
        out.push(CALLS, NO_TURN, What::Literal, false);
        out.push("<|im_end|>\n", NO_TURN, What::Literal, false);
        Ok(())
    }

    /// After which turn reasoning is shown: the last question of a person.
    fn last_question(conversation: &Conversation<'_>) -> usize {
        let question = |turn: &Turn<'_>| {
            let text = turn.content.as_deref();
            turn.role == "user"
                && text.is_some_and(|text| !(text.starts_with("<tool_response>") && text.ends_with("</tool_response>")))
        };
        conversation.turns.iter().rposition(question).unwrap_or_else(|| conversation.turns.len().saturating_sub(1))
    }

    fn assistant(
        &self,
        (at, turn): (usize, &Turn<'_>),
        shown: Option<bool>,
        trained: Trained,
        marks: Marks,
        out: &mut Rendered,
    ) -> Result<(), Stop> {
        let number = at as u32;
        let mut content = self.said(turn)?;
        let mut reasoning = turn.reasoning.as_deref().unwrap_or("");
        if self.thinking == Thinking::None && !reasoning.is_empty() {
            return Err(Stop::dropped("the template has no place for reasoning"));
        }
        if self.thinking != Thinking::None && turn.reasoning.is_none() {
            (reasoning, content) = thought(content)?;
        }
        let (calls, learnt) = (turn.calls, trained.turn);
        out.push("<|im_start|>assistant", number, What::Literal, false);
        // Qwen 2.5 says nothing of an empty text before calls.
        let bare = self.default_system.is_some() && !calls.is_empty() && content.is_empty();
        if !bare {
            out.push("\n", number, What::Literal, learnt && marks.lead);
        }
        // `Some(true)`: shown even if there is none.
        let think = match shown {
            Some(last) => last || !reasoning.is_empty(),
            None => false,
        };
        if think {
            let learnt = trained.turn && trained.reasoning;
            out.push("<think>\n", number, What::Literal, learnt);
            out.push(reasoning.trim_matches('\n'), number, What::Reasoning, learnt);
            out.push("\n</think>\n\n", number, What::Literal, learnt);
            out.push(content.trim_start_matches('\n'), number, What::Content, trained.turn);
        } else {
            out.left_out += u32::from(!reasoning.is_empty());
            out.push(content, number, What::Content, learnt);
        }
        let learnt_calls = learnt && trained.calls;
        for (place, call) in calls.iter().enumerate() {
            if place > 0 || !content.is_empty() || bare {
                // Of a bare turn it is the break between the role and what is said.
                let learnt_break = if bare && place == 0 { learnt && marks.lead } else { learnt_calls };
                out.push("\n", number, What::Literal, learnt_break);
            }
            self.call(call, number, learnt_calls, out)?;
        }
        out.push("<|im_end|>", number, What::Literal, learnt);
        out.push("\n", number, What::Literal, learnt && marks.trail);
        Ok(())
    }

    fn call(&self, call: &Node<'_>, number: u32, learnt: bool, out: &mut Rendered) -> Result<(), Stop> {
        let function = call.get("function").filter(|function| function.as_object().is_some()).unwrap_or(*call);
        let (name, arguments) = (function.get("name"), function.get("arguments"));
        let (Some(name), Some(arguments)) = (name.and_then(|name| name.as_str()), arguments) else {
            return Err(Stop::unsupported("a tool call without name or arguments"));
        };
        out.push("<tool_call>\n{\"name\": \"", number, What::Literal, learnt);
        out.push(name, number, What::Call, learnt);
        out.push("\", \"arguments\": ", number, What::Literal, learnt);
        match arguments.as_str() {
            // Qwen 2.5 spells a text as JSON, the others write it as it is.
            Some(text) if self.default_system.is_none() => out.push(text, number, What::Call, learnt),
            _ => out.push(&json(&arguments)?, number, What::Call, learnt),
        }
        out.push("}\n</tool_call>", number, What::Literal, learnt);
        Ok(())
    }
}

/// Reasoning and answer of a text that holds both; text before `<think>` or between two ends would be lost.
fn thought(content: &str) -> Result<(&str, &str), Stop> {
    let Some((before, after)) = content.split_once("</think>") else { return Ok(("", content)) };
    let reasoning = before.trim_end_matches('\n');
    let reasoning = match reasoning.rsplit_once("<think>") {
        Some((lost, _)) if !lost.trim().is_empty() => {
            return Err(Stop::dropped("the template leaves out what stands before `<think>`"));
        }
        Some((_, reasoning)) => reasoning,
        None => reasoning,
    };
    if after.contains("</think>") {
        return Err(Stop::dropped("the template leaves out what stands between two `</think>`"));
    }
    Ok((reasoning.trim_start_matches('\n'), after.trim_start_matches('\n')))
}

fn json(node: &Node<'_>) -> Result<String, Stop> {
    let mut out = Vec::new();
    write_python(&mut out, node);
    String::from_utf8(out).map_err(|error| Stop::unsupported(error.to_string()))
}

impl Family for Qwen {
    fn name(&self) -> &'static str {
        self.name
    }

    fn end(&self) -> &str {
        "<|im_end|>"
    }

    fn render(
        &self,
        conversation: &Conversation<'_>,
        trained: &[Trained],
        marks: Marks,
        out: &mut Rendered,
    ) -> Result<(), Stop> {
        self.head(conversation, out)?;
        let turns = &conversation.turns;
        let question = Self::last_question(conversation);
        let is_tool = |at: usize| turns.get(at).is_some_and(|turn| turn.role == "tool");
        for (at, turn) in turns.iter().enumerate() {
            let number = at as u32;
            if !turn.is_assistant()
                && (!turn.calls.is_empty() || turn.reasoning.as_ref().is_some_and(|text| !text.is_empty()))
            {
                return Err(Stop::dropped(format!(
                    "the template leaves out calls and reasoning of role {}",
                    turn.role
                )));
            }
            match turn.role {
                "system" if at == 0 => {}
                "user" | "system" => {
                    out.push("<|im_start|>", number, What::Literal, false);
                    out.push(turn.role, number, What::Literal, false);
                    out.push("\n", number, What::Literal, false);
                    let text = match (&turn.content, self.default_system) {
                        (None, None) => "",
                        _ => self.said(turn)?,
                    };
                    out.push(text, number, What::Content, false);
                    out.push("<|im_end|>\n", number, What::Literal, false);
                }
                "assistant" => {
                    let shown = match self.thinking {
                        Thinking::None => None,
                        Thinking::Always => Some(true),
                        Thinking::AfterLastQuestion => (at > question).then_some(at + 1 == turns.len()),
                    };
                    self.assistant((at, turn), shown, trained[at], marks, out)?;
                }
                "tool" => {
                    if at == 0 || !is_tool(at - 1) {
                        out.push("<|im_start|>user", number, What::Literal, false);
                    }
                    out.push("\n<tool_response>\n", number, What::Literal, false);
                    out.push(self.said(turn)?, number, What::Content, false);
                    out.push("\n</tool_response>", number, What::Literal, false);
                    if !is_tool(at + 1) {
                        out.push("<|im_end|>\n", number, What::Literal, false);
                    }
                }
                other => return Err(Stop::dropped(format!("the template leaves out turns of role {other}"))),
            }
        }
        Ok(())
    }
}
