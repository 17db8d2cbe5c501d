//! What stands behind the signs of packed forms: each tells whether one begins with these bytes, where anything may stand.

use super::range;

/// So many bytes of a stream are unpacked: by chance the first few may be right.
const TO_INFLATE: usize = 512;
/// Or so much must come out of it.
const INFLATED: usize = 4096;
/// Codes of compress that are looked at.
const CODES: u32 = 40;

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

fn le_u16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

pub(super) fn gzip(bytes: &[u8]) -> bool {
    let [_, _, _, flags @ 0..=0x1f, _, _, _, _, 0 | 2 | 4, 0..=13 | 255, rest @ ..] = bytes else { return false };
    let is_block = |rest: &&[u8]| rest.first().is_some_and(|first| is_block(*first, rest.get(1).copied().unwrap_or(0)));
    behind_fields(*flags, rest).filter(is_block).is_some_and(|rest| inflated(rest, false).is_some())
}

/// What stands behind the fields that a header of gzip may have: others' own, a name, a comment, a checksum.
fn behind_fields(flags: u8, mut rest: &[u8]) -> Option<&[u8]> {
    if flags & 0x04 != 0 {
        let (length, behind) = rest.split_first_chunk()?;
        rest = behind.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for text in [0x08, 0x10] {
        if flags & text != 0 {
            let end = memchr::memchr(0, rest.get(..TO_INFLATE).unwrap_or(rest))?;
            rest = rest.get(end.saturating_add(1)..)?;
        }
    }
    if flags & 0x02 != 0 { rest.get(2..) } else { Some(rest) }
}

/// Whether a block of deflate may begin so: of the third type none does, and one with its own codes says how many.
fn is_block(first: u8, second: u8) -> bool {
    match first >> 1 & 3 {
        2 => first >> 3 <= 29 && second & 0x1f <= 29,
        kind => kind != 3,
    }
}

/// Its header is two bytes: what tells one is that it can be unpacked.
pub(super) fn zlib(bytes: &[u8]) -> bool {
    let block = match bytes {
        [_, _, first, second, ..] if is_block(*first, *second) => *first,
        _ => return false,
    };
    let stored = |at| le_u16(bytes, at);
    if block >> 1 & 3 == 0 && stored(3).map(|length| !length) != stored(5) {
        return false;
    }
    inflated(bytes, true).is_some_and(|is_proven| is_proven)
}

/// Whether it is proven that a stream begins here: enough of it can be unpacked, or all. `None`: none does.
fn inflated(bytes: &[u8], has_header: bool) -> Option<bool> {
    let (mut inflate, mut out) = (flate2::Decompress::new(has_header), [0; INFLATED]);
    let packed = bytes.get(..TO_INFLATE).unwrap_or(bytes);
    let status = inflate.decompress(packed, &mut out, flate2::FlushDecompress::None).ok()?;
    let is_all = status == flate2::Status::StreamEnd && inflate.total_out() > 0;
    Some(is_all || inflate.total_in() >= TO_INFLATE as u64 || inflate.total_out() >= INFLATED as u64)
}

/// Raw deflate has no header. It is told by more that comes out of it than it has bytes, and by its end: of a few bytes, which any may be,
/// neither is proof.
pub(super) fn raw_deflate(bytes: &[u8]) -> bool {
    const FEWEST: u64 = 24;
    let (mut inflate, mut out) = (flate2::Decompress::new(false), [0; INFLATED]);
    let status = inflate.decompress(bytes.get(..TO_INFLATE).unwrap_or(bytes), &mut out, flate2::FlushDecompress::None);
    let (taken, made) = (inflate.total_in(), inflate.total_out());
    matches!(status, Ok(flate2::Status::StreamEnd)) && taken >= FEWEST && made > taken
}

pub(super) fn zstd(bytes: &[u8]) -> bool {
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

pub(super) fn zip(bytes: &[u8]) -> bool {
    let (Some(version), Some(method), Some(length)) = (le_u16(bytes, 4), le_u16(bytes, 8), le_u16(bytes, 26)) else { return false };
    let name = bytes.get(30..30usize.saturating_add(usize::from(length))).unwrap_or_default();
    let is_name = !name.is_empty() && name.iter().all(|byte| *byte >= 0x20);
    version <= 63 && matches!(method, 1..=20 | 93..=99) && is_name
}

pub(super) fn xz(bytes: &[u8]) -> bool {
    matches!(bytes.get(6..8), Some([0, 0 | 1 | 4 | 10]))
}

pub(super) fn bzip2(bytes: &[u8]) -> bool {
    matches!(bytes.get(3..10), Some([b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]))
}

pub(super) fn lzma(bytes: &[u8]) -> bool {
    let (Some(dictionary), Some([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0])) = (le_u32(bytes, 1), bytes.get(5..14)) else {
        return false;
    };
    dictionary >= 1 << 12 && dictionary.count_ones() <= 2
}

pub(super) fn rar(bytes: &[u8]) -> bool {
    matches!(bytes.get(6..), Some([0, ..] | [1, 0, ..]))
}

pub(super) fn lz4(bytes: &[u8]) -> bool {
    matches!(bytes, [_, _, _, _, 0x40..=0x7f, 0x40 | 0x50 | 0x60 | 0x70, ..])
}

/// A block is of 8 MiB at most, and a little more where it does not get smaller.
pub(super) fn lz4_legacy(bytes: &[u8]) -> bool {
    le_u32(bytes, 4).is_some_and(|block| (1..=(8 << 20) + (1 << 16)).contains(&block))
}

pub(super) fn zpaq(bytes: &[u8]) -> bool {
    matches!(bytes.get(4..8), Some([0x31, 0xa0, 0x33, 0x9f])) || bytes.get(4..).is_some_and(|rest| rest.starts_with(b"zPQ"))
}

/// Codes of nine bits, the low ones first: each is a byte, 256 for a new beginning, or one of those that were made before it.
pub(super) fn compress(bytes: &[u8]) -> bool {
    if !matches!(bytes.get(2), Some(0x89..=0x90)) {
        return false;
    }
    let code = |index: u32| {
        let bit = index.saturating_mul(9);
        let word = le_u16(bytes, 3usize.saturating_add(usize::try_from(bit / 8).ok()?))?;
        Some(u32::from(word >> (bit % 8) & 0x1ff))
    };
    code(0).is_some_and(|code| code < 256)
        && (1..CODES).all(|index| code(index).is_none_or(|code| code <= 256_u32.saturating_add(index)))
        && code(4).is_some()
}

pub(super) fn luks(bytes: &[u8]) -> bool {
    matches!(bytes.get(7), Some(1 | 2))
}

pub(super) fn qcow(bytes: &[u8]) -> bool {
    be_u32(bytes, 4).is_some_and(|version| (1..=3).contains(&version))
}

pub(super) fn vmdk(bytes: &[u8]) -> bool {
    le_u32(bytes, 4).is_some_and(|version| (1..=3).contains(&version))
}

/// One whose blocks are where they were written first. Those of the other kind are in order.
pub(super) fn vhd(bytes: &[u8]) -> bool {
    matches!(be_u32(bytes, 60), Some(3 | 4))
}

pub(super) fn vdi(bytes: &[u8]) -> bool {
    le_u32(bytes, 68) == Some(0x1_0001) && bytes.get(..4) == Some(b"<<< ")
}

/// Version 4.0, of blocks that there are.
pub(super) fn squashfs(bytes: &[u8]) -> bool {
    let block = le_u32(bytes, 12).unwrap_or(0);
    range::slice(bytes, 28, 4) == Some(&[4, 0, 0, 0]) && block.is_power_of_two() && (1 << 12..=1 << 20).contains(&block)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics fails")]
mod tests {
    use std::io::Write;

    use super::super::Packed;

    fn packed_by_zlib(content: &[u8], level: u32) -> Vec<u8> {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(level));
        zlib.write_all(content).unwrap();
        zlib.finish().unwrap()
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
        let image = |sign: &[u8], at: usize, rest: &[(usize, &[u8])]| {
            let mut bytes = vec![0; 512];
            for (at, field) in [(at, sign)].iter().chain(rest) {
                bytes[*at..*at + field.len()].copy_from_slice(field);
            }
            bytes
        };
        for bytes in [
            gzip.finish().unwrap(),
            named.finish().unwrap(),
            zstd::encode_all(&content[..], 3).unwrap(),
            zip,
            packed_by_zlib(&content, 1),
            packed_by_zlib(&content, 9),
            packed_by_zlib(b"short", 6),
            // `printf %s 'some text that is packed some text' | compress`
            b"\x1f\x9d\x90s\xde\xb4)\x03\x82N\x19<t\x0a\xa2\x09\x930\xcd\x1c\x10p\xc2\x8cYS\x86\x0c\x88\x80\x03\x0b\x1e\xa4\x03".to_vec(),
            b"\xfd7zXZ\0\0\x04\xe6\xd6\xb4\x46\x02".to_vec(),
            b"BZh91AY&SY\x5b\x1d".to_vec(),
            b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\x3a\x1a".to_vec(),
            b"7z\xbc\xaf\x27\x1c\0\x04".to_vec(),
            b"Rar!\x1a\x07\x01\0".to_vec(),
            b"\x04\x22\x4d\x18\x64\x40\xa7".to_vec(),
            b"\x02\x21\x4c\x18\x40\x01\0\0".to_vec(),
            b"Salted__0123456789".to_vec(),
            b"age-encryption.org/v1\n-> X25519".to_vec(),
            b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl".to_vec(),
            b"$ANSIBLE_VAULT;1.1;AES256\n6638".to_vec(),
            b"ENC[AES256_GCM,data:abcd,iv:xx,tag:yy,type:str]".to_vec(),
            image(b"LUKS\xba\xbe\0\x02", 0, &[]),
            image(b"-FVE-FS-", 3, &[]),
            image(b"QFI\xfb\0\0\0\x03", 0, &[]),
            image(b"KDMV\x01\0\0\0", 0, &[]),
            image(b"conectix", 0, &[(60, &[0, 0, 0, 3])]),
            image(b"\x7f\x10\xda\xbe\x01\0\x01\0", 64, &[(0, b"<<< Oracle VM VirtualBox Disk Image >>>")]),
            image(b"hsqs", 0, &[(12, &[0, 0, 2, 0]), (28, &[4, 0, 0, 0])]),
            image(b"EVF\x09\r\n\xff\0\x01\x01", 0, &[]),
        ] {
            assert!(Packed::is_begun(&bytes), "{}", bytes.get(..20).unwrap_or(&bytes).escape_ascii());
            assert!(!Packed::is_begun(bytes.get(..3).unwrap()));
        }
    }

    #[test]
    fn what_only_begins_alike_is_none() {
        let mut fixed = b"conectix".to_vec();
        fixed.resize(512, 0);
        fixed[63] = 2;
        let mut cut = packed_by_zlib(b"some text", 6);
        cut[4] ^= 0xff;
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
            b"\x02\x21\x4c\x18xxxx",
            b"\x1f\x9d\x90\xff\xff\xff\xff\xff\xff\xff\xff",
            b"x^2 is a square, and x^3 is none",
            b"\x78\x01\0\0\0\0\0\0\0\0",
            b"LUKS\xba\xbe\0\x07",
            b"QFI\xfbxxxx",
            b"KDMVxxxx",
            b"hsqs, a word",
            &fixed,
            &cut,
        ] {
            assert!(!Packed::is_begun(bytes), "{}", bytes.escape_ascii());
        }
    }

    /// Of bytes that are anything none begins: a search of a disk is full of them.
    #[test]
    fn bytes_by_chance_are_none() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        for sign in [b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"\x1f\x9d"] {
            for _ in 0..20_000 {
                let bytes: Vec<u8> = sign.iter().copied().chain((0..80).flat_map(|_| next())).collect();
                assert!(!Packed::is_begun(&bytes), "{}", bytes.escape_ascii());
            }
        }
    }
}
