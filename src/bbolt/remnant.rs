//! What the pages outside the tree still hold: page images, and the headerless rest of overwritten runs.
//!
//! bbolt never wipes a page. A free page keeps what was written there last:
//!
//! ```text
//! written at first      ┌ leaf A, overflow 5 ─┬─────┬─────┬─────┬─────┐
//!                       │ header, elements    │  …  │  …  │  …  │  …  │
//! then page 2 of it is  └─────────────────────┴─────┴─────┴─────┴─────┘
//! allocated again       ┌─────────────────────┬─────┬─────┬─────┬─────┐
//!                       │ A: image, 2 pages   │  …  │  B  │ tail of A │
//!                       └─────────────────────┴─────┴─────┴─────┴─────┘
//! ```
//!
//! A header *stands* where a page bears its own number and is a branch, a leaf or a freelist. The rules rest on one fact: **where a run was
//! written over, the first of its pages that was overwritten bears a standing header.** Pages are written in whole runs,
//! and a run that covers that page and began before it would have covered the pages before it too. So the
//! pages from a standing header to the next are certainly of one write ([`Image`]), and behind a value
//! whose first page is known to be of one write, nothing else begins without a standing header.
//! What follows a run that was cut short this way ([`Tail`]) is of no known owner and is read by content alone.
//!
//! The fact fails where the file was copied while pages were written, and where a power failure kept part of a write from the
//! disk: then a run may go on as another from any page. Such an image betrays itself by what stands in its slack, or by
//! values that do not end as they begin; it is for its reader to see that.
//!
//! Source: bbolt `tx.go` (`write`: whole runs), `db.go` (`allocate`: zeroed buffers).

use super::branch::BranchElements;
use super::bucket::{self, InBucket, Root};
use super::page::{Flags, HEADER_LEN, PageHeader};
use super::page_map::{PageMap, PageState};
use super::{Db, Pgid, freelist, leaf, packing};
use crate::evidence::range;

/// Something that pages outside the tree hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Remnant<'data> {
    /// A page whose header stands, with the pages that are certainly of its run.
    Image(Image<'data>),
    /// Pages without a header.
    Tail(Tail<'data>),
}

/// A page as it was written once.
#[derive(Clone, Copy, Debug)]
pub struct Image<'data> {
    /// The page.
    pub pgid: Pgid,
    /// What it is now.
    pub state: PageState,
    /// Its header.
    pub header: PageHeader,
    /// The pages that are certainly of this run; fewer than it had where others were written over it.
    pub bytes: &'data [u8],
}

/// Pages outside the tree of which no header tells what they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail<'data> {
    /// The first of them.
    pub pgid: Pgid,
    /// What they are now.
    pub state: PageState,
    /// Their bytes.
    pub bytes: &'data [u8],
}

/// An element of an image, as far as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageElement<'data> {
    /// Where it ends within its run.
    end: u64,
    /// The key.
    pub key: &'data [u8],
    /// The value's bytes that are there.
    pub value: &'data [u8],
    /// How many bytes of the value are lost.
    pub missing: u64,
    /// Whether the value is a bucket.
    pub is_bucket: bool,
}

impl<'data> Remnant<'data> {
    /// The bytes of its pages.
    pub(crate) fn bytes(&self) -> &'data [u8] {
        match self {
            Self::Image(image) => image.bytes,
            Self::Tail(tail) => tail.bytes,
        }
    }
}

/// Divides the pages outside the tree into remnants, in file order.
pub(crate) fn remnants<'data>(db: &Db<'data>, map: &PageMap) -> Vec<Remnant<'data>> {
    let mut found = Vec::new();
    let mut pages = map.iter().peekable();
    while let Some((pgid, state)) = pages.next() {
        if !is_outside(state) {
            continue;
        }
        let header = standing(db, pgid);
        // An image reaches to the end of its run, a tail as far as it goes.
        let end = header.map_or(Pgid::MAX, |header| pgid.saturating_add(u64::from(header.overflow)).saturating_add(1));
        let mut next = pgid.saturating_add(1);
        while next < end && pages.next_if(|(page, other)| *other == state && standing(db, *page).is_none()).is_some() {
            next = next.saturating_add(1);
        }
        let Some(bytes) = pages_of(db, pgid, next) else { continue };
        found.push(match header {
            Some(header) => Remnant::Image(Image { pgid, state, header, bytes }),
            None => Remnant::Tail(Tail { pgid, state, bytes }),
        });
    }
    found
}

