//! Which revisions the tree of a damaged file may have lost.
//!
//! Bucket `key` is in the order of its revisions. So where a part of its tree is lost, it is known between which revisions the
//! writes in that part stood.

use crate::analysis::survey::Survey;
use crate::etcd::{Revision, RevisionKey, schema};
use crate::evidence::anomaly::Class;

/// What the tree may have lost.
#[derive(Clone, Debug, Default)]
pub(super) struct Loss {
    /// Revisions of writes that it may have had.
    anywhere: Ranges,
    /// Those of parts whose leaves are not known either: a page anywhere may be one of them.
    subtrees: Ranges,
}

impl Loss {
    pub(super) fn of(survey: &Survey<'_>) -> Self {
        let Some(bucket) = survey.tree.bucket(schema::KEY) else {
            return Self { anywhere: Ranges::new(vec![ALL]), subtrees: Ranges::new(vec![ALL]) };
        };
        let holes = survey.tree.holes(bucket);
        let subtrees = holes.iter().filter(|hole| hole.is_subtree()).map(|hole| revisions(hole.bounds())).collect();
        let mut anywhere: Vec<Range> = holes.iter().map(|hole| revisions(hole.bounds())).collect();
        // Writes that cannot be told, do not stand where their revision belongs, or have two.
        let strange = [Class::KeyOrder, Class::RevisionMisplaced, Class::RevisionInvalid, Class::RevisionMismatch, Class::KeyValueInvalid];
        if strange.into_iter().any(|class| survey.anomalies.count(class) > 0) {
            anywhere.push(ALL);
        }
        // Of a member's own file whose one meta is lost, that may have been the one of the last transaction.
        let has_lost_a_meta = survey.database.db.metas().iter().any(Result::is_err);
        if has_lost_a_meta && !survey.database.is_snapshot() {
            let last = survey.keyspace.last().unwrap_or_default();
            anywhere.push((Revision { main: last.main.saturating_add(1), sub: 0 }, END));
        }
        Self { anywhere: Ranges::new(anywhere), subtrees: Ranges::new(subtrees) }
    }

    /// Whether the tree may have had a write of this revision that cannot be read in it.
    pub(super) fn may_hold(&self, revision: Revision) -> bool {
        self.anywhere.hold(revision)
    }

    /// Whether that write may be on a page of which nothing tells that it was the tree's.
    pub(super) fn may_stand_anywhere(&self, revision: Revision) -> bool {
        self.subtrees.hold(revision)
    }

    /// Whether nothing is lost that is newer.
    pub(super) fn nothing_behind(&self, revision: Revision) -> bool {
        self.anywhere.0.last().is_none_or(|(_, end)| *end <= revision)
    }
}

/// From a revision up to another, exclusive.
type Range = (Revision, Revision);

const END: Revision = Revision { main: u64::MAX, sub: u64::MAX };
const ALL: Range = (Revision { main: 0, sub: 0 }, END);

fn revisions((lower, upper): (&[u8], &[u8])) -> Range {
    let of = |key| RevisionKey::parse(key).map(|key| key.revision);
    (of(lower).unwrap_or(ALL.0), of(upper).unwrap_or(END))
}

/// Ranges in their order, none of which meet.
#[derive(Clone, Debug, Default)]
struct Ranges(Vec<Range>);

impl Ranges {
    fn new(mut ranges: Vec<Range>) -> Self {
        ranges.sort_unstable();
        let mut apart: Vec<Range> = Vec::new();
        for (start, end) in ranges {
            match apart.last_mut() {
                Some((_, last)) if start <= *last => *last = end.max(*last),
                _ => apart.push((start, end)),
            }
        }
        Self(apart)
    }

    fn hold(&self, revision: Revision) -> bool {
        let behind = self.0.partition_point(|(start, _)| *start <= revision);
        behind.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, end)| revision < *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_each_of_them_holds() {
        let at = |main| Revision { main, sub: 0 };
        let given = [(at(5), at(9)), (at(1), at(2)), (at(9), at(11)), (at(6), at(7)), (at(20), END)];
        let ranges = Ranges::new(given.to_vec());
        assert_eq!(ranges.0, [(at(1), at(2)), (at(5), at(11)), (at(20), END)]);
        for main in 0..30 {
            assert_eq!(ranges.hold(at(main)), given.iter().any(|(start, end)| *start <= at(main) && at(main) < *end), "{main}");
        }
        assert!(!Ranges::default().hold(at(1)) && Ranges::new(vec![ALL]).hold(at(1)));
    }
}
