//! The states of the pages that no tree reaches, and what `bbolt check` looks for.
//!
//! | `bbolt check` | anomaly |
//! |---|---|
//! | page already freed | `freed-twice` |
//! | out of bounds | `pgid-out-of-bounds` |
//! | multiple references | `page-referenced-twice` |
//! | reachable freed | `reachable-freed` |
//! | invalid type | `page-type` |
//! | key order | `key-order` |
//! | unreachable unfreed | `unreachable-unfreed` |
//!
//! Source: bbolt `tx_check.go`. Where the freelist is not kept in the file (etcd on Linux), the free pages are
//! by definition those that are not reached, and the first, fourth and last cannot occur.

use super::page::Fault;
use super::page_map::{PageMap, PageState};
use super::tree::Tree;
use super::{Db, Freelist};
use crate::evidence::anomaly::{Anomalies, Class};

/// Completes `map`, in which the active tree's pages are claimed: the active freelist, then the pages that only
/// the other meta's tree reaches. Returns that tree where there is one.
pub fn check<'data>(db: &Db<'data>, map: &mut PageMap, anomalies: &mut Anomalies) -> Option<Tree<'data>> {
    let active = db.active()?;
    if let Some(pgid) = active.freelist {
        match Freelist::read(db, pgid) {
            Ok(freelist) => check_freelist(db, &freelist, map, anomalies),
            // What is wrong is the number itself where it is of no page of the file: that stands in the meta.
            Err(Fault { class: class @ (Class::PgidOutOfBounds | Class::FileTruncated), detail, .. }) => {
                let slot = db.active_page();
                anomalies.note(class, Some(db.page_offset(slot)), Some(slot), || format!("the freelist of meta {slot}: {detail}"));
            }
            Err(fault) => fault.note(anomalies),
        }
    }
    let other = db.other().filter(|other| other.root != active.root)?;
    // What is wrong with the older tree is no damage: its pages may have been written over since.
    let mut ignored = Anomalies::default();
    let (tree, ()) = Tree::walk(db, other.root, PageState::OtherRoot, map, &mut ignored, |(), _, _, _| {}, |(), ()| {});
    Some(tree)
}

fn check_freelist(db: &Db<'_>, freelist: &Freelist<'_>, map: &mut PageMap, anomalies: &mut Anomalies) {
    let head = freelist.page.header.id;
    let end = head.saturating_add(u64::from(freelist.page.header.overflow));
    for pgid in head..=end {
        if !map.claim(pgid, PageState::Freelist) {
            anomalies.note(Class::PageReferencedTwice, Some(db.page_offset(pgid)), Some(pgid), || {
                format!("page {pgid} is both in the freelist's run and in the tree")
            });
        }
    }
    let at = Some(freelist.page.offset);
    let mut freed = vec![false; usize::try_from(db.pages_in_file()).unwrap_or(0)];
    for pgid in freelist.ids() {
        let Some(slot) = usize::try_from(pgid).ok().and_then(|index| freed.get_mut(index)) else {
            anomalies.note(Class::FreedTwice, at, Some(head), || format!("page {pgid} is on the freelist, past the end of the file"));
            continue;
        };
        if std::mem::replace(slot, true) {
            anomalies.note(Class::FreedTwice, at, Some(head), || format!("page {pgid} is on the freelist twice"));
        } else if let Some(state) = map.get(pgid).filter(|state| *state != PageState::Free) {
            anomalies.note(Class::ReachableFreed, Some(db.page_offset(pgid)), Some(pgid), || {
                format!("page {pgid} is on the freelist and in use: {}", state.name())
            });
        }
    }
    for (pgid, state) in map.iter() {
        let is_freed = usize::try_from(pgid).ok().and_then(|index| freed.get(index)).is_some_and(|f| *f);
        if state == PageState::Free && !is_freed {
            anomalies.note(Class::UnreachableUnfreed, Some(db.page_offset(pgid)), Some(pgid), || {
                format!("page {pgid} is neither in the tree nor on the freelist")
            });
        }
    }
}
