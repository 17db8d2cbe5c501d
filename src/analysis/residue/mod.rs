//! Residue: what a database's file holds although etcd no longer shows it.
//!
//! ```text
//! pages outside the tree ─> images ─> elements ──────────┐
//!                        └> tails ─┐                     ├─> writes, whole or cut ──> entries
//! slack of pages in use ───────────┼─> search by content ┤
//! bytes behind the payload ────────┘                     └─> gaps ─> headless pieces ─> entries
//! ```
//! It is looked for beside the digest, in the first pass; the second pass turns entries into rows.

mod account;
mod duplicates;
mod entry;
mod headless;
mod known;
mod row;

use rayon::prelude::*;

pub use self::account::Account;
pub(super) use self::entry::Entry;
use self::headless::Piece;
use super::options::ResidueMode;
use super::row::Place;
use crate::bbolt::{Db, Image, PageMap, PageState, Pgid, Remnant, Tail, Tree, remnants};
use crate::envelope::{NameTable, Stored};
use crate::etcd::residue::{Part, Write, search};
use crate::etcd::{KeyValue, schema};
use crate::evidence::range;
use crate::kubernetes::PrefixVotes;

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
}

/// What the values outside the tree say for all values of the file.
#[derive(Debug, Default)]
pub(super) struct Witness<'data> {
    pub names: NameTable<'data>,
    pub votes: PrefixVotes<'data>,
}

/// Where residue is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a, 'data> {
    pub db: &'a Db<'data>,
    pub tree: &'a Tree<'data>,
    pub pages: &'a PageMap,
    /// Bytes behind the last whole page.
    pub surplus: &'data [u8],
    /// Whether pages in use have bytes behind their last element.
    pub has_slack: bool,
    /// Retained values of several pages, for comparison with headless pieces.
    pub large: &'a [KeyValue<'data>],
}

/// Finds it.
pub(super) fn find<'data>(ground: Ground<'_, 'data>, mode: ResidueMode) -> (Residue<'data>, Witness<'data>) {
    let mut found = Found::default();
    if mode == ResidueMode::Off {
        return (Residue::default(), found.witness);
    }
    let (db, full) = (ground.db, mode == ResidueMode::Full);
    let remnants = remnants(db, ground.pages);
    let parts: Vec<Found<'data>> = remnants
        .par_chunks(TASK)
        .map(|task| {
            let mut found = Found::default();
            for remnant in task {
                match remnant {
                    Remnant::Image(image) => found.image(db, image, full),
                    Remnant::Tail(tail) => found.tail(db, tail, full),
                }
            }
            found
        })
        .collect();
    parts.into_iter().for_each(|part| found.merge(part));
    if full {
        if ground.has_slack {
            for pgid in ground.tree.leaf_pages() {
                if let Some(slack) = ground.tree.page_slack(db, pgid).filter(|slack| !range::is_zero(slack)) {
                    found.bytes(db, Some(pgid), Place::Slack, slack, slack.len());
                }
            }
        }
        found.bytes(db, None, Place::Trailing, ground.surplus, ground.surplus.len());
    }
    let large: Vec<KeyValue<'data>> = ground.large.iter().chain(&found.large).copied().collect();
    let known = known::matches(&mut found.pieces, &large);
    for piece in &found.pieces {
        found.account.attribute(piece.bytes.len() as u64);
        found.entries.extend(Entry::headless(db, piece, known.get(piece.bytes)));
    }
    found.entries.sort_by_cached_key(|entry| entry.order(db));
    duplicates::mark(db, ground.tree, ground.tree.bucket(schema::KEY), &mut found.entries);
    (Residue { entries: found.entries, known, account: found.account, pages_read: found.pages_read }, found.witness)
}

/// What one task found.
#[derive(Default)]
struct Found<'data> {
    entries: Vec<Entry>,
    pieces: Vec<Piece<'data>>,
    large: Vec<KeyValue<'data>>,
    witness: Witness<'data>,
    account: Account,
    pages_read: u64,
}

