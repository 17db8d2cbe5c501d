//! Tar: its files stand in it as they are, each behind a header. Where a header is broken, the next one that is whole is looked for.
//!
//! ```text
//! header 512 │ content, padded to 512 │ header │ … │ zeros, 1024
//! ```
//! An archive that others were put behind (`cat a.tar b.tar`) is read on behind its end. What is written twice under one name stands in
//! it twice; the last one is what other programs leave behind.

use std::io::{self, Cursor};

use ::tar::{Archive, Entry, EntryType, Header};

use super::super::range;
use super::beside::Beside;
use super::pax;
use super::unpacked::{Fault, Unpacked, UnpackedContent, UnpackedFile, UnpackedLink};

/// Everything in it begins at a multiple of it.
const BLOCK: usize = 512;
/// Where a header has its checksum, and how long that is.
const CHECKSUM: (usize, usize) = (148, 8);
/// What stands at byte 257 of a header since POSIX.
const MAGIC: &[u8] = b"ustar";

/// Bytes of the longest path that a system has.
const LONG_NAME: usize = 4096;

/// Whether bytes begin with a header; one that is broken has its sign at least.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.get(..BLOCK).is_some_and(|block| is_header(block) || block.get(257..).is_some_and(|rest| rest.starts_with(MAGIC)))
}

/// Whether a block's checksum is that of its bytes, in which its own place counts as blanks.
fn is_header(block: &[u8]) -> bool {
    let (at, length) = CHECKSUM;
    let Some((before, (stored, behind))) = block.split_at_checked(at).and_then(|(head, rest)| Some((head, rest.split_at_checked(length)?)))
    else {
        return false;
    };
    let digits = stored.trim_ascii_start().iter().take_while(|byte| matches!(byte, b'0'..=b'7'));
    let (count, stored) = digits.fold((0u32, 0u32), |(count, sum), digit| (count.saturating_add(1), sum << 3 | u32::from(digit & 7)));
    let sum = before.iter().chain(behind).map(|byte| u32::from(*byte)).fold(8 * u32::from(b' '), u32::saturating_add);
    count > 0 && sum == stored
}

/// Takes out every file, and says what of it is none.
pub(super) fn unpack(bytes: &[u8]) -> Result<Unpacked, Fault> {
    let mut unpacking = Unpacking { bytes, at: 0, unpacked: Unpacked::default(), beside: Beside::default() };
    while unpacking.run_of_entries() {}
    unpacking.finish()
}

struct Unpacking<'a> {
    bytes: &'a [u8],
    /// Behind the last entry.
    at: usize,
    unpacked: Unpacked,
    beside: Beside,
}

