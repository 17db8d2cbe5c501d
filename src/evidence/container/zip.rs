//! Zip: the files that the central directory names, and those that stand in no directory.
//!
//! ```text
//! header, name, extra fields │ packed bytes │ descriptor │ header … │ central directory │ its end, a comment │ nothing
//! ```
//! The directory is what other programs go by. An entry that it does not name, or names twice, stands between the others all the same:
//! it has a header of its own, and is found by it. So are all of them where the directory is lost.
//!
//! Source: APPNOTE.TXT §4.3.

use std::io::Cursor;
use std::ops::Range;

use ::zip::result::ZipError;

use super::super::range;
use super::beside::Beside;
use super::unpacked::{Fault, Room, Unpacked};
use super::zip_directory::{self, End};
use super::zip_entry::{Entry, LOCAL_HEADER, TakenOut};

/// Bytes of the longest data descriptor, which may stand behind an entry.
const DESCRIPTOR: usize = 24;

/// Takes out every file.
pub(super) fn unpack(bytes: &[u8], room: &mut Room) -> Result<Unpacked, Fault> {
    let mut unpacking = Unpacking { bytes, room, unpacked: Unpacked::default(), beside: Beside::default(), covered: Vec::new() };
    match End::find(bytes) {
        Some(end) => match unpacking.of_directory(&end) {
            Ok(()) => {}
            Err(error) => unpacking.without_directory(&error.to_string()),
        },
        None => unpacking.without_directory("its end is not there"),
    }
    unpacking.finish()
}

struct Unpacking<'a> {
    bytes: &'a [u8],
    room: &'a mut Room,
    unpacked: Unpacked,
    beside: Beside,
    /// Where the entries stand that the directory names.
    covered: Vec<Range<usize>>,
}

impl Unpacking<'_> {
    fn of_directory(&mut self, end: &End) -> Result<(), ZipError> {
        let bytes = self.bytes;
        let mut archive = ::zip::ZipArchive::new(Cursor::new(bytes.get(..end.range.end).unwrap_or_default()))?;
        for index in 0..archive.len() {
            let found = archive.by_index_raw(index).map(|file| Entry::named(bytes, &file));
            match found {
                Ok(Some(entry)) => drop(self.take(&entry)),
                Ok(None) => self.left(None, Fault::Nothing(format!("entry {index} of its directory has no header that can be read"))),
                Err(error) => self.left(None, fault_of(error)),
            }
        }
        let start = usize::try_from(archive.central_directory_start()).unwrap_or(usize::MAX);
        zip_directory::look_beside(bytes, start, end, &mut self.beside);
        self.between(start);
        self.gap(end.range.end..bytes.len(), 0);
        Ok(())
    }

    /// Takes out what is found by its own header, where the directory cannot be read.
    fn without_directory(&mut self, why: &str) {
        self.gap(0..self.bytes.len(), DESCRIPTOR);
        self.left(
            None,
            Fault::EndsEarly(format!("the zip has no directory that can be read ({why}); its files were found by their headers")),
        );
    }

    /// Takes out an entry, and says where it ends.
    fn take(&mut self, entry: &Entry<'_>) -> usize {
        let mut end = entry.end();
        entry.look_beside(&mut self.beside);
        match entry.unpack(self.bytes, self.room, &mut self.beside) {
            _ if entry.is_directory() => {}
            Ok(TakenOut { file, hurt, end: its_end }) => {
                end = its_end;
                self.unpacked.files.push(file);
                if let Some(hurt) = hurt {
                    self.left(Some(entry.name.clone()), hurt);
                }
            }
            Err(fault) => self.left(Some(entry.name.clone()), fault),
        }
        self.covered.push(entry.start..end);
        end
    }

    fn left(&mut self, name: Option<String>, fault: Fault) {
        self.unpacked.left.push((name, fault));
    }

    /// What stands between the entries that the directory names.
    fn between(&mut self, end: usize) {
        self.covered.sort_by_key(|range| (range.start, range.end));
        let mut gaps = Vec::new();
        let mut at = 0usize;
        for range in self.covered.iter().chain([&(end..end)]) {
            if range.start > at {
                gaps.push(at..range.start);
            }
            at = at.max(range.end);
        }
        for gap in gaps {
            self.gap(gap, DESCRIPTOR);
        }
    }

    /// Looks for entries where the directory names none. Of what else stands there, so many bytes are known.
    fn gap(&mut self, gap: Range<usize>, known: usize) {
        let bytes = self.bytes.get(..gap.end).unwrap_or_default();
        let (mut at, mut none) = (gap.start, 0usize);
        let mut is_padding = true;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let next = memchr::memmem::find(rest, LOCAL_HEADER);
            let (before, found) = rest.split_at_checked(next.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            let entry = next.and_then(|_| Entry::at(bytes, bytes.len().saturating_sub(found.len())));
            // Where no entry begins, the sign of one is as good as any bytes.
            let passed = if entry.is_some() || next.is_none() { before.len() } else { before.len().saturating_add(LOCAL_HEADER.len()) };
            if passed > known {
                none = none.saturating_add(passed);
                is_padding &= rest.get(..passed).is_none_or(range::is_padding);
            }
            at = at.saturating_add(passed);
            match entry {
                Some(mut entry) => {
                    entry.name.push_str(" (in no directory)");
                    at = self.take(&entry).max(at.saturating_add(LOCAL_HEADER.len()));
                }
                None if next.is_none() => break,
                None => {}
            }
        }
        if !is_padding {
            self.left(None, Fault::Bytes(format!("{none} bytes that stand in no entry")));
        }
    }

    fn finish(self) -> Result<Unpacked, Fault> {
        let Self { mut unpacked, beside, .. } = self;
        unpacked.left.extend(beside.left());
        Ok(unpacked)
    }
}

/// Why nothing comes out of an entry.
fn fault_of(error: ZipError) -> Fault {
    match error {
        ZipError::UnsupportedArchive(why) => Fault::Unsupported(why.to_owned()),
        error => Fault::Nothing(error.to_string()),
    }
}
