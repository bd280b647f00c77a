//! The loader: packs of a corpus, dealt to ranks and workers, with a state that any number of them can go on from.
//!
//! The packs of a stream are numbered; pack `n` is the same whoever asks. Every process plans the whole
//! stream over lengths (millions of documents a second) and reads the tokens of its own packs only.

mod corpus;
mod deal;
mod row;
mod stream;
mod summary;

pub use corpus::{Corpus, reference};
pub use deal::{Lane, Loader, State};
pub use row::{IGNORED, Row};
pub use stream::{BLOCK, Cursor, Member, Plan, Stream, StreamSettings};
pub use summary::{PhaseTotals, Summary, summarise};
