//! Zip: the files that the central directory names, and those that stand in no directory.
//!
//! The directory at the end is what other programs go by. An entry that it does not name, or names twice, stands between the others
//! all the same: it has a header of its own.

use std::io::{self, Cursor, Read};
use std::ops::Range;

use ::zip::result::ZipError;

use super::super::range;
use super::unpacked::{Content, Fault, Room, Unpacked, UnpackedFile};

/// What an entry's own header begins with.
const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
/// Bytes of the longest data descriptor, which may stand behind an entry.
const DESCRIPTOR: u64 = 24;

/// Takes out every file.
pub(super) fn unpack(bytes: &[u8], room: &mut Room) -> Result<Unpacked, Fault> {
    let mut archive = ::zip::ZipArchive::new(Cursor::new(bytes)).map_err(fault_of)?;
    let mut unpacking = Unpacking { bytes, room, files: Vec::new(), left: Vec::new(), covered: Vec::new() };
    for index in 0..archive.len() {
        let (name, is_dir, size) = {
            let entry = archive.by_index_raw(index).map_err(fault_of)?;
            let end = entry.data_start().unwrap_or(entry.header_start()).saturating_add(entry.compressed_size());
            unpacking.covered.push(entry.header_start()..end);
            (name_of(entry.name_raw()), entry.is_dir(), entry.size())
        };
        if !is_dir {
            unpacking.take(name, size, archive.by_index(index));
        }
    }
    unpacking.between(archive.central_directory_start());
    let Unpacking { files, left, .. } = unpacking;
    Ok(Unpacked { files, left, ..Unpacked::default() })
}

struct Unpacking<'a> {
    bytes: &'a [u8],
    room: &'a mut Room,
    files: Vec<UnpackedFile>,
    left: Vec<(Option<String>, Fault)>,
    /// Where the entries stand that the directory names.
    covered: Vec<Range<u64>>,
}

impl Unpacking<'_> {
    /// Takes out an entry that says to hold so many bytes.
    fn take(&mut self, name: String, size: u64, entry: Result<impl Read, ZipError>) {
        let taken = entry.map_err(fault_of).and_then(|mut entry| {
            self.room.expect(size)?;
            let mut content = Content::new(self.room);
            let outcome = content.fill(&mut entry);
            content.end(outcome, Some(name.clone()), self.room)
        });
        match taken {
            Ok(file) => self.files.push(file),
            Err(fault) => self.left.push((Some(name), fault)),
        }
    }

    /// What stands between the entries that the directory names.
    fn between(&mut self, end: u64) {
        self.covered.sort_by_key(|range| (range.start, range.end));
        let mut gaps = Vec::new();
        let mut at = 0u64;
        for range in self.covered.iter().chain([&(end..end)]) {
            if range.start > at {
                gaps.push(at..range.start);
            }
            at = at.max(range.end);
        }
        for gap in gaps {
            self.gap(gap);
        }
    }

    fn gap(&mut self, gap: Range<u64>) {
        let bytes = self.bytes;
        let of = |offset: u64| usize::try_from(offset).ok();
        let mut rest = of(gap.start).zip(of(gap.end)).and_then(|(start, end)| bytes.get(start..end)).unwrap_or_default();
        while let Some(at) = memchr::memmem::find(rest, LOCAL_HEADER) {
            let entry = rest.get(at..).unwrap_or_default();
            let mut reader = Counting { bytes: entry, read: 0 };
            match ::zip::read::read_zipfile_from_stream(&mut reader) {
                Ok(Some(file)) => {
                    let name = format!("{} (in no directory)", name_of(file.name_raw()));
                    self.take(name, 0, Ok(file));
                }
                Ok(None) => {}
                Err(error) => {
                    let why = format!("{} bytes with an entry that no directory names: {error}", entry.len());
                    self.left.push((None, Fault::Bytes(why)));
                    return;
                }
            }
            // An entry takes at least its header.
            rest = entry.get(reader.read.max(LOCAL_HEADER.len())..).unwrap_or_default();
        }
        if rest.len() as u64 > DESCRIPTOR && !range::is_zero(rest) {
            self.left.push((None, Fault::Bytes(format!("{} bytes that stand in no entry", rest.len()))));
        }
    }
}

/// A reader that says how far it was read.
struct Counting<'a> {
    bytes: &'a [u8],
    read: usize,
}

impl Read for Counting<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.get(self.read..).unwrap_or_default().read(out)?;
        self.read = self.read.saturating_add(read);
        Ok(read)
    }
}

fn name_of(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).escape_debug().to_string()
}

fn fault_of(error: ZipError) -> Fault {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Fault::Unsupported("it is encrypted".to_owned()),
        ZipError::UnsupportedArchive(why) => Fault::Unsupported(why.to_owned()),
        ZipError::CompressionMethodNotSupported(method) => Fault::Unsupported(format!("compression method {method} of zip")),
        ZipError::InvalidPassword => Fault::Unsupported("it is encrypted".to_owned()),
        error => Fault::Nothing(error.to_string()),
    }
}
