//! The families of schemas. One file each; this is the table of them and the contract.

use super::context::Context;
use super::{
    alpaca, arena, bfcl, canonical, dialogue, dolly, glaive, hermes, hh, mapped, markup, multiple_choice, oasst,
    openai, openorca, pairwise, preference, prompt_completion, query_response, question_answer, responses, rounds,
    scenario, self_instruct, sharegpt, text, toolbench,
};
use crate::json::Node;
use crate::record::{Origin, Record, Rejection, Role};

/// A family of schemas: how a record of it is recognised, read, and written back.
///
/// A family reads an object in four steps: `context.record(…, own)` makes the record, carries every
/// member that is not among the `own` keys and remembers the order of the keys;
/// `context.text(&mut record, key, node)` turns a value into a text and remembers its spelling if
/// it was no string; `Message::text` or `context.turn` make the turns; what else `restore` needs
/// goes to `context.remember(&mut record, name, node)`.
pub trait Family: Sync {
    /// The name, as in `_schema.family`.
    fn name(&self) -> &'static str;

    /// The dialect, by a cheap look at keys and kinds of values. `None`: not of this family.
    fn detect(&self, node: &Node<'_>) -> Option<&'static str>;

    /// Reads the record. It is rejected where a value that the dialect promised is of a wrong type.
    fn parse<'a>(
        &self,
        dialect: &'static str,
        node: Node<'a>,
        origin: Origin<'a>,
        context: &Context<'a, '_>,
    ) -> Result<Record<'a>, Rejection>;

    /// Writes a canonical record (one line of `data/`) in its own schema again. See `restore::Canonical`.
    fn restore(&self, canonical: &Node<'_>, out: &mut Vec<u8>) -> Result<(), String>;

    /// How this dialect spells a role by default. Other spellings are listed in `_schema.roles`.
    fn role_name(&self, _dialect: &str, role: Role) -> &'static str {
        role.name()
    }
}

/// Every family, in the order in which they are tried: the more keys a schema demands, the earlier.
pub static FAMILIES: &[&dyn Family] = &[
    &canonical::Own,
    &mapped::Mapped,
    &hh::Hh,
    &preference::Preference,
    &hermes::Hermes,
    &openai::Openai,
    &sharegpt::Sharegpt,
    &dolly::Dolly,
    &alpaca::Alpaca,
    &self_instruct::SelfInstruct,
    &glaive::Glaive,
    &pairwise::Pairwise,
    &prompt_completion::PromptCompletion,
    &multiple_choice::MultipleChoice,
    &openorca::OpenOrca,
    &question_answer::QuestionAnswer,
    &bfcl::Bfcl,
    &toolbench::ToolBench,
    &query_response::QueryResponse,
    &rounds::Rounds,
    &dialogue::Dialogue,
    &responses::Responses,
    &arena::Arena,
    &oasst::Oasst,
    &scenario::Scenario,
    &markup::Markup,
    &text::PlainText,
];

/// The family of this name.
pub fn family(name: &str) -> Option<&'static dyn Family> {
    FAMILIES.iter().copied().find(|family| family.name() == name)
}
