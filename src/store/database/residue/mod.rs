//! Residue: what a database's file holds although etcd no longer shows it.
//!
//! ```text
//! pages outside the tree ─> images ─> elements ──────────┐
//!                        └> tails ─┐                     ├─> writes, whole or cut ───────────> entries
//! slack of pages in use ───────────┼─> search by content ┤        ┌> values without a frame ─> entries
//! bytes behind the last page ──────┘                     └─> gaps ┴> headless pieces ───────> entries
//! ```
//! It is looked for beside the digest, in the first pass; the second pass turns entries into rows.

mod account;
mod duplicates;
mod entry;
mod equal;
mod found;
mod frameless;
mod headless;
mod known;
mod mixed;

use std::ops::Range;

use rayon::prelude::*;

pub use self::account::Account;
pub(super) use self::entry::{Content, Entry};
use self::frameless::Gap;
use self::headless::{Kind, Piece};
use super::whole;
use crate::bbolt::{Db, Image, ImageElement, PageMap, PageState, Pgid, Remnant, Tail, Tree, remnants};
use crate::etcd::schema;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;
use crate::mvcc::KeyValue;
use crate::mvcc::residue::{Part, Write, parse_keyless_write, search};
use crate::row::Place;
use crate::store::ResidueMode;
use crate::store::witness::Witness;

/// Remnants one task reads.
const TASK: usize = 64;

/// Everything found outside the tree, in the order of its rows.
#[derive(Debug, Default)]
pub struct Residue<'data> {
    pub(super) entries: Vec<Entry>,
    pub(super) known: known::Matches<'data>,
    /// What the bytes outside the tree are.
    pub account: Account,
    /// Pages that were searched, each as often as it was.
    pub pages_read: u64,
    /// Writes that were found and are not kept.
    pub(super) anomalies: Anomalies,
}

impl Residue<'_> {
    /// The bytes behind the pages that were ever used of which something is told.
    pub(super) fn read_behind_pages(&self) -> Vec<Range<u64>> {
        self.entries.iter().filter(|entry| entry.place.is_behind_pages()).filter_map(Entry::reads).collect()
    }
}

/// Where residue is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a, 'data> {
    pub db: &'a Db<'data>,
    pub tree: &'a Tree<'data>,
    pub pages: &'a PageMap,
    /// Bytes behind the last whole page.
    pub surplus: &'data [u8],
    /// A trailer that other bytes stand behind.
    pub trailer: Option<&'data [u8]>,
    /// Whether pages in use have bytes that are of none of their elements.
    pub has_slack: bool,
    /// The revision that the tree is at.
    pub revision: Option<u64>,
    /// Retained values of several pages, for comparison with headless pieces.
    pub large: &'a [KeyValue<'data>],
}

/// Finds residue as far as `mode` asks for it, and tells what its values say for all values of the file.
pub(super) fn find<'data>(ground: Ground<'_, 'data>, mode: ResidueMode) -> (Residue<'data>, Witness<'data>) {
    let mut found = Found::default();
    if mode == ResidueMode::Off {
        return (Residue::default(), found.witness);
    }
    let (db, full) = (ground.db, mode == ResidueMode::Full);
    let mut remnants = remnants(db, ground.pages);
    let mut surplus = ground.surplus;
    if let Some(trailer) = ground.trailer {
        let tails = remnants.iter_mut().filter_map(|remnant| if let Remnant::Tail(tail) = remnant { Some(&mut tail.bytes) } else { None });
        tails.chain([&mut surplus]).for_each(|bytes| *bytes = behind(bytes, trailer));
    }
    // An image with the tail right behind it: where it is of several writes, the last of them may go on there.
    let neighbours: Vec<&[Remnant<'data>]> = remnants.chunk_by(|image, tail| is_followed(db, image, tail)).collect();
    let parts: Vec<Found<'data>> = neighbours
        .par_chunks(TASK)
        .map(|task| {
            let mut found = Found::default();
            task.iter().for_each(|neighbours| found.images(db, neighbours));
            found
        })
        .collect();
    parts.into_iter().for_each(|part| found.merge(part));
    found.goes_on = ground.revision.is_some_and(|revision| found.newest > revision);
    let parts: Vec<Found<'data>> = std::mem::take(&mut found.later)
        .par_chunks(TASK)
        .map(|task| {
            let mut found = Found { goes_on: found.goes_on, ..Found::default() };
            task.iter().for_each(|remnant| found.remnant(db, remnant, full));
            found
        })
        .collect();
    parts.into_iter().for_each(|part| found.merge(part));
    if full {
        if ground.has_slack {
            for pgid in ground.tree.leaf_pages() {
                for rest in ground.tree.page_rest(db, pgid).into_iter().filter(|rest| !range::is_zero(rest)) {
                    found.bytes(db, Some(pgid), Place::Slack, (rest, 0), rest.len());
                }
            }
        }
        found.bytes(db, None, Place::Trailing, (surplus, 0), surplus.len());
    }
    if !full {
        found.pieces.clear();
    }
    let large: Vec<KeyValue<'data>> = ground.large.iter().chain(&found.large).copied().collect();
    let mut known = known::matches(&mut found.pieces, &large);
    equal::matches(db, ground.tree, &found.pieces, &found.entries, &mut known);
    for piece in &found.pieces {
        if piece.kind != Some(Kind::Value) {
            found.account.attribute(piece.bytes.len() as u64);
        }
        found.entries.extend(Entry::headless(db, piece, known.get(piece.bytes)));
    }
    found.entries.sort_by_cached_key(|entry| entry.order(db));
    duplicates::mark(db, ground.tree, ground.tree.bucket(schema::KEY), &mut found.entries);
    (
        Residue { entries: found.entries, known, account: found.account, pages_read: found.pages_read, anomalies: found.anomalies },
        found.witness,
    )
}

