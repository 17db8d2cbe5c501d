//! From evidence to an open database: trailer, meta pages, page size.

use std::ops::Range;

use crate::bbolt::{Db, Meta, OpenError};
use crate::etcd::trailer::{self, Trailer};
use crate::evidence::digest::Sha256Digest;
use crate::evidence::range;
use crate::evidence::{Container, EXPECTED, Evidence};
use crate::store::Kind;

/// A bbolt database within an evidence.
#[derive(Clone, Debug)]
pub struct OpenedDatabase<'data> {
    /// The database.
    pub db: Db<'data>,
    /// The 32 bytes behind it, when it has a snapshot's size.
    pub trailer: Option<&'data [u8]>,
}

/// Evidence in which no database can be opened.
#[derive(Clone, Debug, thiserror::Error)]
#[error("expected {EXPECTED}; found {0}")]
pub struct NotADatabase(pub OpenError);

impl NotADatabase {
    /// Whether bbolt wrote the bytes all the same.
    pub fn is_of_bbolt(&self) -> bool {
        self.0 != OpenError::NotBbolt
    }

    /// Whether it is one whose numbers begin with their highest byte, which is not read here.
    pub fn is_big_endian(&self) -> bool {
        self.0 == OpenError::BigEndian
    }
}

impl<'data> OpenedDatabase<'data> {
    /// Opens the evidence's content.
    ///
    /// # Errors
    /// It is no bbolt database, and has no pages of one; the error says what it looks like instead.
    pub fn open(evidence: &'data Evidence) -> Result<Self, NotADatabase> {
        let content = evidence.content();
        let (payload, trailer) = trailer::split(content);
        let error = match Db::open(payload) {
            Ok(db) => return Ok(Self { db: db.with_ahead(evidence.ahead()), trailer }),
            Err(error) => error,
        };
        // Without a valid meta its pages are read all the same; in the other byte order they bear no numbers that fit.
        if error != OpenError::BigEndian
            && let Some(db) = Db::of_pages(payload)
        {
            return Ok(Self { db: db.with_ahead(evidence.ahead()), trailer });
        }
        Err(NotADatabase(error))
    }

    /// Where the first database begins in bytes that are none from their first one on.
    pub(crate) fn begins_within(content: &[u8]) -> Option<usize> {
        Meta::find_first(content, 0)
    }

    /// Where further databases begin, which were written behind it, or last a container of some: it ends at its high-water mark, at the
    /// latest where they begin.
    pub fn further(evidence: &'data Evidence) -> Vec<usize> {
        let content = evidence.content();
        let (mut starts, mut start) = (Vec::new(), Some(0usize));
        while let Some(at) = start {
            let db = content.get(at..).and_then(|rest| Db::open(rest).ok());
            let used = db.and_then(|db| usize::try_from(db.high_water_mark().checked_mul(db.page_size())?).ok()?.checked_add(at));
            let begins = |at: &usize| content.get(*at..).is_some_and(begins_packed);
            let packed = used.and_then(|used| [used, used.saturating_add(trailer::LEN)].into_iter().find(begins));
            starts.extend(packed);
            start = used.filter(|_| packed.is_none()).and_then(|used| Meta::find_first(content, used));
            starts.extend(start);
        }
        starts
    }

    /// What the bytes are. The snapshot API writes one meta twice and, last, a trailer; where the trailer is missing because the file
    /// was cut, pages are missing too. A whole file with twin metas and no trailer may be a snapshot that lost it, or a database that
    /// `etcdutl` opened last, which writes both metas alike: nothing in it tells, so it is called what it is used as.
    pub fn kind(&self) -> Kind {
        let ends_early = self.db.pages_in_file() < self.db.high_water_mark();
        match self.trailer.is_some() || self.db.has_twin_metas() && (ends_early || self.has_cut_trailer()) {
            true => Kind::Snapshot,
            false => Kind::Database,
        }
    }

