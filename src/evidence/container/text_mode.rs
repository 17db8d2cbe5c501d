//! A file that went through a transfer in text mode (FTP's ASCII mode, a Windows program, a repository's `autocrlf`): every line feed got a
//! carriage return before it. That can be undone, since no line feed is without one; whether the file was changed beside that, its own
//! structure and trailer tell.
//!
//! Source: RFC 959 §3.1.1.1; ISO C, "Streams", of text streams.

use memchr::{memchr, memchr_iter};

use super::unpacked::{Fault, Room, Unpacked, UnpackedContent, UnpackedFile};

/// Bytes among which a file that is no text has a zero. All that etcd writes does.
const HEAD: usize = 64;
/// Line feeds that all have a carriage return before them by chance in one file of 256 to this power.
const FEWEST: usize = 8;

/// Whether bytes are no text, and every line feed among them has a carriage return before it.
pub(super) fn begins(bytes: &[u8]) -> bool {
    if memchr(0, bytes.get(..HEAD).unwrap_or(bytes)).is_none() {
        return false;
    }
    let mut feeds = memchr_iter(b'\n', bytes);
    let has_return = |at: usize| at.checked_sub(1).and_then(|before| bytes.get(before)) == Some(&b'\r');
    feeds.by_ref().take(FEWEST).filter(|at| has_return(*at)).count() == FEWEST && feeds.all(has_return)
}

/// Takes one carriage return out before each line feed.
pub(super) fn unpack(bytes: &[u8], room: &mut Room) -> Result<Unpacked, Fault> {
    room.expect(bytes.len() as u64)?;
    let mut content = Vec::with_capacity(bytes.len());
    let mut begun = 0usize;
    for feed in memchr_iter(b'\n', bytes) {
        content.extend_from_slice(bytes.get(begun..feed.saturating_sub(1)).unwrap_or_default());
        begun = feed;
    }
    content.extend_from_slice(bytes.get(begun..).unwrap_or_default());
    room.hold(content.len());
    let file = UnpackedFile { name: None, content: UnpackedContent::Made(content), damage: None };
    Ok(Unpacked { files: vec![file], ..Unpacked::default() })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    fn with_returns(bytes: &[u8]) -> Vec<u8> {
        bytes.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] }).collect()
    }

    #[test]
    fn what_a_transfer_in_text_mode_put_in_is_taken_out() {
        // Some line feeds had a carriage return before.
        let bytes = [&[0; 40][..], &b"a\nb\r\nc\n\n".repeat(9)].concat();
        let sent = with_returns(&bytes);
        assert!(begins(&sent) && !begins(&bytes));
        let mut room = Room { max_size: 1 << 20, held: 0 };
        let files = unpack(&sent, &mut room).unwrap().files;
        assert!(matches!(&files[..], [UnpackedFile { content: UnpackedContent::Made(content), damage: None, .. }] if *content == bytes));
        assert_eq!(room.held, bytes.len() as u64);
        assert!(matches!(unpack(&sent, &mut Room { max_size: 40, held: 0 }), Err(Fault::TooLarge { .. })));
    }

    #[test]
    fn text_and_bytes_with_a_line_feed_of_their_own_are_none() {
        for bytes in [b"a line\r\n".repeat(9), [&[0; 40][..], b"\r\n\r\n"].concat(), [&[0; 40][..], &b"\r\n".repeat(90), b"\n"].concat()] {
            assert!(!begins(&bytes));
        }
    }
}
