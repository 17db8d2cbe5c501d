//! Beginnings of values of which no value was found: what a search by beginnings and ends cannot follow, and does not keep silent about.
//!
//! A beginning counts where its value is not among the finds, and does not stand within a whole one, which was read as what it is.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::sqlite::SqliteFile;
use crate::evidence::packed::{Packed, PackedHow};
use crate::kubernetes::Beginning;
use crate::store::whole;

/// What SQLite puts behind the bytes of a row that go on on another page: the number of that page.
const PAGE_NUMBER: u64 = 4;

/// A beginning, small enough to keep millions of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub at: u64,
    pub form: PassedOverForm,
    pub of: BeginningOf,
}

/// What it is that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BeginningOf {
    /// A Secret, or an object that does not come to say what it is.
    Secret,
    /// An encrypted value.
    Sealed,
    /// Another object.
    Other,
    /// What is packed or encrypted as a whole, with whatever is in it.
    Stream,
}

impl BeginningOf {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Sealed => "encrypted",
            Self::Other => "object",
            Self::Stream => "stream",
        }
    }

    /// What begins these bytes; `None` where nothing does.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"k8s:enc:") {
            return Some(Self::Sealed);
        }
        Some(match Beginning::of(bytes)? {
            Beginning::Secret => Self::Secret,
            Beginning::Other => Self::Other,
        })
    }
}

impl Begun {
    /// Something that was not looked into.
    pub(super) fn packed(packed: &Packed, at: usize) -> Self {
        let form = match packed.how {
            PackedHow::Compressed => PassedOverForm::Compressed,
            PackedHow::Encrypted => PassedOverForm::Encrypted,
            PackedHow::Image => PassedOverForm::DiskImage,
        };
        Self { at: at as u64, form, of: BeginningOf::Stream }
    }

    /// Bytes in which nothing is found, and nothing could be.
    pub(super) fn opaque(at: u64) -> Self {
        Self { at, form: PassedOverForm::Opaque, of: BeginningOf::Stream }
    }

    /// What begins at a place as it would stand in a database.
    pub(super) fn plain(bytes: &[u8], at: usize) -> Option<Self> {
        let rest = bytes.get(at..)?;
        let of = BeginningOf::of(rest).or_else(|| {
            // The next block may be another file's, or another page of its own.
            let end = whole::end_of_block((at as u64).saturating_add(1)).saturating_sub(PAGE_NUMBER).checked_sub(at as u64)?;
            BeginningOf::of(rest.get(..usize::try_from(end).ok()?).filter(|there| there.len() > b"k8s\0".len())?)
        })?;
        Some(Self { at: at as u64, form: PassedOverForm::NoEnd, of })
    }
}

/// Takes out what begins within ranges that were read. What is left is in the order of its places.
pub(super) fn drop_read(begun: &mut Vec<Begun>, mut read: Vec<Range<u64>>) {
    read.sort_unstable_by_key(|range| range.start);
    begun.sort_unstable_by_key(|begun| begun.at);
    begun.dedup_by_key(|begun| begun.at);
    let (mut ranges, mut until) = (read.into_iter().peekable(), 0u64);
    begun.retain(|begun| {
        while let Some(range) = ranges.next_if(|range| range.start <= begun.at) {
            until = until.max(range.end);
        }
        begun.at >= until
    });
}

/// Beginnings of one form and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// How they are written.
    pub form: PassedOverForm,
    /// What it is that begins.
    pub of: BeginningOf,
    /// How many.
    pub count: u64,
    /// The first byte of the first one.
    pub first: u64,
}

/// How something is written that was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PassedOverForm {
    /// As in a database; its end is not there, or nothing tells it.
    NoEnd,
    /// As in a database, and whole.
    Stored,
    /// In any form within a value that is told as something else: another object, or what should be ciphertext.
    Within,
    /// The same in a database of SQLite, whose rows go on on pages elsewhere.
    Sqlite,
    /// In base64.
    Base64,
    /// In hexadecimal digits.
    Hex,
    /// In octal or decimal numbers, or as the characters of a dump.
    Numbers,
    /// In another code for bytes as text.
    OtherText,
    /// As text with escapes.
    Escaped,
    /// As text of which each character takes two bytes or four.
    Wide,
    /// As JSON with blanks or with its fields in any order, or as YAML.
    Text,
    /// In a form that makes it smaller.
    Compressed,
    /// In bytes that are as even as compressed or encrypted ones are, in no form that is known.
    Opaque,
    /// In a file or volume that is encrypted as a whole.
    Encrypted,
    /// In the blocks of a disk's image that has its own order of them.
    DiskImage,
}

