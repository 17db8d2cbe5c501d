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
mod gathered;
mod headless;
mod known;
mod mixed;
mod objects;
mod remnants;

use std::ops::Range;

use rayon::prelude::*;

pub use self::account::Account;
pub(super) use self::entry::{Content, Entry};
use self::gathered::Gathered;
use self::headless::Kind;
use crate::bbolt::{Db, PageMap, Remnant, Tree, remnants, rests};
use crate::etcd::schema;
use crate::evidence::anomaly::Anomalies;
use crate::mvcc::KeyValue;
use crate::row::Place;
use crate::store::ResidueMode;
use crate::store::image::Outside;
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
    /// Whether leaf pages in use may have bytes that are of none of their elements.
    pub has_slack: bool,
    /// The revision that the tree is at.
    pub revision: Option<u64>,
    /// Retained values of several pages, for comparison with headless pieces.
    pub large: &'a [KeyValue<'data>],
}

/// Finds residue as far as `mode` asks for it, and tells what its values say for all values of the file.
pub(super) fn find<'data>(ground: Ground<'_, 'data>, mode: ResidueMode) -> (Residue<'data>, Witness<'data>) {
    let mut found = Gathered::default();
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
    let parts: Vec<Gathered<'data>> = neighbours
        .par_chunks(TASK)
        .map(|task| {
            let mut found = Gathered::default();
            task.iter().for_each(|neighbours| found.images(db, neighbours));
            found
        })
        .collect();
    parts.into_iter().for_each(|part| found.merge(part));
    found.goes_on = ground.revision.is_some_and(|revision| found.newest > revision);
    let parts: Vec<Gathered<'data>> = std::mem::take(&mut found.later)
        .par_chunks(TASK)
        .map(|task| {
            let mut found = Gathered { goes_on: found.goes_on, ..Gathered::default() };
            task.iter().for_each(|remnant| found.remnant(db, remnant, full));
            found
        })
        .collect();
    parts.into_iter().for_each(|part| found.merge(part));
    if full {
        for (pgid, rest) in rests(db, ground.tree, ground.pages, ground.has_slack) {
            found.bytes(db, Some(pgid), Place::Slack, (rest, 0), rest.len());
        }
        found.bytes(db, None, Place::Trailing, (surplus, 0), surplus.len());
    } else {
        found.pieces.clear();
    }
    let large: Vec<KeyValue<'data>> = ground.large.iter().chain(&found.large).copied().collect();
    let mut known = known::matches(&mut found.pieces, &large);
    equal::matches(db, ground.tree, &found.pieces, &found.entries, &mut known);
    let unread: Vec<&[u8]> = found.pieces.iter().filter(|piece| piece.is_unread()).map(|piece| piece.bytes).collect();
    found.witness.outside.merge(Outside::of_parts(&unread));
    found.pieces.retain(|piece| piece.kind.is_some());
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

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;
