//! Remnants of pages, read as what they were: images of leaves, branches and freelists, and tails, which are searched by content.

use super::account::Account;
use super::frameless::Gap;
use super::gathered::{Gathered, is_contradicted, place};
use super::mixed;
use crate::bbolt::{Db, Image, Pgid, Remnant, Tail};
use crate::evidence::range;
use crate::mvcc::residue::{Part, search};
use crate::row::Place;

impl<'data> Gathered<'data> {
    pub(super) fn images(&mut self, db: &Db<'data>, neighbours: &[Remnant<'data>]) {
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

    pub(super) fn remnant(&mut self, db: &Db<'data>, remnant: &Remnant<'data>, full: bool) {
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
    pub(super) fn bytes(
        &mut self,
        db: &Db<'data>,
        pgid: Option<Pgid>,
        place: Place,
        (bytes, in_page): (&'data [u8], usize),
        page_size: usize,
    ) {
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
                Part::Write(write, _) if write.missing > 0 && self.goes_on || is_contradicted(db, &write) => {
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
}
