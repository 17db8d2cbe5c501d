//! What is gathered of the bytes outside the tree: writes, values without a frame and pieces, and what each of them is counted as.

use super::account::Account;
use super::entry::Entry;
use super::headless::{Kind, Piece};
use super::objects::objects_in;
use crate::bbolt::{Db, Image, ImageElement, PageState, Pgid, Remnant};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;
use crate::mvcc::KeyValue;
use crate::mvcc::residue::{Write, parse_keyless_write};
use crate::row::Place;
use crate::store::whole;
use crate::store::witness::Witness;

/// What one task found.
#[derive(Default)]
pub(super) struct Gathered<'data> {
    pub entries: Vec<Entry>,
    pub pieces: Vec<Piece<'data>>,
    pub large: Vec<KeyValue<'data>>,
    pub witness: Witness<'data>,
    pub account: Account,
    /// What is read when the images have told whether the file goes on: tails, and images that others were written over.
    pub later: Vec<Remnant<'data>>,
    /// Whether the file holds writes newer than its tree: it was copied while they were made, or they were interrupted.
    pub goes_on: bool,
    /// The newest revision.
    pub newest: u64,
    pub pages_read: u64,
    pub anomalies: Anomalies,
}

impl<'data> Gathered<'data> {
    /// Reads elements of a leaf image, and those of buckets that stand within them. What is no write is of another bucket of etcd's:
    /// it is searched as any bytes are.
    pub(super) fn elements(&mut self, db: &Db<'data>, image: &Image<'data>, mut elements: Vec<ImageElement<'data>>, used: &mut Account) {
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

    /// Notes bytes without a beginning. Those that begin a block may begin with the rest of a write's key.
    pub(super) fn piece(&mut self, db: &Db<'data>, place: Place, is_on_a_page: bool, bytes: &'data [u8], used: &mut Account) {
        let page_of = |bytes: &[u8]| {
            let offset = range::offset_within(db.bytes(), bytes).filter(|_| is_on_a_page)?;
            offset.checked_div(db.page_size())
        };
        let begins_a_block = range::offset_within(db.bytes(), bytes).is_some_and(|offset| offset.is_multiple_of(whole::BLOCK));
        let mut bytes = bytes;
        if let Some((write, key_rest)) = parse_keyless_write(bytes).filter(|(write, _)| begins_a_block && !is_contradicted(db, write)) {
            let length = key_rest.saturating_add(write.message.len());
            used.structure = used.structure.saturating_add(length as u64);
            self.write(db, page_of(write.message), place, &write, used);
            bytes = bytes.get(length..).unwrap_or_default();
        }
        let kind = Kind::of(bytes);
        let mut objects = if matches!(kind, None | Some(Kind::Text)) { objects_in(bytes) } else { Vec::new() };
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

    /// Notes a value without what framed it, or a piece of one.
    pub(super) fn unframed(&mut self, piece: Piece<'data>, used: &mut Account) {
        let Piece { bytes, kind, .. } = piece;
        if bytes.is_empty() {
            return;
        }
        match kind {
            Some(Kind::Value) => drop(self.witness.hear(&[], bytes)),
            Some(Kind::Beginning) => self.witness.hear_beginning(&[], bytes),
            _ => {}
        }
        let count = if kind == Some(Kind::Value) { &mut used.value } else { &mut used.unattributed };
        *count = count.saturating_add(bytes.len() as u64);
        self.pieces.push(piece);
    }

    /// Notes a write; its value's bytes are taken from the structure they stand in.
    pub(super) fn write(&mut self, db: &Db<'data>, pgid: Option<Pgid>, place: Place, write: &Write<'data>, used: &mut Account) {
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

    pub(super) fn merge(&mut self, other: Self) {
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

/// Whether the value of a write ends otherwise than it begins.
pub(super) fn is_contradicted(db: &Db<'_>, write: &Write<'_>) -> bool {
    write.missing == 0 && whole::contradicts_itself(db.bytes(), write.kv.value)
}

/// The place of what stands on a page of this state, which on a free page is `free`.
pub(super) fn place(state: PageState, free: Place) -> Place {
    match state {
        PageState::OtherRoot => Place::OtherRoot,
        PageState::BeyondHighWater => Place::BeyondHighWater,
        _ => free,
    }
}
