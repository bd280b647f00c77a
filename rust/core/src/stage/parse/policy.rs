//! The settings of `parse`: what is done about each kind of defect.

use super::schemas::SchemaSettings;
use crate::json::DefectKind;
use crate::record::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is done about a defect that can be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The run stops and names the record.
    Strict,
    /// The defect is mended, counted and named in the record's trace.
    Repair,
    /// The record goes to `rejected/` as it was, with the reason and the place.
    Reject,
}

/// What is done about a defect that cannot be repaired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The run stops and names the record.
    Strict,
    /// The record goes to `rejected/` as it was, with the reason and the place.
    #[default]
    Reject,
}

/// What is done about consecutive turns of one role. (Merging them is `normalise.merge`.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Consecutive {
    /// They are legal and stay as they are.
    #[default]
    Keep,
    /// The record is rejected with `parse.consecutive`. Turns of tools may follow one another.
    Reject,
}

/// A canonical role, as named in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names of the roles say it")]
pub enum RoleName {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::System => Self::System,
            RoleName::Developer => Self::Developer,
            RoleName::User => Self::User,
            RoleName::Assistant => Self::Assistant,
            RoleName::Tool => Self::Tool,
        }
    }
}

/// Settings of `parse`: one policy for each kind of defect, bounds, and role names of your own.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParseSettings {
    /// Text that is not JSON: broken syntax, a value that ends too early, text after the value (`parse.syntax`, `parse.truncated`, `parse.trailing`).
    pub syntax: Refusal,
    /// JSON in no schema that is known (`parse.no_schema`).
    pub no_schema: Refusal,
    /// Nesting deeper than `max_depth` (`parse.depth`).
    pub depth: Refusal,
    /// Deepest nesting of arrays and objects, at most 1024.
    #[schemars(range(min = 1, max = 1024))]
    pub max_depth: usize,
    /// Bytes that are not UTF-8 (`parse.encoding`). Repair reads each such byte as Windows-1252.
    pub encoding: Policy,
    /// Half of a surrogate pair, escaped (`parse.lone_surrogate`). Repair puts U+FFFD in its place.
    pub lone_surrogate: Policy,
    /// `NaN`, `Infinity`, `-Infinity` (`parse.non_finite`). Repair puts `null` in their place.
    pub non_finite: Policy,
    /// A key that stands twice in one object (`parse.duplicate_key`). Repair keeps the last, as Python does; the other value is then lost, so this is not the default.
    pub duplicate_key: Policy,
    /// Control characters inside a string that are not escaped (`parse.control`). Repair escapes them; no character is lost.
    pub control: Policy,
    /// A comma before a closing bracket (`parse.trailing_comma`). Repair removes it.
    pub trailing_comma: Policy,
    /// Consecutive turns of one role (`parse.consecutive`).
    pub consecutive: Consecutive,
    /// More names of roles, e.g. `{coach: assistant}`; they win over the shipped table. Case is ignored.
    pub roles: BTreeMap<String, RoleName>,
    /// Schemas of your own, tried in this order and before the shipped ones.
    pub schemas: Vec<SchemaSettings>,
}

impl Default for ParseSettings {
    fn default() -> Self {
        Self {
            syntax: Refusal::Reject,
            no_schema: Refusal::Reject,
            depth: Refusal::Reject,
            max_depth: 256,
            encoding: Policy::Repair,
            lone_surrogate: Policy::Repair,
            non_finite: Policy::Repair,
            duplicate_key: Policy::Reject,
            control: Policy::Repair,
            trailing_comma: Policy::Repair,
            consecutive: Consecutive::Keep,
            roles: BTreeMap::new(),
            schemas: Vec::new(),
        }
    }
}

impl ParseSettings {
    /// The policy for a kind of defect.
    pub fn policy(&self, kind: DefectKind) -> Policy {
        let refusal = |refusal| match refusal {
            Refusal::Strict => Policy::Strict,
            Refusal::Reject => Policy::Reject,
        };
        match kind {
            DefectKind::Syntax | DefectKind::Truncated | DefectKind::Trailing => refusal(self.syntax),
            DefectKind::Depth => refusal(self.depth),
            DefectKind::Encoding => self.encoding,
            DefectKind::LoneSurrogate => self.lone_surrogate,
            DefectKind::NonFinite => self.non_finite,
            DefectKind::DuplicateKey => self.duplicate_key,
            DefectKind::Control => self.control,
            DefectKind::TrailingComma => self.trailing_comma,
        }
    }
}
