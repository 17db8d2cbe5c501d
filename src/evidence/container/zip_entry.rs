//! An entry of a zip: its header, its name, its extra fields, its packed bytes.
//!
//! | at | bytes | of an entry's own header |
//! |---|---|---|
//! | 0 | 4 | `50 4b 03 04` |
//! | 6 | 2 | flags: 0 encrypted, 3 sizes and checksum stand behind |
//! | 8 | 2 | method: 0 stored, 8 deflated |
//! | 14, 18, 22 | 4 | CRC-32, packed size, size |
//! | 26, 28 | 2 | length of the name, of the extra fields |
//!
//! Source: APPNOTE.TXT §4.3.7, §4.5.

use std::io::Read;
use std::ops::Range;

use ::zip::read::ZipFile;

use super::super::range;
use super::beside::Beside;
use super::unpacked::{Content, Fault, Room, UnpackedContent, UnpackedFile};

/// What an entry's own header begins with.
pub(super) const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
/// What a data descriptor may begin with.
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
/// Bytes of an entry's own header.
const HEADER: usize = 30;
/// What a size says that stands in an extra field.
const ELSEWHERE: u64 = 0xffff_ffff;
/// Bytes of an extra field of a known kind that hold no more than it says: times, IDs, sizes.
const EXTRA: usize = 64;

/// An entry.
pub(super) struct Entry<'a> {
    /// Its name, escaped.
    pub name: String,
    /// Where its header begins.
    pub start: usize,
    header: Header<'a>,
    /// Its packed bytes; where it is not known how many they are, all that they may be in.
    packed: Range<usize>,
    is_length_known: bool,
    /// CRC-32 and size, as the directory has them, or else its header.
    checksum: Option<u32>,
    size: Option<u64>,
}

/// An entry that was taken out.
pub(super) struct TakenOut {
    pub file: UnpackedFile,
    /// What is wrong with the directory, where the file is whole by its own header.
    pub hurt: Option<Fault>,
    /// Where its packed bytes end.
    pub end: usize,
}

/// An entry's own header.
struct Header<'a> {
    raw_name: &'a [u8],
    extra: &'a [u8],
    is_encrypted: bool,
    /// Whether sizes and checksum stand behind the packed bytes.
    is_followed: bool,
    method: u16,
    checksum: u32,
    packed: u64,
    size: u64,
    /// Where the packed bytes begin.
    end: usize,
}

impl<'a> Entry<'a> {
    /// One that the directory names.
    pub(super) fn named<R: Read>(bytes: &'a [u8], file: &ZipFile<'_, R>) -> Option<Self> {
        let start = usize::try_from(file.header_start()).ok()?;
        let header = Header::at(bytes, start)?;
        let end = header.end.checked_add(usize::try_from(file.compressed_size()).ok()?)?.min(bytes.len());
        let (name, packed) = (name_of(file.name_raw()), header.end..end);
        let (checksum, size) = (Some(file.crc32()), Some(file.size()));
        Some(Self { name, start, header, packed, is_length_known: true, checksum, size })
    }

    /// One that stands at a place, where no directory names it.
    pub(super) fn at(bytes: &'a [u8], start: usize) -> Option<Self> {
        let header = Header::at(bytes, start)?;
        let is_length_known = !header.is_followed || header.packed > 0;
        let length = usize::try_from(header.packed).ok().filter(|_| is_length_known);
        let packed = header.end..length.map_or(bytes.len(), |length| header.end.saturating_add(length).min(bytes.len()));
        let (checksum, size) = (is_length_known.then_some(header.checksum), is_length_known.then_some(header.size));
        Some(Self { name: name_of(header.raw_name), start, header, packed, is_length_known, checksum, size })
    }

    /// Whether it is a directory, and holds nothing.
    pub(super) fn is_directory(&self) -> bool {
        self.name.ends_with('/') && self.packed.is_empty()
    }

    /// Where it ends, as far as that is known before it is taken out.
    pub(super) fn end(&self) -> usize {
        if self.is_length_known { self.packed.end } else { self.packed.start }
    }

    /// Counts what stands beside its packed bytes.
    pub(super) fn look_beside(&self, beside: &mut Beside) {
        look_beside_extra(self.header.extra, beside);
        if !self.name.starts_with(&name_of(self.header.raw_name)) {
            beside.add("names that its directory does not have", self.header.raw_name);
        }
    }

    /// Takes it out.
    pub(super) fn unpack(&self, bytes: &[u8], room: &mut Room, beside: &mut Beside) -> Result<TakenOut, Fault> {
        let packed = bytes.get(self.packed.clone()).unwrap_or_default();
        let name = Some(self.name.clone());
        match self.header.method {
            _ if self.header.is_encrypted => Err(Fault::Unsupported("it is encrypted".to_owned())),
            0 if !self.is_length_known => Err(Fault::Nothing("how many bytes it has stands nowhere".to_owned())),
            0 => {
                let (damage, hurt) = self.held_against(bytes, packed, packed.len());
                let content = UnpackedContent::Within(self.packed.clone());
                Ok(TakenOut { file: UnpackedFile { name, content, damage }, hurt, end: self.packed.end })
            }
            8 => {
                room.expect(self.size.unwrap_or(0).min((packed.len() as u64).saturating_mul(MOST_DEFLATED)))?;
                let mut content = Content::new(room);
                let mut decoder = flate2::bufread::DeflateDecoder::new(packed);
                let outcome = content.fill(&mut decoder);
                let behind = decoder.into_inner();
                let taken = packed.len().saturating_sub(behind.len());
                let (damage, hurt) = match outcome.is_ok() && !content.is_too_large() {
                    true => self.held_against(bytes, content.bytes(), taken),
                    false => (None, None),
                };
                if self.is_length_known && outcome.is_ok() {
                    beside.add("behind the packed bytes of files", behind);
                }
                let mut file = content.end(outcome, name, room)?;
                file.damage = file.damage.or(damage);
                Ok(TakenOut {
                    file,
                    hurt,
                    end: if self.is_length_known { self.packed.end } else { self.packed.start.saturating_add(taken) },
                })
            }
            method => Err(Fault::Unsupported(format!("compression method {method} of zip"))),
        }
    }

