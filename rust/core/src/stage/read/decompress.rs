//! gzip (of any number of members) and zstd (of any number of frames), recognised by their first bytes.
//!
//! Both decode from blocks of fixed size, so that what comes out before a defect does not depend on
//! how much one system call returned. What is inside is not unpacked again.

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{Decoder as Zstd, InBuffer, Operation, OutBuffer};

/// Bytes that are decoded at once.
const STEP: usize = 128 << 10;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    /// By the first bytes of a file.
    pub fn of(head: &[u8]) -> Self {
        match head {
            [0x1F, 0x8B, 8, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Self::Zstd,
            _ => Self::None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What is wrong with packed data, for people.
pub(super) type Defect = String;

/// A decoder that is fed blocks.
pub(super) enum Decoder {
    Gzip { member: Box<Decompress>, inside: bool, padding: bool },
    Zstd { frames: Box<Zstd<'static>>, inside: bool },
}

/// What one step did.
pub(super) struct Step {
    /// Bytes taken from the input.
    pub used: usize,
    /// What stopped it, if anything did. Bytes that were decoded before are in the output.
    pub defect: Option<Defect>,
}

impl Decoder {
    pub fn new(compression: Compression) -> Option<Result<Self, Defect>> {
        match compression {
            Compression::None => None,
            Compression::Gzip => {
                Some(Ok(Self::Gzip { member: Box::new(Decompress::new_gzip(15)), inside: false, padding: false }))
            }
            Compression::Zstd => Some(
                Zstd::new()
                    .map(|frames| Self::Zstd { frames: Box::new(frames), inside: false })
                    .map_err(|problem| problem.to_string()),
            ),
        }
    }

    /// Decodes from `input` and adds to `out`, one step.
    pub fn step(&mut self, input: &[u8], out: &mut Vec<u8>) -> Step {
        let before = out.len();
        out.resize(before + STEP, 0);
        let (used, made, defect) = match self {
            Self::Gzip { member, inside, padding } => gzip(member, inside, padding, input, &mut out[before..]),
            Self::Zstd { frames, inside } => {
                let mut source = InBuffer::around(input);
                let mut target = OutBuffer::around(&mut out[before..]);
                match frames.run(&mut source, &mut target) {
                    Ok(hint) => {
                        // Asked with nothing in hand, it names what a next frame would need.
                        if source.pos() > 0 || target.pos() > 0 {
                            *inside = hint != 0;
                        }
                        (source.pos(), target.pos(), None)
                    }
                    Err(problem) => (source.pos(), target.pos(), Some(problem.to_string())),
                }
            }
        };
        out.truncate(before + made);
        Step { used, defect }
    }

    /// What is wrong if the file ends here.
    pub fn at_end(&self) -> Option<Defect> {
        match self {
            Self::Gzip { inside: true, .. } => Some("the file ends inside a gzip member".into()),
            Self::Zstd { inside: true, .. } => Some("the file ends inside a zstd frame".into()),
            _ => None,
        }
    }
}

fn gzip(
    member: &mut Box<Decompress>,
    inside: &mut bool,
    padding: &mut bool,
    input: &[u8],
    out: &mut [u8],
) -> (usize, usize, Option<Defect>) {
    let mut skipped = 0;
    if !*inside {
        // Between members: zero bytes that pad a block device's records are not data.
        skipped = input.iter().take_while(|&&byte| byte == 0).count();
        *padding |= skipped > 0;
        match input.get(skipped) {
            None => return (skipped, 0, None),
            Some(0x1F) if !*padding => {}
            Some(_) => return (skipped, 0, Some("bytes that are no gzip member follow a gzip member".into())),
        }
        *inside = true;
        **member = Decompress::new_gzip(15);
    }
    let (read, made) = (member.total_in(), member.total_out());
    let status = member.decompress(&input[skipped..], out, FlushDecompress::None);
    let used = skipped + (member.total_in() - read) as usize;
    let made = (member.total_out() - made) as usize;
    match status {
        Ok(Status::StreamEnd) => *inside = false,
        Ok(Status::Ok | Status::BufError) => {}
        Err(problem) => return (used, made, Some(format!("gzip: {problem}"))),
    }
    (used, made, None)
}
