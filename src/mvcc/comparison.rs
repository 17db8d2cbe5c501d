//! What two histories of one cluster say of each other.

use std::fmt;

use super::Revision;
use super::history::Write;

/// How a database compares with the history that others of its cluster share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Its writes of revisions of which they have one too.
    pub shared: u64,
    /// Those of them whose writes are not the same.
    pub differing: Writes,
    /// Writes that they lack although they should have them.
    pub only_here: Writes,
    /// Writes that this one lacks although it should have them, as they do.
    pub only_there: Writes,
}

/// How many writes there are of a kind, and where they begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// How many.
    pub count: u64,
    /// The lowest of their revisions.
    pub first: Option<Revision>,
}

impl Writes {
    pub(super) fn add(&mut self, write: Write) {
        self.count = self.count.saturating_add(1);
        self.first.get_or_insert(write.revision());
    }
}

impl Comparison {
    /// Whether nothing contradicts that both have the same history.
    pub fn agrees(&self) -> bool {
        [self.differing, self.only_here, self.only_there].iter().all(|writes| writes.count == 0)
    }

    /// The lowest revision of a write of the later database that they contradict.
    pub fn first_here(&self) -> Option<Revision> {
        [self.differing.first, self.only_here.first].into_iter().flatten().min()
    }
}

/// What they have and have not, as a sentence goes on that has it for its subject.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shared, differing, only_here, only_there } = self;
        let counts = [
            (differing, "differs in", format!("of the {shared} writes that both retain")),
            (only_here, "lacks", "that are here and should be there".to_owned()),
            (only_there, "has", "that are not here and should be".to_owned()),
        ];
        let mut separator = "";
        for (Writes { count, first }, verb, what) in counts {
            if let Some(first) = first {
                write!(f, "{separator}{verb} {count} {what}, the first at revision {first}")?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_says_only_what_differs() {
        let found = Comparison {
            shared: 7,
            only_here: Writes { count: 2, first: Some(Revision { main: 5, sub: 1 }) },
            only_there: Writes { count: 1, first: Some(Revision { main: 6, sub: 0 }) },
            ..Comparison::default()
        };
        let words = "lacks 2 that are here and should be there, the first at revision 5.1; \
                     has 1 that are not here and should be, the first at revision 6";
        assert_eq!(found.to_string(), words);
    }
}
