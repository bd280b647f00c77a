//! The plan's section `read`.

use crate::arrow::Nulls;
use crate::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How inputs are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReadSettings {
    /// Longest line, table row, array element or whole-file record in bytes (64 MiB by default). A longer one is rejected as `read.too_long` and never enters memory whole.
    pub max_unit_bytes: u64,
    /// Whether the first row of a CSV or TSV names its columns: `auto` looks at the rows, `present` and `absent` say so. Columns without a name are called `column_1`, `column_2` and so on.
    pub header: Header,
    /// Whether consecutive rows of a dialogue table are one record: rows with the same dialogue id, a text, and a speaker or the turn's number. A unit is then a dialogue. With `false` each row is a record of its own.
    pub join_dialogues: bool,
    /// What becomes of null members of objects inside Parquet and Arrow columns. `leave_out` (the default): types that hold several kinds of objects give each member that another kind has, as null; such members are left out, and columns keep their nulls. `keep`: every null stays.
    pub null_members: NullMembers,
}

/// What becomes of null members of objects inside columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NullMembers {
    /// They are left out.
    #[default]
    LeaveOut,
    /// They stay.
    Keep,
}

/// Whether a table has a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Header {
    /// Decided by looking at the first rows.
    #[default]
    Auto,
    /// The first row names the columns.
    Present,
    /// The first row is data.
    Absent,
}

impl Default for ReadSettings {
    fn default() -> Self {
        Self {
            max_unit_bytes: 64 << 20,
            header: Header::Auto,
            join_dialogues: true,
            null_members: NullMembers::LeaveOut,
        }
    }
}

impl ReadSettings {
    /// How rows of columns are written.
    pub(super) fn nulls(&self) -> Nulls {
        match self.null_members {
            NullMembers::LeaveOut => Nulls::Outer,
            NullMembers::Keep => Nulls::All,
        }
    }

    /// Refuses bounds that no run can work with.
    pub fn check(&self) -> Result<()> {
        if !(4096..=1 << 30).contains(&self.max_unit_bytes) {
            return Err(Error::plan(
                "read.max_unit_bytes",
                format!("must be from 4096 to 1073741824 (1 GiB), got {}", self.max_unit_bytes),
            ));
        }
        Ok(())
    }
}