/// What one task found.
#[derive(Default)]
struct Found<'data> {
    entries: Vec<Entry>,
    pieces: Vec<Piece<'data>>,
    large: Vec<KeyValue<'data>>,
    witness: Witness<'data>,
    account: Account,
    /// What is read when the images have told whether the file goes on: tails, and images that others were written over.
    later: Vec<Remnant<'data>>,
    /// Whether the file holds writes newer than its tree: it was copied while they were made, or they were interrupted.
    goes_on: bool,
    /// The newest revision.
    newest: u64,
    pages_read: u64,
    anomalies: Anomalies,
}

impl<'data> Found<'data> {
    fn images(&mut self, db: &Db<'data>, neighbours: &[Remnant<'data>]) {
        for (index, remnant) in neighbours.iter().enumerate() {
            match remnant {
                Remnant::Image(image) if !image.is_leaf() || !image.is_cut(db) => {
                    if !self.image(db, image) {
                        let tail = neighbours.get(index.saturating_add(1)).map_or(&[][..], Remnant::bytes);
                        return self.mixed_image(db, image, tail.len() as u64);
                    }
                }
                later => self.later.push(*later),
            }
        }
    }

    fn remnant(&mut self, db: &Db<'data>, remnant: &Remnant<'data>, full: bool) {
        match remnant {
            Remnant::Image(image) if self.goes_on || !self.image(db, image) => self.mixed_image(db, image, 0),
            Remnant::Image(_) => {}
            Remnant::Tail(tail) if full => self.tail(db, tail),
            Remnant::Tail(tail) if range::is_zero(tail.bytes) => self.account.add(tail.bytes.len(), Account::default()),
            Remnant::Tail(_) => {}
        }
        // An image that contradicts itself, read by content.
        for remnant in std::mem::take(&mut self.later) {
            match remnant {
                Remnant::Tail(tail) if full => self.tail(db, &tail),
                _ => {}
            }
        }
    }

    /// Whether an image is of one write; where it is not, nothing is noted of it.
    fn image(&mut self, db: &Db<'data>, image: &Image<'data>) -> bool {
        if !image.is_leaf()
            && let Some(proven) = image.proven(db)
        {
            self.proven_image(db, image, proven);
            return true;
        }
        self.pages_read = self.pages_read.saturating_add(db.pages_in(image.bytes));
        let Some(elements) = image.elements(db.page_size()) else {
            self.later.push(Remnant::Tail(Tail { pgid: image.pgid, state: image.state, bytes: image.bytes }));
            return true;
        };
        let slack = image.slack(&elements, db.page_size());
        // Every writer leaves zeros there, ends a value as it began it, and puts writes alone where one stands: these are not the bytes
        // of one write.
        if !range::is_zero(slack) || elements.iter().any(|element| mixed::contradicts(db, element)) || mixed::holds_others(&elements) {
            return false;
        }
        let mut used = Account { structure: image.bytes.len().saturating_sub(slack.len()) as u64, ..Account::default() };
        self.elements(db, image, elements, &mut used);
        self.account.add(image.bytes.len(), used);
        true
    }

    /// Takes as many first bytes of a branch or a freelist image as are proven to be of one for its structure. What stands behind them
    /// is searched as if it had no header.
    fn proven_image(&mut self, db: &Db<'data>, image: &Image<'data>, proven: u64) {
        let Some((structure, rest)) = usize::try_from(proven).ok().and_then(|proven| image.bytes.split_at_checked(proven)) else { return };
        self.account.add(structure.len(), Account { structure: proven, ..Account::default() });
        if range::is_zero(rest) {
            return self.account.add(rest.len(), Account::default());
        }
        let pgid = proven.checked_div(db.page_size()).map_or(image.pgid, |pages| image.pgid.saturating_add(pages));
        self.later.push(Remnant::Tail(Tail { pgid, state: image.state, bytes: rest }));
    }

    /// Reads elements of a leaf image, and those of buckets that stand within them. What is no write is of another bucket of etcd's:
    /// it is searched as any bytes are.
    fn elements(&mut self, db: &Db<'data>, image: &Image<'data>, mut elements: Vec<ImageElement<'data>>, used: &mut Account) {
        let place = place(image.state, Place::FreePage);
        while let Some(element) = elements.pop() {
            if let Some(write) = Write::of_stored(element.key, element.value, element.missing) {
                self.write(db, Some(image.pgid), place, &write, used);
            } else if let Some((inner, rest)) = element.inline() {
                elements.extend(inner);
                used.take(rest.len() as u64);
                used.unattributed = used.unattributed.saturating_add(rest.len() as u64);
                self.witness.outside.search(rest);
            } else if !element.is_root() {
                self.witness.outside.search(element.key);
                self.witness.outside.search(element.value);
            }
        }
    }

    fn tail(&mut self, db: &Db<'data>, tail: &Tail<'data>) {
        let place = place(tail.state, Place::OverflowTail);
        if range::is_zero(tail.bytes) {
            return self.account.add(tail.bytes.len(), Account::default());
        }
        let page_size = usize::try_from(db.page_size()).unwrap_or(usize::MAX);
        let offset = range::offset_within(db.bytes(), tail.bytes).and_then(|offset| usize::try_from(offset).ok());
        let in_page = offset.and_then(|offset| offset.checked_rem(page_size)).unwrap_or(0);
        self.bytes(db, Some(tail.pgid), place, (tail.bytes, in_page), page_size);
    }

    /// Searches bytes by content, of which the first stands so far within its page. With every page another write may begin.
    fn bytes(&mut self, db: &Db<'data>, pgid: Option<Pgid>, place: Place, (bytes, in_page): (&'data [u8], usize), page_size: usize) {
        self.pages_read = self.pages_read.saturating_add(db.pages_in(bytes));
        let mut used = Account::default();
        let mut at = 0usize;
        for part in search(bytes) {
            match part {
                Part::Gap(gap) => {
                    let until = at.saturating_add(gap.len());
                    let gap = Gap {
                        bytes: gap,
                        place,
                        is_on_pages: pgid.is_some(),
                        page_size,
                        in_page: in_page.saturating_add(at),
                        is_last: until == bytes.len(),
                        is_of_blocks: self.goes_on && pgid.is_some(),
                    };
                    self.gap(db, gap, &mut used);
                    at = until;
                }
                Part::Write(write, _) if write.missing > 0 && self.goes_on || mixed::is_contradicted(db, &write) => {
                    let Some(first) = range::offset_within(db.bytes(), bytes).and_then(|first| first.checked_add(at as u64)) else { break };
                    let rest = bytes.len().saturating_sub(at) as u64;
                    used.merge(self.mixed(db, place, place, first..first.saturating_add(rest), first.saturating_add(rest)));
                    break;
                }
                Part::Write(write, key_bytes) => {
                    // In a tail, the page is that of the write's own first byte: no header names another.
                    let page = range::offset_within(db.bytes(), write.message).and_then(|offset| offset.checked_div(db.page_size()));
                    let length = write.message.len().saturating_add(key_bytes);
                    used.structure = used.structure.saturating_add(length as u64);
                    self.write(db, pgid.and(page), place, &write, &mut used);
                    at = at.saturating_add(length);
                }
            }
        }
        self.account.add(bytes.len(), used);
    }

    /// Notes bytes without a beginning. Those that begin a block may begin with the rest of a write's key.
    fn piece(&mut self, db: &Db<'data>, place: Place, is_on_a_page: bool, bytes: &'data [u8], used: &mut Account) {
        let page_of = |bytes: &[u8]| {
            let offset = range::offset_within(db.bytes(), bytes).filter(|_| is_on_a_page)?;
            offset.checked_div(db.page_size())
        };
        let begins_a_block = range::offset_within(db.bytes(), bytes).is_some_and(|offset| offset.is_multiple_of(whole::BLOCK));
        let mut bytes = bytes;
        if let Some((write, key_rest)) =
            parse_keyless_write(bytes).filter(|(write, _)| begins_a_block && !mixed::is_contradicted(db, write))
        {
            let length = key_rest.saturating_add(write.message.len());
            used.structure = used.structure.saturating_add(length as u64);
            self.write(db, page_of(write.message), place, &write, used);
            bytes = bytes.get(length..).unwrap_or_default();
        }
        let kind = Kind::of(bytes);
        let mut objects = if matches!(kind, None | Some(Kind::Text)) { frameless::objects_in(bytes) } else { Vec::new() };
        if kind == Some(Kind::Text) {
            // What stands further on in a text is quoted there.
            objects.truncate(1);
            objects.retain(|(before, _)| *before == 0);
        }
        let kind = kind.filter(|_| objects.is_empty());
        for (length, object) in objects {
            let (before, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
            self.unframed(Piece { bytes: before, place, pgid: page_of(before), kind: Kind::of(before) }, used);
            let (object, rest) = rest.split_at_checked(object).unwrap_or((rest, &[]));
            self.unframed(Piece { bytes: object, place, pgid: page_of(object), kind: Some(Kind::Value) }, used);
            bytes = rest;
        }
        self.unframed(Piece { bytes, place, pgid: page_of(bytes), kind: kind.or_else(|| Kind::of(bytes)) }, used);
    }

    /// Notes a write; its value's bytes are taken from the structure they stand in.
    fn write(&mut self, db: &Db<'data>, pgid: Option<Pgid>, place: Place, write: &Write<'data>, used: &mut Account) {
        let value = write.kv.value;
        used.take(value.len() as u64);
        if write.missing > 0 && value.is_empty() {
            return;
        }
        match write.missing {
            0 => used.value = used.value.saturating_add(value.len() as u64),
            _ => used.fragment = used.fragment.saturating_add(value.len() as u64),
        }
        self.newest = self.newest.max(write.main);
        match Entry::write(db, place, pgid, write) {
            Ok(entry) => self.entries.push(entry),
            Err(passed) => self.anomalies.note(Class::LimitPassed, range::offset_within(db.bytes(), write.message), pgid, || passed),
        }
        if write.missing == 0 {
            self.witness.hear_beside(write.message, &write.kv, write.is_tombstone);
        }
        if write.is_tombstone {
            return;
        }
        if write.missing > 0 {
            return self.witness.hear_beginning(write.kv.key, value);
        }
        self.witness.hear(write.kv.key, value);
        if value.len() as u64 > db.page_size() {
            self.large.push(write.kv);
        }
    }

    fn merge(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.pieces.extend(other.pieces);
        self.large.extend(other.large);
        self.witness.merge(other.witness);
        self.account.merge(other.account);
        self.later.extend(other.later);
        self.newest = self.newest.max(other.newest);
        self.pages_read = self.pages_read.saturating_add(other.pages_read);
        self.anomalies.merge(other.anomalies);
    }
}

/// Bytes without the trailer that they begin with.
fn behind<'data>(bytes: &'data [u8], trailer: &[u8]) -> &'data [u8] {
    if bytes.as_ptr() == trailer.as_ptr() { bytes.get(trailer.len()..).unwrap_or_default() } else { bytes }
}

/// Whether the pages of the second stand right behind those of the first.
fn is_followed(db: &Db<'_>, image: &Remnant<'_>, tail: &Remnant<'_>) -> bool {
    let (Remnant::Image(image), Remnant::Tail(tail)) = (image, tail) else { return false };
    let end = db.page_offset(image.pgid).saturating_add(image.bytes.len() as u64);
    image.state == tail.state && end == db.page_offset(tail.pgid)
}

/// The place of what stands on a page of this state, which on a free page is `free`.
fn place(state: PageState, free: Place) -> Place {
    match state {
        PageState::OtherRoot => Place::OtherRoot,
        PageState::BeyondHighWater => Place::BeyondHighWater,
        _ => free,
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;
