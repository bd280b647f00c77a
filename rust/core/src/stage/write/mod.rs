//! `write`: kept records into shards with a column file beside each, everything else into folders
//! of its own with why, and a manifest when all is done.
//!
//! Every byte that a run writes passes through [`disk::Disk`].

pub mod columns;
mod columns_chunk;
mod columns_group;
mod columns_labels;
mod columns_numbers;
mod columns_runs;
mod columns_texts;
pub mod disk;
pub mod encode;
pub mod form;
mod form_canonical;
mod form_openai;
mod form_pairs;
mod form_parts;
mod form_sharegpt;
pub mod lines;
pub mod manifest;
mod output;
pub mod parquet;
pub mod row_log;
pub mod rows;
mod settings;
pub mod shards;
pub mod sink;

pub use settings::{Compression, Format, LabelPlace, WriteSettings};