impl<'data> Found<'data> {
    fn image(&mut self, db: &Db<'data>, image: &Image<'data>, full: bool) {
        let place = match image.state {
            PageState::OtherRoot => Place::OtherRoot,
            PageState::BeyondHighWater => Place::BeyondHighWater,
            _ => Place::FreePage,
        };
        if !image.is_leaf() && image.is_what_it_says() {
            let content = image.bytes.len().saturating_sub(trailing_zeros(image.bytes));
            return self.account.add(image.bytes.len(), Account { structure: content as u64, ..Account::default() });
        }
        self.pages_read = self.pages_read.saturating_add(db.pages_in(image.bytes));
        let Some(elements) = image.elements(db.page_size()) else {
            return self.tail(db, &Tail { pgid: image.pgid, state: image.state, bytes: image.bytes }, full);
        };
        let slack = image.slack(&elements, db.page_size());
        if !range::is_zero(slack) {
            // Every writer leaves zeros there: these are not the bytes of one write.
            return self.tail(db, &Tail { pgid: image.pgid, state: image.state, bytes: image.bytes }, full);
        }
        let mut used = Account { structure: image.bytes.len().saturating_sub(slack.len()) as u64, ..Account::default() };
        for element in &elements {
            if let Some(write) = Write::of_element(element) {
                self.write(db, Some(image.pgid), place, &write, &mut used);
            }
        }
        self.account.add(image.bytes.len(), used);
    }

    fn tail(&mut self, db: &Db<'data>, tail: &Tail<'data>, full: bool) {
        let place = match tail.state {
            PageState::OtherRoot => Place::OtherRoot,
            PageState::BeyondHighWater => Place::BeyondHighWater,
            _ => Place::OverflowTail,
        };
        if range::is_zero(tail.bytes) {
            return self.account.add(tail.bytes.len(), Account::default());
        }
        if !full {
            return;
        }
        self.bytes(db, Some(tail.pgid), place, tail.bytes, usize::try_from(db.page_size()).unwrap_or(usize::MAX));
    }

    /// Searches bytes by content. Every `page_size` bytes from the first on, another write may begin.
    fn bytes(&mut self, db: &Db<'data>, pgid: Option<Pgid>, place: Place, bytes: &'data [u8], page_size: usize) {
        self.pages_read = self.pages_read.saturating_add(db.pages_in(bytes));
        let mut used = Account::default();
        let mut at = 0usize;
        for part in search(bytes) {
            match part {
                Part::Gap(gap) => {
                    let until = at.saturating_add(gap.len());
                    let is_last = until == bytes.len();
                    let pieces = headless::pieces(gap, at, page_size, is_last);
                    let (zeros, mut left) = (headless::zeros(gap, &pieces), gap.len());
                    left = left.saturating_sub(zeros);
                    used.unattributed = used.unattributed.saturating_add(left as u64);
                    let page = |piece: &[u8]| match (pgid, range::offset_within(db.bytes(), piece)) {
                        (Some(_), Some(offset)) => offset.checked_div(db.page_size()),
                        _ => pgid,
                    };
                    self.pieces.extend(pieces.into_iter().map(|bytes| Piece {
                        bytes,
                        place,
                        pgid: page(bytes),
                        kind: headless::Kind::of(bytes),
                    }));
                    at = until;
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
        self.entries.extend(Entry::write(db, place, pgid, write));
        if write.is_tombstone {
            return;
        }
        self.witness.votes.observe(write.kv.key);
        if write.missing == 0 {
            if let Stored::Sealed(sealed) = Stored::of(value) {
                self.witness.names.observe(&sealed);
            }
            if value.len() as u64 > db.page_size() {
                self.large.push(write.kv);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.pieces.extend(other.pieces);
        self.large.extend(other.large);
        self.witness.names.merge(other.witness.names);
        self.witness.votes.merge(other.witness.votes);
        self.account.merge(other.account);
        self.pages_read = self.pages_read.saturating_add(other.pages_read);
    }
}

fn trailing_zeros(bytes: &[u8]) -> usize {
    bytes.iter().rev().take_while(|byte| **byte == 0).count()
}