impl PassedOverForm {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoEnd => "no-end",
            Self::Stored => "stored",
            Self::Within => "within",
            Self::Sqlite => "sqlite",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Numbers => "numbers",
            Self::OtherText => "other-text",
            Self::Escaped => "escaped",
            Self::Wide => "utf-16",
            Self::Text => "text",
            Self::Compressed => "compressed",
            Self::Opaque => "opaque",
            Self::Encrypted => "encrypted",
            Self::DiskImage => "disk-image",
        }
    }
}

/// How many of what, and how they are written, in words.
impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = match (self.of, self.count) {
            (BeginningOf::Stream, 1) if self.form == PassedOverForm::Encrypted => "file or volume",
            (BeginningOf::Stream, _) if self.form == PassedOverForm::Encrypted => "files or volumes",
            (BeginningOf::Stream, 1) if self.form == PassedOverForm::Opaque => "run of bytes",
            (BeginningOf::Stream, _) if self.form == PassedOverForm::Opaque => "runs of bytes",
            (BeginningOf::Stream, 1) if self.form == PassedOverForm::DiskImage => "disk image",
            (BeginningOf::Stream, _) if self.form == PassedOverForm::DiskImage => "disk images",
            (BeginningOf::Secret, 1) => "Secret",
            (BeginningOf::Secret, _) => "Secrets",
            (BeginningOf::Sealed, 1) => "encrypted value",
            (BeginningOf::Sealed, _) => "encrypted values",
            (BeginningOf::Other, 1) => "other object",
            (BeginningOf::Other, _) => "other objects",
            (BeginningOf::Stream, 1) => "compressed stream",
            (BeginningOf::Stream, _) => "compressed streams",
        };
        let how = match self.form {
            PassedOverForm::NoEnd => "of which no end was found",
            PassedOverForm::Stored => "in the form of a stored value",
            PassedOverForm::Within => "within another object, or where ciphertext should be",
            PassedOverForm::Sqlite => "in rows of a SQLite database, of which no end was found",
            PassedOverForm::Base64 => "in base64",
            PassedOverForm::Hex => "in hexadecimal digits",
            PassedOverForm::Numbers => "in octal or decimal numbers",
            PassedOverForm::OtherText => "in uuencode, base32 or ascii85",
            PassedOverForm::Escaped => "in text with escapes",
            PassedOverForm::Wide => "in UTF-16 or UTF-32",
            PassedOverForm::Text => "as text, in JSON or YAML",
            PassedOverForm::Compressed if self.count == 1 => "that was not unpacked",
            PassedOverForm::Compressed => "that were not unpacked",
            PassedOverForm::Opaque => "of no form that is known, as even as compressed or encrypted ones",
            PassedOverForm::Encrypted => "encrypted as a whole",
            PassedOverForm::DiskImage => "of which the blocks were not put in order",
        };
        write!(f, "{} {noun} {how}", self.count)
    }
}

impl PassedOver {
    /// The counts of two parts together.
    pub(in crate::store) fn together(one: &[Self], other: &[Self]) -> Vec<Self> {
        let mut counts = Counts::new();
        for PassedOver { form, of, count, first } in one.iter().chain(other) {
            add(&mut counts, (*form, *of), *count, *first);
        }
        listed(counts)
    }
}

/// Counts beginnings by form and kind.
pub(super) fn count(begun: &[Begun], sqlite: &[SqliteFile]) -> Vec<PassedOver> {
    let mut counts = Counts::new();
    for begun in begun {
        let form = match begun.form {
            PassedOverForm::NoEnd if sqlite.iter().any(|file| file.holds(begun.at)) => PassedOverForm::Sqlite,
            form => form,
        };
        add(&mut counts, (form, begun.of), 1, begun.at);
    }
    listed(counts)
}

/// How many there are of each form and kind, and the first byte of the first one.
type Counts = BTreeMap<(PassedOverForm, BeginningOf), (u64, u64)>;

fn add(counts: &mut Counts, what: (PassedOverForm, BeginningOf), more: u64, at: u64) {
    let (count, first) = counts.entry(what).or_insert((0, at));
    (*count, *first) = (count.saturating_add(more), at.min(*first));
}

fn listed(counts: Counts) -> Vec<PassedOver> {
    counts.into_iter().map(|((form, of), (count, first))| PassedOver { form, of, count, first }).collect()
}
