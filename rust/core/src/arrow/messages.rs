//! The messages of the Arrow IPC format, one at a time: the schema, dictionaries, batches of rows.

use super::{MAX_DEPTH, guarded};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{read_dictionary, read_record_batch};
use arrow_ipc::{Message, MessageHeader, root_as_message};
use arrow_schema::{DataType, SchemaRef};
use std::collections::HashMap;
use std::sync::Arc;

/// Most bytes of a message's description.
const MOST_METADATA: u64 = 16 << 20;

/// Most bytes of a message's body, decompressed, and of all dictionaries together.
const MOST_BODY: u64 = 256 << 20;

/// Rows that a body of any size may claim; beyond them a row takes a bit.
const FREE_ROWS: u64 = 1 << 16;

/// What a message was.
pub enum Decoded {
    /// The types of the columns, or values of a dictionary.
    Context,
    /// Rows.
    Rows(RecordBatch),
}

/// What earlier messages of a stream have said.
#[derive(Default)]
pub struct Messages {
    schema: Option<SchemaRef>,
    dictionaries: HashMap<i64, ArrayRef>,
    dictionary_bytes: u64,
}

impl Messages {
    /// Whether the description is that of a stream's first message.
    pub fn is_schema(metadata: &[u8]) -> bool {
        root_as_message(metadata).is_ok_and(|message| message.header_type() == MessageHeader::Schema)
    }

    /// The length of a description from the eight bytes before it; 0 at the end of the stream.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn metadata_length(prefix: [u8; 8]) -> Result<u64, String> {
        let [a, b, c, d, length @ ..] = prefix;
        if [a, b, c, d] != [0xFF; 4] {
            return Err("no message begins where one should".to_owned());
        }
        match u64::try_from(i32::from_le_bytes(length)) {
            Ok(length) if length <= MOST_METADATA => Ok(length),
            Ok(length) => {
                Err(format!("a message's description claims {length} bytes, expected at most {MOST_METADATA}"))
            }
            Err(_) => Err("a message's description claims less than no bytes".to_owned()),
        }
    }

    /// The length of a message's body and whether it holds rows, from its description.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn body(metadata: &[u8]) -> Result<(u64, bool), String> {
        let message = guarded(|| root_as_message(metadata))?;
        let rows = message.header_type() == MessageHeader::RecordBatch;
        match u64::try_from(message.bodyLength()) {
            Ok(length) if length <= MOST_BODY => Ok((length, rows)),
            Ok(length) => Err(format!(
                "a batch of {length} bytes, expected at most {MOST_BODY}; write the file with smaller batches"
            )),
            Err(_) => Err("a message's body claims less than no bytes".to_owned()),
        }
    }

    /// Takes a message.
    ///
    /// # Errors
    /// What makes no sense.
    pub fn decode(&mut self, metadata: &[u8], body: &Buffer) -> Result<Decoded, String> {
        let message = guarded(|| root_as_message(metadata))?;
        check_claims(&message, body)?;
        let version = message.version();
        if message.header_type() == MessageHeader::Schema {
            let schema = message.header_as_schema().ok_or("a message without its header")?;
            let schema = guarded(|| try_fb_to_schema(schema))?;
            if schema.fields().iter().any(|field| depth(field.data_type()) > MAX_DEPTH) {
                return Err(format!("its types nest more than {MAX_DEPTH} deep"));
            }
            self.schema = Some(Arc::new(schema));
            return Ok(Decoded::Context);
        }
        let schema = self.schema.clone().ok_or("rows come before the types of their columns")?;
        match message.header_type() {
            MessageHeader::RecordBatch => {
                let batch = message.header_as_record_batch().ok_or("a message without its header")?;
                let rows = guarded(|| read_record_batch(body, batch, schema, &self.dictionaries, None, &version))?;
                Ok(Decoded::Rows(rows))
            }
            MessageHeader::DictionaryBatch => {
                let batch = message.header_as_dictionary_batch().ok_or("a message without its header")?;
                self.dictionary_bytes += body.len() as u64;
                if self.dictionary_bytes > MOST_BODY {
                    let bytes = self.dictionary_bytes;
                    return Err(format!("its dictionaries have {bytes} bytes, expected at most {MOST_BODY}"));
                }
                guarded(|| read_dictionary(body, batch, &schema, &mut self.dictionaries, &version))?;
                Ok(Decoded::Context)
            }
            other => Err(format!("messages of kind {other:?} hold no rows")),
        }
    }
}

/// Refuses sizes that the body cannot have.
fn check_claims(message: &Message<'_>, body: &Buffer) -> Result<(), String> {
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|batch| batch.data()),
        _ => None,
    };
    let Some(batch) = batch else { return Ok(()) };
    let mut bytes = body.len() as u64;
    if batch.compression().is_some() {
        for buffer in batch.buffers().into_iter().flatten() {
            let start = usize::try_from(buffer.offset()).unwrap_or(usize::MAX);
            let Some(prefix) = body.get(start..).and_then(<[u8]>::first_chunk::<8>) else { continue };
            if buffer.length() >= 8 {
                // -1 says that the buffer is not compressed after all.
                bytes = bytes.saturating_add(i64::from_le_bytes(*prefix).max(0) as u64);
            }
        }
        if bytes > 2 * MOST_BODY {
            return Err(format!(
                "a batch of {bytes} bytes when it is decompressed, expected at most {}",
                2 * MOST_BODY
            ));
        }
    }
    let nodes = batch.nodes().into_iter().flatten().map(|node| node.length());
    let rows = nodes.chain([batch.length()]).max().unwrap_or_default();
    match u64::try_from(rows) {
        Ok(rows) if rows <= FREE_ROWS.saturating_add(bytes.saturating_mul(8)) => Ok(()),
        Ok(rows) => Err(format!("a batch claims {rows} values in {bytes} bytes")),
        Err(_) => Err("a batch claims less than no rows".to_owned()),
    }
}

/// How deep a type nests.
fn depth(data_type: &DataType) -> usize {
    let inner = match data_type {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _)
        | DataType::Map(field, _) => depth(field.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| depth(field.data_type())).max().unwrap_or(0),
        DataType::Union(fields, _) => fields.iter().map(|(_, field)| depth(field.data_type())).max().unwrap_or(0),
        DataType::Dictionary(_, value) => depth(value),
        DataType::RunEndEncoded(_, value) => depth(value.data_type()),
        _ => 0,
    };
    inner + 1
}
