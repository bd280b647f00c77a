//! `corpuskit count`: the token columns of a run folder, from its token store.

use crate::build::{Account, Sums};
use crate::mix;
use crate::store::{Shard, TokenStore};
use corpuskit_core::run::extra::{ExtraFile, add_folder};
use corpuskit_core::{Error, Result};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The folder in the run folder.
pub const FOLDER: &str = "counts";

/// One row a line of the data shard of the same name. Tokens are null where the record could not be rendered,
/// `reason` where it can be trained on.
const SCHEMA: &str = "message counts {
    optional int32 tokens (INTEGER(32, false));
    optional int32 supervised (INTEGER(32, false));
    optional binary reason (STRING);
}";

/// Writes `counts/` beside `columns/` and names it in the manifest.
///
/// # Errors
/// Where the run is not finished or a file cannot be written.
pub fn write_counts(out: &Path, store: &TokenStore) -> Result<()> {
    let meta = store.meta();
    let mut files = Vec::new();
    let about = serde_json::json!({
        "tokenizer": meta.key.tokenizer, "template": meta.key.template, "settings": meta.key.settings,
        "vocabulary": meta.vocabulary, "tokens": store.shards().iter().map(|s| sum(s.seen())).sum::<u64>(),
        "supervised": store.shards().iter().map(|s| sum(s.seen_supervised())).sum::<u64>(), "notes": meta.notes,
    });
    for shard in store.shards() {
        let bytes = columns(shard, &meta.reasons, &about.to_string())
            .map_err(|error| Error::Internal(format!("columns of tokens: {error}")))?;
        let rows = Some(shard.rows() as u64);
        files.push(ExtraFile { name: format!("{}.parquet", shard.name()), bytes, rows });
    }
    let mut bytes = serde_json::to_vec_pretty(&about).map_err(|error| Error::Internal(error.to_string()))?;
    bytes.push(b'\n');
    files.push(ExtraFile { name: "counts.json".to_owned(), bytes, rows: None });
    add_folder(out, FOLDER, &files)
}

/// What became of every token by the categories of `columns/` (empty: none), whoever labelled the records.
///
/// # Errors
/// Where columns cannot be read, or the store belongs to another run.
pub fn by_category(out: &Path, store: &TokenStore) -> Result<BTreeMap<String, Account>> {
    let rows = mix::read_columns(out, &mix::shards(&mix::manifest(out)?, out)?, 0, 2)?;
    if rows.len() != store.shards().iter().map(Shard::rows).sum::<usize>() {
        return Err(Error::input(out.display().to_string(), "has not the rows of the token store"));
    }
    let mut accounts: Vec<Account> = vec![Account::default(); rows.categories.len() + 1];
    let mut category = rows.category.iter();
    for shard in store.shards() {
        for row in 0..shard.rows() {
            let at = category.next().map_or(rows.categories.len(), |at| usize::from(*at).min(rows.categories.len()));
            accounts[at].row(sums(shard, row, &store.meta().reasons));
        }
    }
    let names = rows.categories.into_iter().chain([String::new()]);
    Ok(names.zip(accounts).filter(|(_, account)| account.rows > 0).collect())
}

fn sums<'r>(shard: &Shard, row: usize, reasons: &'r [String]) -> Sums<'r> {
    let documents = shard.documents_of(row);
    let fate = shard.fates().get(row).copied().unwrap_or_default();
    Sums {
        documents: documents.len() as u64,
        seen: shard.seen().get(row).copied().unwrap_or_default().into(),
        seen_supervised: shard.seen_supervised().get(row).copied().unwrap_or_default().into(),
        kept: documents.clone().filter_map(|document| shard.span(document)).map(|span| span.len() as u64).sum(),
        kept_supervised: shard.supervised().get(documents).map_or(0, sum),
        reason: usize::from(fate).checked_sub(1).and_then(|at| reasons.get(at)).map(String::as_str),
    }
}

fn sum(values: &[u32]) -> u64 {
    values.iter().map(|&value| u64::from(value)).sum()
}

fn columns(shard: &Shard, reasons: &[String], about: &str) -> Result<Vec<u8>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by("corpuskit".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_key_value_metadata(Some(vec![KeyValue::new("corpuskit.counts".to_owned(), about.to_owned())]))
        .build();
    let mut bytes = Vec::new();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let known = |seen: &u32| (*seen > 0).then_some(*seen as i32);
    numbers(&mut group, shard.seen().iter().map(known))?;
    let both = shard.seen().iter().zip(shard.seen_supervised());
    numbers(&mut group, both.map(|(seen, supervised)| (*seen > 0).then_some(*supervised as i32)))?;
    let texts: Vec<ByteArray> = reasons.iter().map(|reason| reason.as_bytes().into()).collect();
    let (mut values, mut levels) = (Vec::new(), Vec::with_capacity(shard.rows()));
    for fate in shard.fates() {
        let reason = usize::from(*fate).checked_sub(1).and_then(|at| texts.get(at));
        levels.push(i16::from(reason.is_some()));
        values.extend(reason.cloned());
    }
    if let Some(mut column) = group.next_column()? {
        column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
        column.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

fn numbers<W: std::io::Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: impl Iterator<Item = Option<i32>>,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    for value in column {
        levels.push(i16::from(value.is_some()));
        values.extend(value);
    }
    if let Some(mut column) = group.next_column()? {
        column.typed::<Int32Type>().write_batch(&values, Some(&levels), None)?;
        column.close()?;
    }
    Ok(())
}
