//! Values behind no revision key: another write took the page before them, with their revision key and what frames them.
//!
//! ```text
//!   another write's page │ k8s:enc:… or k8s\0 …            │ revision key │ KeyValue …
//!                        │ all of a value, and nothing else │
//! ```
//! A value tells that it begins, as in any bytes. It ends where its own form says, or where something begins that cannot be of it:
//! the next write, or the filling of its last page.

use std::ops::Range;

use super::account::Account;
use super::gathered::{Gathered, is_contradicted};
use super::headless::{self, Kind, Piece};
use crate::bbolt::Db;
use crate::envelope::{self, NameTable, Stored};
use crate::evidence::range;
use crate::kubernetes::fragment;
use crate::mvcc::framing;
use crate::mvcc::residue::{Write, parse_keyless_write};
use crate::row::Place;
use crate::store::mention::is_mention;
use crate::store::whole;

/// Bytes between writes.
#[derive(Clone, Copy)]
pub(super) struct Gap<'data> {
    pub bytes: &'data [u8],
    pub place: Place,
    /// Whether they stand on pages, whose numbers are told.
    pub is_on_pages: bool,
    /// Every so many bytes another write may begin.
    pub page_size: usize,
    /// Where they begin, from such a place on.
    pub in_page: usize,
    /// Whether nothing is known of what follows; else a write does.
    pub is_last: bool,
    /// Whether each block may be of another write.
    pub is_of_blocks: bool,
}

impl<'data> Gap<'data> {
    fn part(&self, range: Range<usize>) -> Self {
        let is_last = self.is_last && range.end == self.bytes.len();
        Self {
            bytes: self.bytes.get(range.clone()).unwrap_or_default(),
            in_page: self.in_page.saturating_add(range.start),
            is_last,
            ..*self
        }
    }