    /// Whether it is as the snapshot API sent it, so far as a digest can tell; `trailer`: what is known of its own. Of one meta that
    /// was broken since, the other says what it was.
    pub(crate) fn is_as_sent(&self, trailer: Option<Trailer>) -> bool {
        match trailer {
            Some(Trailer::Match) => self.db.has_twin_metas(),
            Some(Trailer::Mismatch) => {
                let digest = self.db.with_twin_meta().map(|parts| Sha256Digest::of_parts(&parts));
                self.trailer.zip(digest).is_some_and(|(trailer, digest)| trailer == digest.0)
            }
            Some(Trailer::Absent) | None => false,
        }
    }

    /// Whether the file ends within its trailer: what is there of it is the beginning of the right one.
    pub(crate) fn has_cut_trailer(&self) -> bool {
        let surplus = self.surplus();
        let is_short = (1..trailer::LEN).contains(&surplus.len()) && self.db.pages_in_file() == self.db.high_water_mark();
        let sent = || self.db.bytes().strip_suffix(surplus).unwrap_or_default();
        is_short && self.db.has_twin_metas() && Sha256Digest::of(sent()).0.starts_with(surplus)
    }

    /// How many bytes stand behind a snapshot's trailer: the snapshot is there as it was sent, and more was written behind it. `None`: there is
    /// no trailer that matches before the end of the file.
    pub(crate) fn behind_trailer(&self) -> Option<usize> {
        let end = usize::try_from(self.db.high_water_mark().checked_mul(self.db.page_size())?).ok()?;
        let (sent, behind) = self.db.bytes().split_at_checked(end).filter(|_| self.db.has_twin_metas())?;
        let (trailer, more) = behind.split_at_checked(trailer::LEN)?;
        // Pages that were never used are zero: they are not worth a digest of the whole file.
        let is_trailer = !more.is_empty() && !range::is_zero(trailer) && trailer == Sha256Digest::of(sent).0;
        // What has the size of a trailer is one of the bytes behind it.
        is_trailer.then(|| more.len().saturating_add(self.trailer.map_or(0, <[u8]>::len)))
    }

    /// What stands where the pages end that were ever used, and has a trailer's size.
    pub(crate) fn trailer_at_end_of_pages(&self) -> Option<&'data [u8]> {
        range::slice(self.db.bytes(), self.end_of_pages() as u64, trailer::LEN as u64)
    }

    /// Where the trailer stands; `is_followed`: whether it matches, and bytes stand behind it.
    pub(crate) fn place_of_trailer(&self, is_followed: bool) -> Range<u64> {
        let (start, length) = match (is_followed, self.trailer) {
            (true, _) => (self.end_of_pages() as u64, trailer::LEN),
            (false, trailer) => (self.db.bytes().len() as u64, trailer.map_or(0, <[u8]>::len)),
        };
        start..start.saturating_add(length as u64)
    }

    /// Where the pages that were ever used end. Behind them stand zeros, or the trailer, or what somebody else put there.
    pub(crate) fn end_of_pages(&self) -> usize {
        let end = self.db.high_water_mark().checked_mul(self.db.page_size()).and_then(|end| usize::try_from(end).ok());
        end.unwrap_or(usize::MAX)
    }

    /// The bytes between the last whole page and the trailer, or the end of the content where there is none.
    pub(crate) fn surplus(&self) -> &'data [u8] {
        self.db.bytes().get(self.end_of_whole_pages()..).unwrap_or_default()
    }

    /// Where the last whole page ends.
    pub(crate) fn end_of_whole_pages(&self) -> usize {
        usize::try_from(self.db.pages_in_file().saturating_mul(self.db.page_size())).unwrap_or(usize::MAX)
    }
}

/// Whether bytes behind a database begin like a container, or like one that this program does not open. More is asked of them than of
/// a file's first bytes, since here old pages may stand.
fn begins_packed(bytes: &[u8]) -> bool {
    const XZ: &[u8] = b"\xfd7zXZ\0";
    let is_bzip2 = matches!(bytes, [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]);
    match Container::of(bytes) {
        Some(Container::Gzip) => matches!(bytes, [_, _, 8, 0..=0x1f, ..]),
        Some(Container::Base64 | Container::Tar | Container::Zip | Container::Zstd) => true,
        // What was put into a whole file stands in no part of it alone.
        Some(Container::TextMode) | None => is_bzip2 || bytes.starts_with(XZ),
    }
}