/// The image that stands at a page, in use or not, or `None` where its header does not stand. Of a page in use the
/// whole run is certain.
pub(crate) fn image_at<'data>(db: &Db<'data>, map: &PageMap, pgid: Pgid) -> Option<Image<'data>> {
    let (state, header) = (map.get(pgid)?, standing(db, pgid)?);
    let end = pgid.saturating_add(u64::from(header.overflow)).saturating_add(1);
    let mut next = pgid.saturating_add(1);
    while next < end && map.get(next) == Some(state) && (!is_outside(state) || standing(db, next).is_none()) {
        next = next.saturating_add(1);
    }
    Some(Image { pgid, state, header, bytes: pages_of(db, pgid, next)? })
}

/// The image that a page without a standing header is certainly a part of.
pub(crate) fn image_around<'data>(db: &Db<'data>, map: &PageMap, pgid: Pgid) -> Option<Image<'data>> {
    let head = (2..pgid).rev().find(|page| standing(db, *page).is_some())?;
    let image = image_at(db, map, head)?;
    let pages = (image.bytes.len() as u64).checked_div(db.page_size())?;
    (pgid < head.saturating_add(pages)).then_some(image)
}

fn is_outside(state: PageState) -> bool {
    matches!(state, PageState::Free | PageState::OtherRoot | PageState::BeyondHighWater)
}

/// The header of a page that bears its own number and one known type.
fn standing(db: &Db<'_>, pgid: Pgid) -> Option<PageHeader> {
    let header = PageHeader::parse(range::slice(db.bytes(), db.page_offset(pgid), HEADER_LEN)?).ok()?;
    let is_known = matches!(header.flags, Flags::BRANCH | Flags::LEAF | Flags::FREELIST);
    (header.id == pgid && is_known && pgid > 1).then_some(header)
}

fn pages_of<'data>(db: &Db<'data>, from: Pgid, to: Pgid) -> Option<&'data [u8]> {
    range::slice(db.bytes(), db.page_offset(from), to.saturating_sub(from).saturating_mul(db.page_size()))
}

impl<'data> Image<'data> {
    /// Whether it is a leaf page, the only kind that holds values.
    pub(crate) fn is_leaf(&self) -> bool {
        self.header.flags == Flags::LEAF
    }

    /// Whether pages of its run are missing because others stand in their place.
    pub(crate) fn is_cut(&self, db: &Db<'_>) -> bool {
        let run = u64::from(self.header.overflow).saturating_add(1).saturating_mul(db.page_size());
        let end = db.page_offset(self.pgid).saturating_add(self.bytes.len() as u64);
        (self.bytes.len() as u64) < run && end.saturating_add(db.page_size()) <= db.bytes().len() as u64
    }

    /// Where the data of a leaf image's elements begins, behind the header and the elements themselves.
    pub(crate) fn data_start(&self) -> u64 {
        packing::data_start(self.header)
    }

    /// The separators of a branch image and the pages they lead to, as far as they can be read.
    pub fn children(&self) -> Vec<(&'data [u8], Pgid)> {
        BranchElements::new(self.bytes, self.header)
            .filter_map(|element| element.ok().map(|element| (element.key, element.child)))
            .collect()
    }

    /// How many of its first bytes are proven to be what a branch or a freelist image says it is: the header, and those of the elements
    /// or numbers that are as their writer leaves them. `None` where not even the first one is: a page of another kind may have come
    /// to bear its flags.
    pub(crate) fn proven(&self, db: &Db<'_>) -> Option<u64> {
        if self.header.flags == Flags::BRANCH { self.proven_branch(db) } else { self.proven_freelist(db) }
    }

    /// Keys stand right behind the elements, one behind the other. Of a run that was cut short the first ones may be left.
    fn proven_branch(&self, db: &Db<'_>) -> Option<u64> {
        let mut elements = BranchElements::new(self.bytes, self.header);
        let mut proven = HEADER_LEN;
        while let Some(element) = elements.next() {
            if element.is_err() || elements.packing().gaps() > 0 {
                return (proven > HEADER_LEN && self.is_cut(db)).then_some(proven);
            }
            proven = (self.bytes.len() as u64).saturating_sub(elements.packing().rest().len() as u64);
        }
        Some(proven)
    }