    /// The bytes from a place on that are of one write, whatever follows them: those of its page, or its block.
    fn of_one_write(&self, db: &Db<'_>, at: usize) -> &'data [u8] {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let in_page = self.in_page.saturating_add(at).checked_rem(self.page_size).unwrap_or(0);
        let of_the_page = self.page_size.saturating_sub(in_page);
        let length = match range::offset_within(db.bytes(), rest).filter(|_| self.is_of_blocks) {
            Some(offset) => usize::try_from(whole::end_of_block(offset.saturating_add(1)).saturating_sub(offset)).unwrap_or(of_the_page),
            None => of_the_page,
        };
        rest.get(..length).unwrap_or(rest)
    }
}

/// What begins at a beginning.
enum Frameless<'data> {
    /// A write without its revision key: where it begins, and how many bytes of a key stand before its message.
    Write(usize, Write<'data>, usize),
    /// A value without anything before it.
    Value(Piece<'data>),
}

impl<'data> Gathered<'data> {
    /// Reads bytes between writes: the values that begin in them, then what is left, which has lost its beginning.
    pub(super) fn gap(&mut self, db: &Db<'data>, gap: Gap<'data>, used: &mut Account) {
        let mut done = 0usize;
        for at in beginnings(gap.bytes) {
            if at < done {
                continue;
            }
            let (start, length) = match begun_at(db, &gap, done, at) {
                None => continue,
                Some(Frameless::Write(start, write, key_bytes)) => {
                    let length = key_bytes.saturating_add(write.message.len());
                    self.headless(db, gap.part(done..start), used);
                    used.structure = used.structure.saturating_add(length as u64);
                    let page = range::offset_within(db.bytes(), write.message).and_then(|offset| offset.checked_div(db.page_size()));
                    self.write(db, page.filter(|_| gap.is_on_pages), gap.place, &write, used);
                    (start, length)
                }
                Some(Frameless::Value(piece)) => {
                    self.headless(db, gap.part(done..at), used);
                    self.unframed(piece, used);
                    (at, piece.bytes.len())
                }
            };
            done = start.saturating_add(length);
        }
        self.headless(db, gap.part(done..gap.bytes.len()), used);
    }

    /// Divides bytes without a beginning into pieces.
    fn headless(&mut self, db: &Db<'data>, gap: Gap<'data>, used: &mut Account) {
        match range::offset_within(db.bytes(), gap.bytes).filter(|_| gap.is_of_blocks) {
            Some(start) => self.blocks(db, gap.place, start..start.saturating_add(gap.bytes.len() as u64), used),
            None => {
                for piece in headless::pieces(gap.bytes, gap.in_page, gap.page_size, gap.is_last) {
                    self.piece(db, gap.place, gap.is_on_pages, piece, used);
                }
            }
        }
    }

    /// Blocks of which each is of one write, without its beginning.
    fn blocks(&mut self, db: &Db<'data>, place: Place, range: Range<u64>, used: &mut Account) {
        let mut at = range.start;
        while at < range.end {
            let end = whole::end_of_block(at.saturating_add(1)).min(range.end);
            let bytes = range::slice(db.bytes(), at, end.saturating_sub(at)).map(fragment::without_filling).unwrap_or_default();
            for part in headless::text_apart(bytes) {
                self.piece(db, place, true, part, used);
            }
            at = end;
        }
    }
}

/// Where values may begin, in order.
fn beginnings(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let is_one = |at: &usize| {
        let rest = bytes.get(*at..).unwrap_or_default();
        rest.starts_with(b"k8s\0") || rest.starts_with(b"k8s:enc:")
    };
    memchr::memmem::find_iter(bytes, b"k8s").filter(is_one)
}

/// What begins at a beginning; what stands before `done` is something else's.
fn begun_at<'data>(db: &Db<'data>, gap: &Gap<'data>, done: usize, at: usize) -> Option<Frameless<'data>> {
    let from_done = gap.bytes.get(done..)?;
    let in_rest = at.checked_sub(done)?;
    if let Some(framed) = framing::find_enclosing_message(from_done, in_rest)
        && framed.kv.mod_revision > 0
    {
        let start = usize::try_from(range::offset_within(gap.bytes, framed.message)?).ok()?;
        let main = u64::try_from(framed.kv.mod_revision).ok()?;
        let write = Write { main, sub: None, is_tombstone: false, kv: framed.kv, message: framed.message, missing: framed.missing };
        let is_whole = match gap.is_of_blocks {
            true => write.missing == 0 && whole::is_proven(db.bytes(), write.message, write.kv.value),
            false => write.missing == 0 && !is_contradicted(db, &write),
        };
        let write = match is_whole {
            true => write,
            false => Write::again(main, None, false, first_block(db, &write)?)?,
        };
        return Some(Frameless::Write(start, write, 0));
    }
    // The rest of a key stands at the beginning of a block.
    if let Some(block) = at.checked_sub(in_block(db, gap, at)?).filter(|block| *block >= done)
        && let Some((write, key_bytes)) =
            parse_keyless_write(if gap.is_of_blocks { gap.of_one_write(db, block) } else { gap.bytes.get(block..)? })
        && range::offset_within(gap.bytes, write.kv.value) == Some(at as u64)
        && !is_contradicted(db, &write)
    {
        return Some(Frameless::Write(block, write, key_bytes));
    }
    if is_mention(gap.bytes, at) {
        return None;
    }
    let (bytes, kind) = value_at(db, gap, at)?;
    let page = range::offset_within(db.bytes(), bytes).filter(|_| gap.is_on_pages).and_then(|offset| offset.checked_div(db.page_size()));
    Some(Frameless::Value(Piece { bytes, place: gap.place, pgid: page, kind: Some(kind) }))
}

/// How far behind the beginning of its block a place is.
fn in_block(db: &Db<'_>, gap: &Gap<'_>, at: usize) -> Option<usize> {
    let offset = range::offset_within(db.bytes(), gap.bytes.get(at..)?)?;
    usize::try_from(offset.checked_rem(whole::BLOCK)?).ok()
}

/// The bytes of a message up to the end of the block in which its value begins: only those are surely of it.
fn first_block<'data>(db: &Db<'data>, write: &Write<'data>) -> Option<&'data [u8]> {
    let (message, value) = (range::offset_within(db.bytes(), write.message)?, range::offset_within(db.bytes(), write.kv.value)?);
    let end = whole::end_of_block(value.saturating_add(1)).min(message.saturating_add(write.message.len() as u64));
    range::slice(db.bytes(), message, end.saturating_sub(message))
}

/// The bytes of a value, and whether they are all of it.
fn value_at<'data>(db: &Db<'data>, gap: &Gap<'data>, at: usize) -> Option<(&'data [u8], Kind)> {
    let rest = gap.bytes.get(at..)?;
    if let Some(length) = fragment::object_length(rest) {
        return Some((rest.get(..length)?, Kind::Value));
    }
    if rest.starts_with(b"k8s\0") {
        return None;
    }
    let (length, is_whole) = envelope::extent(rest);
    if is_whole {
        return Some((rest.get(..length)?, Kind::Value));
    }
    let one = gap.of_one_write(db, at);
    let bytes = fragment::without_filling(one);
    let is_followed = one.len() == rest.len() && !gap.is_last;
    let has_end = is_followed || one.len().saturating_sub(bytes.len()) >= headless::FILLING;
    let is_sound = || matches!(Stored::of(bytes), Stored::Sealed(sealed) if NameTable::default().resolve(&sealed).is_some());
    Some((bytes, if has_end && is_sound() { Kind::Value } else { Kind::Beginning }))
}
