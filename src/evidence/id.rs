//! Numbers that evidences and members have in a run. They are names, not places in a list: an input that could not be read keeps its own.

use std::fmt;

/// An evidence of a run, by the number that its records bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EvidenceId(u64);

/// A member of a cluster: evidences that belong together, such as the files of one data directory. A file given by itself is one
/// of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(u64);

/// Gives out numbers, each once.
#[derive(Clone, Debug, Default)]
pub struct Numbering {
    evidences: u64,
    members: u64,
}

impl Numbering {
    /// The next evidence's.
    pub fn evidence(&mut self) -> EvidenceId {
        let id = EvidenceId(self.evidences);
        self.evidences = self.evidences.saturating_add(1);
        id
    }

    /// The next member's.
    pub fn member(&mut self) -> MemberId {
        let id = MemberId(self.members);
        self.members = self.members.saturating_add(1);
        id
    }
}

impl EvidenceId {
    /// The number.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for EvidenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
