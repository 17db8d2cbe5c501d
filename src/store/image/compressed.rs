//! Compressed streams within bytes, by their first bytes. What is packed from its first byte on was unpacked before; within an image
//! or a dump none is, so that each of them is something that was not read.
//!
//! | format | begins with | and then |
//! |---|---|---|
//! | gzip (RFC 1952, 1951) | `1f 8b 08` | flags, a time, how hard it tried, a system, a block of a known type |
//! | zstd (RFC 8878) | `28 b5 2f fd` | a header without reserved bits, a block that is not larger than one may be |
//! | zip (APPNOTE 4.3.7) | `50 4b 03 04` | a version, a method that compresses, a name |
//! | xz (file format 2.1.1) | `fd 37 7a 58 5a 00` | `00` and a kind of check |
//! | bzip2 | `BZh` and a digit | the digits of π |
//! | lzma alone | `5d 00 00` | a size of a dictionary, a size that is not known, a first byte of zero |
//! | 7-Zip | `37 7a bc af 27 1c` | |
//! | RAR | `52 61 72 21 1a 07` | a format that there is |
//! | lz4 (frame format 1.6) | `04 22 4d 18` | version 1, a size of blocks that there is |
//! | openssl enc, age, OpenPGP | their first words | |
//!
//! What is encrypted as a whole is none, and no less unread.

use super::begun::{BeginningOf, Begun, PassedOverForm};

/// What streams begin with, each with what tells that one does.
pub(super) const STREAMS: [(&[u8], IsOne); 12] = [
    (b"\x1f\x8b\x08", gzip),
    (b"\x28\xb5\x2f\xfd", zstd),
    (b"PK\x03\x04", zip),
    (b"\xfd7zXZ\0", xz),
    (b"BZh", bzip2),
    (b"\x5d\0\0", lzma),
    (b"7z\xbc\xaf\x27\x1c", |_| true),
    (b"Rar!\x1a\x07", |bytes| matches!(bytes.get(6..), Some([0, ..] | [1, 0, ..]))),
    (b"\x04\x22\x4d\x18", lz4),
    (b"Salted__", |bytes| bytes.len() > 16),
    (b"age-encryption.org/v1\n", |_| true),
    (b"-----BEGIN PGP MESSAGE-----", |_| true),
];
/// Whether a stream begins here, as far as its header says.
pub(super) type IsOne = fn(&[u8]) -> bool;

/// The stream that begins here.
pub(super) fn begun(bytes: &[u8], at: usize, is_one: IsOne) -> Option<Begun> {
    is_one(bytes.get(at..)?).then_some(Begun { at: at as u64, form: PassedOverForm::Compressed, of: BeginningOf::Stream })
}

fn gzip(bytes: &[u8]) -> bool {
    let [_, _, _, flags @ 0..=0x1f, _, _, _, _, 0 | 2 | 4, 0..=13 | 255, rest @ ..] = bytes else { return false };
    // Behind optional fields of any length the first block is not looked for.
    *flags & 0x1e != 0 || rest.first().is_some_and(|first| is_block(*first, rest.get(1).copied().unwrap_or(0)))
}

/// Whether a block of deflate may begin so: of the third type none does, and one with its own codes says how many.
fn is_block(first: u8, second: u8) -> bool {
    match first >> 1 & 3 {
        2 => first >> 3 <= 29 && second & 0x1f <= 29,
        kind => kind != 3,
    }
}

fn zstd(bytes: &[u8]) -> bool {
    let Some((header, rest)) = bytes.get(4..).and_then(<[u8]>::split_first) else { return false };
    if header & 0x08 != 0 {
        return false;
    }
    let is_single = header & 0x20 != 0;
    let dictionary = [0usize, 1, 2, 4].get(usize::from(header & 3)).copied().unwrap_or(0);
    let size = [usize::from(is_single), 2, 4, 8].get(usize::from(header >> 6)).copied().unwrap_or(0);
    let fields = usize::from(!is_single).saturating_add(dictionary).saturating_add(size);
    let Some(block) = rest.get(fields..).and_then(|rest| rest.first_chunk::<3>()) else { return false };
    let block = u32::from_le_bytes([block[0], block[1], block[2], 0]);
    block >> 1 & 3 != 3 && (1..=1 << 17).contains(&(block >> 3))
}