    /// Holds what came out of so many packed bytes against the checksums: why it is not whole, or what is wrong with the directory alone.
    fn held_against(&self, bytes: &[u8], content: &[u8], packed: usize) -> (Option<String>, Option<Fault>) {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let behind = bytes.get(self.packed.start.saturating_add(packed)..).unwrap_or_default();
        let own = if self.header.is_followed { described(behind) } else { Some(self.header.checksum) };
        match (self.checksum.or(own), own) {
            (None, _) => (None, None),
            (Some(checksum), _) if checksum == crc.sum() => (None, None),
            (_, Some(own)) if own == crc.sum() => {
                let why = "the directory of the zip has another checksum of it; by the checksum in its own header it is whole";
                (None, Some(Fault::EndsEarly(why.to_owned())))
            }
            _ => {
                let what = if self.size.is_some_and(|size| (content.len() as u64) < size) {
                    "ends early"
                } else {
                    "is damaged (its checksum is another)"
                };
                (Some(format!("the packed file {what}; {} bytes came out of it and were read", content.len())), None)
            }
        }
    }
}

/// Bytes that come out of a byte of deflate at most.
const MOST_DEFLATED: u64 = 1032;

impl<'a> Header<'a> {
    fn at(bytes: &'a [u8], start: usize) -> Option<Self> {
        let (header, behind) = bytes.get(start..)?.split_first_chunk::<HEADER>()?;
        let number = |at: usize| range::slice(header, at as u64, 2).and_then(|two| two.try_into().ok()).map(u16::from_le_bytes);
        let long = |at: usize| Some(u32::from(number(at)?) | u32::from(number(at.checked_add(2)?)?) << 16);
        let (raw_name, behind) = behind.split_at_checked(number(26)?.into())?;
        let (extra, _) = behind.split_at_checked(number(28)?.into())?;
        let (mut packed, mut size) = (u64::from(long(18)?), u64::from(long(22)?));
        // Sizes that take more than four bytes, the larger one first. Source: §4.5.3.
        let mut sizes = extras(extra).find(|(id, _)| *id == 1).map(|(_, data)| data.as_chunks::<8>().0.iter()).unwrap_or_default();
        for wide in [&mut size, &mut packed] {
            if *wide == ELSEWHERE
                && let Some(eight) = sizes.next()
            {
                *wide = u64::from_le_bytes(*eight);
            }
        }
        let end = start.checked_add(HEADER)?.checked_add(raw_name.len())?.checked_add(extra.len())?;
        let (flags, checksum) = (number(6)?, long(14)?);
        let (is_encrypted, is_followed) = (flags & 1 != 0, flags & 8 != 0);
        (header.starts_with(LOCAL_HEADER) && !raw_name.is_empty()).then_some(Self {
            raw_name,
            extra,
            is_encrypted,
            is_followed,
            method: number(8)?,
            checksum,
            packed,
            size,
            end,
        })
    }
}

/// Extra fields: which, and what it holds. What is none has no number.
fn extras(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let field = match bytes {
            [] => return None,
            [a, b, c, d, rest @ ..] => rest
                .split_at_checked(u16::from_le_bytes([*c, *d]).into())
                .map(|(data, behind)| (u16::from_le_bytes([*a, *b]), data, behind)),
            _ => None,
        };
        let (id, data, behind) = field.unwrap_or((0, bytes, &[]));
        bytes = behind;
        Some((id, data))
    })
}

/// Counts extra fields, but for those of sizes, times and owners.
pub(super) fn look_beside_extra(bytes: &[u8], beside: &mut Beside) {
    // Sizes, NTFS, Unix in four forms, names in Unicode, JAR, alignment. Source: §4.5.2, §4.6.
    const KNOWN: [u16; 10] = [0x0001, 0x000a, 0x5455, 0x5855, 0x7855, 0x7875, 0x756e, 0x7075, 0xcafe, 0xd935];
    for (id, data) in extras(bytes) {
        if data.len() > EXTRA || !KNOWN.contains(&id) {
            beside.add("extra fields", data);
        }
    }
}

/// The checksum in a data descriptor.
fn described(bytes: &[u8]) -> Option<u32> {
    let bytes = bytes.strip_prefix(DESCRIPTOR).unwrap_or(bytes);
    bytes.first_chunk::<4>().map(|four| u32::from_le_bytes(*four))
}

fn name_of(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).escape_debug().to_string()
}
