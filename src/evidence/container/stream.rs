//! Containers that are a row of parts: gzip members, zstd frames. Their contents follow one another.

use std::io;

use super::super::range;
use super::unpacked::{Content, Fault, Room, Unpacked};

/// Takes out what all parts hold.
pub(super) fn unpack<P: Parts>(bytes: &[u8], room: &mut Room) -> Result<Unpacked, Fault> {
    let mut content = Content::new(room);
    let (mut rest, mut left) = (bytes, Vec::new());
    let outcome = loop {
        match P::take(rest, &mut content) {
            Err(error) => break Err(error),
            Ok(_) if content.is_too_large() => break Ok(()),
            Ok(behind) if P::begins(behind) => rest = behind,
            Ok(behind) => {
                if !range::is_zero(behind) {
                    left.push((None, Fault::Bytes(format!("{} bytes behind the last {} are none", behind.len(), P::NAME))));
                }
                break Ok(());
            }
        }
    };
    Ok(Unpacked { files: vec![content.end(outcome, None, room)?], left, ..Unpacked::default() })
}

/// A container that is a row of parts, whose contents follow one another.
pub(super) trait Parts {
    /// What one is called.
    const NAME: &'static str;

    /// Whether bytes begin one.
    fn begins(bytes: &[u8]) -> bool;

    /// Takes out the first part, and says what stands behind it.
    fn take<'a>(bytes: &'a [u8], content: &mut Content) -> io::Result<&'a [u8]>;
}

/// Gzip members.
pub(super) struct Gzip;

impl Parts for Gzip {
    const NAME: &'static str = "gzip member";

    fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&[0x1f, 0x8b])
    }

    fn take<'a>(bytes: &'a [u8], content: &mut Content) -> io::Result<&'a [u8]> {
        let mut decoder = flate2::bufread::GzDecoder::new(bytes);
        content.fill(&mut decoder)?;
        Ok(decoder.into_inner())
    }
}

/// Zstd frames.
pub(super) struct Zstd;

impl Parts for Zstd {
    const NAME: &'static str = "zstd frame";

    /// A frame, or one that decoders skip.
    fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
    }

    fn take<'a>(bytes: &'a [u8], content: &mut Content) -> io::Result<&'a [u8]> {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?.single_frame();
        // A window is held too. What every decoder takes is not refused.
        let log = content.max_size().max(1).ilog2().clamp(USUAL_WINDOW, LARGEST_WINDOW);
        decoder.window_log_max(log)?;
        content.fill(&mut decoder)?;
        Ok(decoder.finish())
    }
}

/// The largest window that zstd's library decodes unless it is told to, as a power of two.
const USUAL_WINDOW: u32 = 27;
/// The largest window that zstd's library decodes, as a power of two.
const LARGEST_WINDOW: u32 = if usize::BITS > 32 { 31 } else { 30 };