    /// Numbers of pages ascend.
    fn proven_freelist(&self, db: &Db<'_>) -> Option<u64> {
        let end = db.high_water_mark().max(db.pages_in_file());
        let (body, listed) = freelist::listed(self.bytes, self.header);
        let numbers = body.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let (mut last, mut proven) = (1, (self.bytes.len() as u64).saturating_sub(body.len() as u64));
        for (index, number) in numbers.take(usize::try_from(listed).unwrap_or(usize::MAX)).enumerate() {
            if number <= last || number >= end {
                return (index > 0).then_some(proven);
            }
            (last, proven) = (number, proven.saturating_add(8));
        }
        Some(proven)
    }

    /// The elements of a leaf image, in order. `None` where one of them contradicts the others: then the bytes are not
    /// one page's, and are to be read by content.
    pub fn elements(&self, page_size: u64) -> Option<Vec<ImageElement<'data>>> {
        let run = u64::from(self.header.overflow).saturating_add(1).saturating_mul(page_size);
        elements_in(self.bytes, self.header, run)
    }

    /// The bytes behind the last of its elements; none where the image was cut short.
    pub fn slack(&self, elements: &[ImageElement<'data>], page_size: u64) -> &'data [u8] {
        let run = u64::from(self.header.overflow).saturating_add(1).saturating_mul(page_size);
        let end = elements.last().map_or(self.data_start(), |last| last.end);
        let is_whole = self.bytes.len() as u64 == run && elements.len() == usize::from(self.header.count);
        usize::try_from(end).ok().filter(|_| is_whole).and_then(|end| self.bytes.get(end..)).unwrap_or_default()
    }
}

impl<'data> ImageElement<'data> {
    /// The elements of the bucket that its value is, and the bytes behind the last of them. `None`: it is none that holds elements
    /// itself, or they contradict one another.
    pub(crate) fn inline(&self) -> Option<(Vec<ImageElement<'data>>, &'data [u8])> {
        let (_, Root::Inline(page)) = InBucket::parse(self.value).ok().filter(|_| self.is_bucket)? else { return None };
        let header = PageHeader::parse(page).ok()?;
        let elements = elements_in(page, header, (page.len() as u64).saturating_add(self.missing))?;
        let end = elements.last().map_or(packing::data_start(header), |last| last.end);
        let rest = usize::try_from(end).ok().and_then(|end| page.get(end..)).unwrap_or_default();
        Some((elements, rest))
    }

    /// Whether its value is the root of a bucket that has pages of its own, and nothing else.
    pub(crate) fn is_root(&self) -> bool {
        self.is_bucket
            && self.missing == 0
            && self.value.len() == bucket::LEN
            && matches!(InBucket::parse(self.value), Ok((_, Root::Page(_))))
    }

    /// Where it ends within its page.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }
}

/// The elements of a leaf page of `run` bytes, of which `bytes` are there.
fn elements_in(bytes: &[u8], header: PageHeader, run: u64) -> Option<Vec<ImageElement<'_>>> {
    let mut end = packing::data_start(header);
    if end > bytes.len() as u64 {
        return None;
    }
    let mut elements = Vec::new();
    for index in 0..u64::from(header.count) {
        let raw = leaf::RawElement::read(bytes, index)?;
        if raw.key_at != end || raw.end > run || raw.value_at == raw.key_at {
            return None;
        }
        end = raw.end;
        // What begins behind the pages that are certain is read by content, if it still stands.
        let Some(key) = range::slice(bytes, raw.key_at, raw.value_at.saturating_sub(raw.key_at)) else { continue };
        let there = raw.end.min(bytes.len() as u64);
        let Some(value) = range::slice(bytes, raw.value_at, there.saturating_sub(raw.value_at)) else { continue };
        elements.push(ImageElement { end, key, value, missing: raw.end.saturating_sub(there), is_bucket: raw.is_bucket });
    }
    Some(elements)
}
