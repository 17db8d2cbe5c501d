//! Ranges of revisions.

use super::Revision;

/// From the first revision up to the second one, which is not in it.
pub type Range = (Revision, Revision);

/// Every revision that is possible.
pub const ALL: Range = (Revision { main: 0, sub: 0 }, END);
/// Behind every revision.
pub const END: Revision = Revision { main: u64::MAX, sub: u64::MAX };

/// Ranges in order, of which no two touch or overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range>);

impl FromIterator<Range> for Ranges {
    fn from_iter<I: IntoIterator<Item = Range>>(ranges: I) -> Self {
        let mut ranges: Vec<Range> = ranges.into_iter().collect();
        // In order each goes to the end, and none is moved.
        ranges.sort_unstable();
        let mut apart = Self::default();
        ranges.into_iter().for_each(|range| apart.add(range));
        apart
    }
}

impl Ranges {
    /// Adds a range, which becomes one with those that it touches or overlaps.
    pub(super) fn add(&mut self, (start, end): Range) {
        let from = self.0.partition_point(|(_, of)| *of < start);
        let to = from.saturating_add(self.0.get(from..).unwrap_or_default().partition_point(|(other, _)| *other <= end));
        let joined =
            self.0.get(from..to).unwrap_or_default().iter().fold((start, end), |whole, range| (whole.0.min(range.0), whole.1.max(range.1)));
        self.0.splice(from..to, [joined]);
    }

    /// Whether a revision is in one of them.
    pub fn hold(&self, revision: Revision) -> bool {
        let behind = self.0.partition_point(|(start, _)| *start <= revision);
        behind.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, end)| revision < *end)
    }

    /// Whether one of them overlaps or touches this range.
    pub(crate) fn meet(&self, (start, end): Range) -> bool {
        let at = self.0.partition_point(|(_, of)| *of < start);
        self.0.get(at).is_some_and(|(from, _)| *from <= end)
    }

    /// The ranges in order.
    pub fn iter(&self) -> impl Iterator<Item = Range> + '_ {
        self.0.iter().copied()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The end of the last range; `None` where there are none.
    pub fn end(&self) -> Option<Revision> {
        self.0.last().map(|(_, end)| *end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_and_meet_what_each_of_them_does() {
        let at = |main| Revision { main, sub: 0 };
        let given = [(at(5), at(9)), (at(1), at(2)), (at(9), at(11)), (at(6), at(7)), (at(20), END)];
        let ranges: Ranges = given.into_iter().collect();
        assert_eq!(ranges.0, [(at(1), at(2)), (at(5), at(11)), (at(20), END)]);
        for main in 0..30 {
            assert_eq!(ranges.hold(at(main)), given.iter().any(|(start, end)| *start <= at(main) && at(main) < *end), "{main}");
            for end in main..30 {
                let touches = given.iter().any(|(start, of)| *start <= at(end) && at(main) <= *of);
                assert_eq!(ranges.meet((at(main), at(end))), touches, "{main} to {end}");
            }
        }
        let mut added = Ranges::default();
        given.iter().for_each(|range| added.add(*range));
        assert_eq!(added, ranges);
        let (none, all): (Ranges, Ranges) = ([].into_iter().collect(), [ALL].into_iter().collect());
        assert!(!none.hold(at(1)) && !none.meet(ALL) && none.end().is_none() && none.is_empty());
        assert!(all.hold(at(1)) && all.meet((at(3), at(3))) && all.end() == Some(END));
    }
}