impl Unpacking<'_> {
    /// Takes out entries until a header is broken. Whether there is a whole one behind it.
    fn run_of_entries(&mut self) -> bool {
        let base = self.at;
        let bytes = self.bytes;
        let mut archive = Archive::new(Cursor::new(bytes.get(base..).unwrap_or_default()));
        archive.set_ignore_zeros(true);
        let outcome = archive.entries_with_seek().and_then(|entries| {
            for entry in entries {
                self.take(base, entry?);
            }
            Ok(())
        });
        if outcome.is_ok() {
            return false;
        }
        let rest = bytes.get(self.at..).unwrap_or_default();
        let mut blocks = rest.chunks(BLOCK).enumerate().skip_while(|(_, block)| range::is_zero(block)).skip(1);
        let next = blocks.find(|(_, block)| is_header(block)).and_then(|(index, _)| index.checked_mul(BLOCK));
        let lost = next.unwrap_or(rest.len());
        let is_lost = !rest.get(..lost).is_none_or(range::is_padding);
        if next.is_none() && !is_lost {
            // The end, and what a device or a program pads it with, of any length.
            return false;
        }
        if is_lost {
            let what = format!("{lost} bytes at offset {} are no entry of the tar", self.at);
            self.unpacked.left.push((None, Fault::Bytes(what)));
        }
        self.at = self.at.saturating_add(lost);
        next.is_some()
    }

    fn take(&mut self, base: usize, mut entry: Entry<'_, Cursor<&[u8]>>) {
        let of = |offset: u64| usize::try_from(offset).ok().and_then(|offset| base.checked_add(offset)).unwrap_or(usize::MAX);
        let name = name_of(&entry.path_bytes());
        let link = entry.link_name_bytes().map(|target| name_of(&target));
        let kind = entry.header().entry_type();
        let (size, start) = (entry.size(), of(entry.raw_file_position()));
        self.look_before(of(entry.raw_header_position()));
        let end = usize::try_from(size).ok().and_then(|length| start.checked_add(length)).unwrap_or(usize::MAX);
        self.at = end.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX).min(self.bytes.len());
        let there = self.bytes.len().min(end);
        let within = self.bytes.get(start..there).unwrap_or_default();
        self.beside.add("behind the ends of files", self.bytes.get(there..self.at).unwrap_or_default());
        match kind {
            EntryType::XGlobalHeader => pax::look_beside(within, &mut self.beside),
            EntryType::Directory | EntryType::Fifo => self.beside.add("what is no file", within),
            EntryType::Block | EntryType::Char => {
                self.beside.add("what is no file", within);
                self.unpacked.left.push((Some(name), Fault::Device));
            }
            EntryType::Symlink | EntryType::Link => {
                self.beside.add("links", within);
                let (target, is_hard) = (link.unwrap_or_default(), kind == EntryType::Link);
                self.unpacked.links.push(UnpackedLink { name, target, is_hard });
            }
            _ if let Some(what) = not_whole(kind, &mut entry) => self.unpacked.left.push((Some(name), Fault::Unsupported(what.to_owned()))),
            _ => {
                let got = there.saturating_sub(start);
                let damage = (there < end).then(|| format!("the tar ends early; {got} of {size} bytes are there and were read"));
                let content = UnpackedContent::Within(start.min(there)..there);
                self.unpacked.files.push(UnpackedFile { name: Some(name), content, damage });
            }
        }
    }

    /// What stands between the last entry and the header of the next one: what says more of it.
    fn look_before(&mut self, header: usize) {
        let bytes = self.bytes.get(..header.saturating_add(BLOCK)).unwrap_or_default();
        let mut at = self.at;
        while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            let behind = at.saturating_add(BLOCK);
            self.beside.add("unused bytes of headers", unused(block));
            let is_further = at < header && !range::is_zero(block);
            let size = Header::from_byte_slice(block).entry_size().ok().filter(|_| is_further).and_then(|size| usize::try_from(size).ok());
            let end = behind.saturating_add(size.unwrap_or(0));
            at = end.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX);
            if !is_further {
                continue;
            }
            let data = bytes.get(behind..end).unwrap_or_default();
            match Header::from_byte_slice(block).entry_type() {
                EntryType::XHeader => pax::look_beside(data, &mut self.beside),
                // A name of any length, which is the entry's.
                EntryType::GNULongName | EntryType::GNULongLink => {
                    self.beside.add("long names", data.get(LONG_NAME..).unwrap_or_default());
                }
                _ => self.beside.add("what is no file", data),
            }
            self.beside.add("behind the ends of files", bytes.get(end..at).unwrap_or_default());
        }
    }

    fn finish(self) -> Result<Unpacked, Fault> {
        let Self { bytes, at, mut unpacked, beside } = self;
        unpacked.left.extend(beside.left());
        if let ([], [], [(None, Fault::Bytes(why))]) = (unpacked.files.as_slice(), unpacked.links.as_slice(), unpacked.left.as_slice()) {
            return Err(Fault::Nothing(why.clone()));
        }
        let end = bytes.get(at..).unwrap_or_default();
        if end.len() < BLOCK && unpacked.left.is_empty() {
            let why = "the tar ends early, without the mark that ends it: what stood behind is not there".to_owned();
            unpacked.left.push((None, Fault::EndsEarly(why)));
        }
        Ok(unpacked)
    }
}

/// Why what stands in the archive is not the file as it was.
fn not_whole(kind: EntryType, entry: &mut Entry<'_, Cursor<&[u8]>>) -> Option<&'static str> {
    // Of a volume before this one, by GNU tar.
    const CONTINUED: u8 = b'M';
    match kind {
        EntryType::GNUSparse => Some(SPARSE),
        _ if kind.as_byte() == CONTINUED => Some("the rest of a file that begins in another volume"),
        _ => {
            let is_sparse = |key: io::Result<::tar::PaxExtension<'_>>| key.is_ok_and(|one| one.key_bytes().starts_with(b"GNU.sparse."));
            entry.pax_extensions().ok().flatten()?.any(is_sparse).then_some(SPARSE)
        }
    }
}

const SPARSE: &str = "a sparse file, of which the tar has only the parts that are not zeros";

/// Bytes of a header that no field is in.
fn unused(block: &[u8; BLOCK]) -> &[u8] {
    let from = match block.get(257..265) {
        Some(b"ustar  \0") => 495,
        Some([b'u', b's', b't', b'a', b'r', ..]) => 500,
        _ => 257,
    };
    let unused = block.get(from..).unwrap_or_default();
    // The sign of star, which is a form of its own.
    unused.strip_suffix(b"tar\0").unwrap_or(unused)
}

fn name_of(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).escape_debug().to_string()
}
