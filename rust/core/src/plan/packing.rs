//! The plan section `pack`: how documents become rows.

use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How documents become rows of tokens. Read by the loader.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PackSettings {
    /// How documents share rows.
    pub mode: PackMode,
    /// Most tokens of a row.
    #[schemars(range(min = 1, max = 16_777_216))]
    pub length: u32,
    /// Mode `packed`: no document moves as many places as this; wider fills better.
    #[schemars(range(min = 1, max = 65_536))]
    pub window: u32,
}

/// How documents share rows.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PackMode {
    /// Rows are filled from a window of documents, nearly to the last token.
    #[default]
    Packed,
    /// Documents stay in their order; a row ends before the one that does not fit. No padding either.
    PaddingFree,
    /// A row a document; a batch is padded to its longest.
    Padded,
}

impl PackMode {
    /// The name in a plan file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Packed => "packed",
            Self::PaddingFree => "padding_free",
            Self::Padded => "padded",
        }
    }
}

impl Default for PackSettings {
    fn default() -> Self {
        Self { mode: PackMode::Packed, length: 4096, window: 512 }
    }
}

impl PackSettings {
    /// Checks the bounds.
    ///
    /// # Errors
    /// A length or window outside of its bounds.
    pub fn check(&self) -> Result<()> {
        for (at, value, most) in [("pack.length", self.length, 1 << 24), ("pack.window", self.window, 1 << 16)] {
            if !(1..=most).contains(&value) {
                return Err(Error::plan(at, format!("must be between 1 and {most}, got {value}")));
            }
        }
        Ok(())
    }
}