fn zip(bytes: &[u8]) -> bool {
    let field = |at: usize| bytes.get(at..).and_then(|field| field.first_chunk().copied()).map(u16::from_le_bytes);
    let (Some(version), Some(method), Some(length)) = (field(4), field(8), field(26)) else { return false };
    let name = bytes.get(30..30usize.saturating_add(usize::from(length))).unwrap_or_default();
    let is_name = !name.is_empty() && name.iter().all(|byte| *byte >= 0x20);
    version <= 63 && matches!(method, 1..=20 | 93..=99) && is_name
}

fn xz(bytes: &[u8]) -> bool {
    matches!(bytes.get(6..8), Some([0, 0 | 1 | 4 | 10]))
}

fn bzip2(bytes: &[u8]) -> bool {
    matches!(bytes.get(3..10), Some([b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]))
}

fn lzma(bytes: &[u8]) -> bool {
    let (Some(dictionary), Some([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0])) =
        (bytes.get(1..).and_then(<[u8]>::first_chunk).copied().map(u32::from_le_bytes), bytes.get(5..14))
    else {
        return false;
    };
    dictionary >= 1 << 12 && dictionary.count_ones() <= 2
}

fn lz4(bytes: &[u8]) -> bool {
    matches!(bytes, [_, _, _, _, 0x40..=0x7f, 0x40 | 0x50 | 0x60 | 0x70, ..])
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics fails")]
mod tests {
    use std::io::Write;

    use super::*;

    fn is_stream(bytes: &[u8]) -> bool {
        STREAMS.iter().any(|(magic, is_one)| bytes.starts_with(magic) && is_one(bytes))
    }

    #[test]
    fn what_programs_write_is_told() {
        let content = b"some text that is packed".repeat(40);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&content).unwrap();
        let mut named = flate2::GzBuilder::new().filename("a.json").write(Vec::new(), flate2::Compression::fast());
        named.write_all(&content).unwrap();
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file("a.json", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&content).unwrap();
        let zip = zip.finish().unwrap().into_inner();
        for bytes in [
            gzip.finish().unwrap(),
            named.finish().unwrap(),
            zstd::encode_all(&content[..], 3).unwrap(),
            zip,
            b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02".to_vec(),
            b"BZh91AY&SY\x5b\x1d".to_vec(),
            b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x3a\x1a".to_vec(),
            b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(),
            b"Rar!\x1a\x07\x01\0".to_vec(),
            b"\x04\x22\x4d\x18\x64\x40\xa7".to_vec(),
            b"Salted__0123456789".to_vec(),
            b"age-encryption.org/v1\n-> X25519".to_vec(),
        ] {
            assert!(is_stream(&bytes), "{}", bytes.get(..20).unwrap_or(&bytes).escape_ascii());
            assert!(!is_stream(bytes.get(..4).unwrap()));
        }
    }

    #[test]
    fn what_only_begins_alike_is_none() {
        for bytes in [
            &b"\x1f\x8b\x08\xe0\0\0\0\0\0\x03\x4b\x4c"[..],
            b"\x1f\x8b\x08\0\0\0\0\0\x07\x03\x4b\x4c",
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff",
            b"\x28\xb5\x2f\xfd\x08\x58\x01\x02\x03",
            b"\x28\xb5\x2f\xfd\0\x58\xff\xff\xff",
            // Stored as it is, so that its bytes are searched like others.
            b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a",
            b"\xfd7zXZ\0\xff\xff",
            b"BZh9 is a word",
            // Numbers of four bytes.
            b"\x5d\0\0\0\x01\0\0\0\x05\0\0\0\0\0\0\0",
            b"Rar!\x1a\x07?",
            b"\x04\x22\x4d\x18\0\0",
        ] {
            assert!(!is_stream(bytes), "{}", bytes.escape_ascii());
        }
    }
}
