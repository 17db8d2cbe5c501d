//! Containers that are a row of parts: gzip members, zstd frames. Their contents follow one another.

use std::io::{self, Read};

use super::super::range;
use super::super::words::noun;
use super::beside::Beside;
use super::unpacked::{Content, Fault, Room, Unpacked};

/// Takes out what all parts hold.
pub(super) fn unpack<P: Parts>(bytes: &[u8], room: &mut Room) -> Result<Unpacked, Fault> {
    let mut content = Content::new(room);
    let (mut at, mut left, mut beside) = (0usize, Vec::new(), Beside::default());
    let outcome = loop {
        match P::take(bytes, at, &mut content, &mut beside) {
            Err(error) => break Err(error),
            Ok(_) if content.is_too_large() => break Ok(()),
            Ok(behind) if P::begins(behind) => at = bytes.len().saturating_sub(behind.len()),
            Ok(behind) => {
                if !range::is_padding(behind) {
                    left.push((
                        None,
                        Fault::Bytes(format!("{} {} behind the last {}", behind.len(), noun(behind.len() as u64, "byte"), P::NAME)),
                    ));
                }
                break Ok(());
            }
        }
    };
    left.extend(beside.left());
    Ok(Unpacked { files: vec![content.end(outcome, None, room)?], left, ..Unpacked::default() })
}

/// The first bytes of what gzip members hold; nothing where they cannot be taken out.
pub(super) fn gzip_head(bytes: &[u8], most: u64) -> Vec<u8> {
    head(flate2::bufread::GzDecoder::new(bytes), most)
}

/// The same of zstd frames.
pub(super) fn zstd_head(bytes: &[u8], most: u64) -> Vec<u8> {
    zstd::stream::read::Decoder::with_buffer(bytes).map(|decoder| head(decoder, most)).unwrap_or_default()
}

fn head(decoder: impl Read, most: u64) -> Vec<u8> {
    let mut head = Vec::new();
    // What came out before an error is there all the same.
    let _ = decoder.take(most).read_to_end(&mut head);
    head
}

/// A container that is a row of parts, whose contents follow one another.
pub(super) trait Parts {
    /// What one is called.
    const NAME: &'static str;

    /// Whether bytes begin one.
    fn begins(bytes: &[u8]) -> bool;

    /// Takes out the part that begins at a place, and says what stands behind it.
    fn take<'a>(bytes: &'a [u8], at: usize, content: &mut Content, beside: &mut Beside) -> io::Result<&'a [u8]>;
}

/// Gzip members.
pub(super) struct Gzip;

/// Bytes of the longest name that a file system has.
const NAME: usize = 255;

impl Parts for Gzip {
    const NAME: &'static str = "gzip member";

    fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&[0x1f, 0x8b])
    }

    fn take<'a>(bytes: &'a [u8], at: usize, content: &mut Content, beside: &mut Beside) -> io::Result<&'a [u8]> {
        let mut decoder = flate2::bufread::GzDecoder::new(bytes.get(at..).unwrap_or_default());
        let outcome = content.fill(&mut decoder);
        if let Some(header) = decoder.header() {
            let name = header.filename().unwrap_or_default();
            beside.add("names of gzip members", name.get(NAME..).unwrap_or_default());
            beside.add("comments of gzip members", header.comment().unwrap_or_default());
            let extra = header.extra().unwrap_or_default();
            if !is_block_size(extra) {
                beside.add("extra fields of gzip members", extra);
            }
        }
        outcome?;
        Ok(decoder.into_inner())
    }
}

/// Whether an extra field is that of BGZF, the block's size. Source: SAM specification, "The BGZF compression format".
fn is_block_size(extra: &[u8]) -> bool {
    matches!(extra, [b'B', b'C', 2, 0, _, _])
}

/// Zstd frames, and those that decoders skip.
pub(super) struct Zstd;

impl Parts for Zstd {
    const NAME: &'static str = "zstd frame";

    fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(FRAME) || skippable(bytes).is_some()
    }

    fn take<'a>(bytes: &'a [u8], at: usize, content: &mut Content, beside: &mut Beside) -> io::Result<&'a [u8]> {
        let frame = bytes.get(at..).unwrap_or_default();
        if let Some(length) = skippable(frame) {
            let (skipped, behind) =
                frame.get(SKIPPABLE_HEADER..).unwrap_or_default().split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
            if !is_frame_size(skipped, behind) && !is_seek_table(skipped, at) {
                beside.add("zstd frames that decoders skip", skipped);
            }
            return Ok(behind);
        }
        let mut decoder = zstd::stream::read::Decoder::with_buffer(frame)?.single_frame();
        // A window is held too. What every decoder takes is not refused.
        let log = content.max_size().max(1).ilog2().clamp(USUAL_WINDOW, LARGEST_WINDOW);
        decoder.window_log_max(log)?;
        content.fill(&mut decoder)?;
        Ok(decoder.finish())
    }
}

impl Zstd {
    /// Whether bytes begin with a frame that holds something, before which any number may stand that decoders skip.
    pub(super) fn begins_archive(mut bytes: &[u8]) -> bool {
        while let Some(length) = skippable(bytes) {
            bytes = bytes.get(SKIPPABLE_HEADER.saturating_add(length)..).unwrap_or_default();
        }
        bytes.starts_with(FRAME)
    }
}

/// What a frame begins with.
const FRAME: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Bytes before the data of a frame that decoders skip: its sign, and how many they are.
const SKIPPABLE_HEADER: usize = 8;

/// Bytes of data in a frame that decoders skip; `None`: it is none. Source: RFC 8878 §3.1.2.
fn skippable(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] => usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).ok(),
        _ => None,
    }
}

/// Whether a frame that decoders skip holds the size of the frame behind it, as pzstd writes it.
fn is_frame_size(skipped: &[u8], behind: &[u8]) -> bool {
    <[u8; 4]>::try_from(skipped).is_ok_and(|size| behind.starts_with(FRAME) && u64::from(u32::from_le_bytes(size)) <= behind.len() as u64)
}

/// Whether a frame that decoders skip is the seek table of the frames before it: their sizes, and how many they are.
/// Source: zstd `contrib/seekable_format/zstd_seekable_compression_format.md`.
fn is_seek_table(skipped: &[u8], before: usize) -> bool {
    let Some((entries, [a, b, c, d, descriptor, 0xb1, 0xea, 0x92, 0x8f])) = skipped.split_last_chunk::<9>() else { return false };
    let entry = if descriptor & 0x80 == 0 { 8 } else { 12 };
    let packed = entries.chunks_exact(entry).filter_map(|entry| entry.first_chunk::<4>());
    let packed = packed.fold(0u64, |sum, size| sum.saturating_add(u32::from_le_bytes(*size).into()));
    let count = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    entries.len() as u64 == count.saturating_mul(entry as u64) && packed <= before as u64
}

/// The largest window that zstd's library decodes unless it is told to, as a power of two.
const USUAL_WINDOW: u32 = 27;
/// The largest window that zstd's library decodes, as a power of two.
const LARGEST_WINDOW: u32 = if usize::BITS > 32 { 31 } else { 30 };
