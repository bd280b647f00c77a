//! One frame of a compressed file: a zstd frame or a gzip member of its own, so that frames can be
//! made by any core and the file still is a plain zstd or gzip file.

use super::settings::{Compression, WriteSettings};
use crate::{Error, Result};
use flate2::{Compress, FlushCompress};

/// Makes frames; one a worker, because contexts are costly to make.
pub enum Encoder {
    /// Frames are the bytes themselves.
    Plain,
    /// Zstandard with the content size and a checksum.
    Zst(Box<zstd::bulk::Compressor<'static>>),
    /// Gzip without a name or a time.
    Gz(Box<Compress>),
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Zst(_) => "Zst",
            Self::Gz(_) => "Gz",
        })
    }
}

impl Encoder {
    /// An encoder as the settings say.
    pub fn new(settings: &WriteSettings) -> Result<Self> {
        Ok(match settings.compression {
            Compression::None => Self::Plain,
            Compression::Zst => {
                let level = i32::from(settings.level.unwrap_or(3));
                let mut compressor = zstd::bulk::Compressor::new(level).map_err(internal)?;
                compressor.include_checksum(true).map_err(internal)?;
                Self::Zst(Box::new(compressor))
            }
            Compression::Gz => {
                let level = flate2::Compression::new(u32::from(settings.level.unwrap_or(6)));
                Self::Gz(Box::new(Compress::new(level, false)))
            }
        })
    }

    /// Appends `bytes` as one frame to `out`.
    pub fn encode(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::Plain => out.extend_from_slice(bytes),
            Self::Zst(compressor) => {
                out.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
                let start = out.len();
                let mut frame = std::io::Cursor::new(std::mem::take(out));
                frame.set_position(start as u64);
                compressor.compress_to_buffer(bytes, &mut frame).map_err(internal)?;
                *out = frame.into_inner();
            }
            Self::Gz(compress) => {
                compress.reset();
                // Deflate, no flags, no time, no extra flags, unknown system: nothing that varies.
                out.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
                let start = compress.total_in();
                loop {
                    out.reserve(32 * 1024);
                    let used = (compress.total_in() - start) as usize;
                    let status = compress
                        .compress_vec(&bytes[used..], out, FlushCompress::Finish)
                        .map_err(|error| Error::Internal(format!("gzip: {error}")))?;
                    if status == flate2::Status::StreamEnd {
                        break;
                    }
                }
                let mut checksum = flate2::Crc::new();
                checksum.update(bytes);
                out.extend_from_slice(&checksum.sum().to_le_bytes());
                out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            }
        }
        Ok(())
    }
}

fn internal(error: std::io::Error) -> Error {
    Error::Internal(format!("zstd: {error}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use std::io::Read;

    fn encoded(compression: Compression, frames: &[&[u8]]) -> Vec<u8> {
        let mut encoder = Encoder::new(&WriteSettings { compression, ..WriteSettings::default() }).unwrap();
        let mut out = Vec::new();
        for frame in frames {
            encoder.encode(frame, &mut out).unwrap();
        }
        out
    }

    #[test]
    fn frames_read_back_as_one_file() {
        let long: Vec<u8> = (0..300_000u32).flat_map(|index| index.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let frames: [&[u8]; 4] = [b"one\n", b"", b"two\n", &long];
        let all = frames.concat();
        let zst = encoded(Compression::Zst, &frames);
        assert_eq!(zstd::stream::decode_all(&zst[..]).unwrap(), all);
        let gz = encoded(Compression::Gz, &frames);
        let mut back = Vec::new();
        flate2::read::MultiGzDecoder::new(&gz[..]).read_to_end(&mut back).unwrap();
        assert_eq!(back, all);
        assert_eq!(encoded(Compression::None, &frames), all);
    }
}
