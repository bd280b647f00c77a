//! What a file holds, told from its first bytes. Its name only breaks ties.

use super::ipc::{self, IpcPlace};
use super::parquet::ParquetPlace;
use super::rows::Table;
use super::settings::ReadSettings;
use super::structure::Structure;
use super::{shape, table};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bytes that are looked at.
pub(super) const HEAD: usize = 1 << 20;

/// How a file divides into units, and where reading stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// Each line is a unit.
    Lines,
    /// Brackets hold the units.
    Structure(Structure),
    /// Each row is a unit.
    Table(Arc<Table>),
    /// Each row of a Parquet file is a unit.
    Parquet(ParquetPlace),
    /// Each row of an Arrow IPC file or stream is a unit.
    Arrow(IpcPlace),
    /// The file is one JSON value.
    Json,
    /// The file is one text.
    Text,
    /// No bytes at all.
    Empty,
    /// A kind of file that we do not read; the explanation.
    Unsupported(String),
}

impl Container {
    /// The name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Structure(structure) => structure.name(),
            Self::Table(_) => "table",
            Self::Parquet(_) => "parquet",
            Self::Arrow(_) => "arrow",
            Self::Json => "json",
            Self::Text => "text",
            Self::Empty => "empty",
            Self::Unsupported(_) => "unsupported",
        }
    }
}

/// Kinds of file known by their first bytes.
const MAGIC: [(&[u8], &str); 18] = [
    (b"PARE", "an encrypted Parquet file"),
    (b"FEA1", "Feather of version 1"),
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"BZh", "bzip2"),
    (b"\xFD7zXZ\0", "xz"),
    (b"\x1F\x8B", "a gzip file inside a compressed file"),
    (b"\x28\xB5\x2F\xFD", "a zstd file inside a compressed file"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"\x7FELF", "a program"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\xFF\xFE", "UTF-16 text; convert it to UTF-8 first"),
    (b"\xFE\xFF", "UTF-16 text; convert it to UTF-8 first"),
];

/// Extensions of text that is neither data nor prose.
const SOURCE: [&str; 46] = [
    "py", "pyi", "rs", "js", "mjs", "ts", "tsx", "jsx", "c", "h", "cc", "cpp", "hpp", "cxx", "java", "go", "rb", "php",
    "swift", "kt", "scala", "cs", "fs", "hs", "ml", "lua", "pl", "r", "jl", "sh", "bash", "zsh", "ps1", "bat", "sql",
    "css", "scss", "toml", "ini", "cfg", "tex", "vue", "dart", "clj", "ex", "erl",
];

/// What a file holds that begins with `head` (after a byte order mark), and how many bytes of it are
/// the container's own. `all`: the file ends with `head`.
pub(super) fn sniff(head: &[u8], all: bool, path: &str, settings: &ReadSettings) -> (Container, usize) {
    let extension = extension(path);
    let extension = extension.as_str();
    if head.is_empty() {
        return (Container::Empty, 0);
    }
    if head.starts_with(b"PAR1") {
        return (Container::Parquet(ParquetPlace::default()), 0);
    }
    if head.starts_with(ipc::MAGIC) {
        return (Container::Arrow(IpcPlace::file()), ipc::MAGIC.len());
    }
    if ipc::is_stream(head) {
        return (Container::Arrow(IpcPlace::default()), 0);
    }
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (unsupported(what), 0);
    }
    if looks_binary(head) {
        return (unsupported("binary data"), 0);
    }
    let text = head.trim_ascii_start();
    let named_json = matches!(extension, "json" | "jsonl" | "ndjson" | "jsonlines");
    if text.is_empty() {
        return (Container::Lines, 0);
    }
    let named_table = match extension {
        "csv" => Some(b','),
        "tsv" | "tab" => Some(b'\t'),
        _ => None,
    };
    let may_be_json = matches!(text[0], b'{' | b'[') || (text[0] == b'"' && named_table.is_none());
    if (may_be_json || named_json)
        && let Some(container) = shape::recognise(head, all, named_json)
    {
        return (container, 0);
    }
    if let Some(what) = markup(text, extension) {
        return (unsupported(what), 0);
    }
    let prose = matches!(extension, "md" | "markdown" | "rst");
    if !prose && let Some((table, header)) = table::recognise(head, all, named_table, settings) {
        return (Container::Table(Arc::new(table)), header);
    }
    (Container::Text, 0)
}

fn unsupported(what: &str) -> Container {
    Container::Unsupported(format!("{what}, expected JSON lines, JSON, CSV, TSV, Parquet, Arrow or plain text"))
}

/// The extension in lower case, that of the packed file where there is one.
fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let name = [".gz", ".zst", ".zstd", ".gzip"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
    name.rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_owned())
}

/// Bytes that no text has.
fn looks_binary(head: &[u8]) -> bool {
    let look = &head[..head.len().min(64 << 10)];
    let control = look.iter().filter(|byte| matches!(byte, 0x01..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F)).count();
    memchr::memchr(0, look).is_some() || control * 20 > look.len()
}

/// Text for machines.
fn markup(text: &[u8], extension: &str) -> Option<&'static str> {
    let start = String::from_utf8_lossy(&text[..text.len().min(256)]).to_lowercase();
    let tagged =
        |tag: &str| start.starts_with(tag) && !start[tag.len()..].starts_with(|next: char| next.is_alphanumeric());
    if ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| tagged(tag))
        || matches!(extension, "html" | "htm" | "xhtml")
    {
        return Some("HTML");
    }
    if start.starts_with("<?xml") || matches!(extension, "xml" | "svg" | "xsd" | "rss") {
        return Some("XML");
    }
    if start.starts_with("%yaml") || matches!(extension, "yml" | "yaml") {
        return Some("YAML");
    }
    if start.starts_with("#!/") || SOURCE.contains(&extension) {
        return Some("source code");
    }
    None
}
