//! A member: the files that belong together, open, and what was read of them.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use super::kind::FileRole;
use crate::collect::Tally;
use crate::evidence::{Evidence, EvidenceId, MemberId};
use crate::kubernetes::ClusterIds;
use crate::report::readable::ClusterContext;
use crate::store::{AnyStore, DatabaseStore, Digests, Role, Store};
use crate::verify::Source;

/// A member whose files are open.
pub(super) struct OpenMember {
    pub id: MemberId,
    /// As it was given.
    pub path: PathBuf,
    /// The inputs that it was joined from.
    pub joined: Vec<PathBuf>,
    pub is_directory: bool,
    pub files: Vec<OpenFile>,
}

/// An open file.
pub(super) struct OpenFile {
    pub evidence: Evidence,
    pub role: FileRole,
    /// Where the link leads that it was opened through.
    pub target: Option<PathBuf>,
}

/// A member after the first pass over its files.
pub(super) struct ReadMember<'data> {
    pub id: MemberId,
    pub path: PathBuf,
    /// The inputs that it was joined from.
    pub joined: Vec<PathBuf>,
    pub is_directory: bool,
    /// How many members of their own were found among its files.
    pub others: usize,
    pub evidences: Vec<ReadEvidence<'data>>,
}

/// An evidence after the first pass.
pub(super) struct ReadEvidence<'data> {
    pub id: EvidenceId,
    pub store: AnyStore<'data>,
    /// Its digests, as soon as they are made.
    pub digests: Receiver<Option<Digests>>,
}

impl ReadEvidence<'_> {
    /// Whether the member works with it, and it was not left behind.
    pub(super) fn is_own(&self) -> bool {
        self.store.profile().facts.role != Role::Leftover
    }
}

impl<'data> ReadMember<'data> {
    /// The member's own database.
    pub(super) fn database(&self) -> Option<&DatabaseStore<'data>> {
        let own = self.evidences.iter().filter(|evidence| evidence.is_own());
        own.filter_map(|evidence| evidence.store.as_database()).next()
    }

    /// Which clusters' objects it holds, as its database says.
    pub(super) fn clusters(&self) -> Option<&ClusterIds> {
        Some(&self.database()?.profile().facts.database()?.clusters)
    }

    /// What says which of the member's keys exist: its database, or else the first of its evidences that knows prefixes.
    pub(super) fn context(&self) -> Option<ClusterContext<'_>> {
        if let Some(database) = self.database() {
            return Some(ClusterContext { prefixes: database.prefixes(), existing: database.existing() });
        }
        let known = self.evidences.iter().find(|evidence| !evidence.store.prefixes().is_empty());
        let first = known.or(self.evidences.first())?;
        Some(ClusterContext { prefixes: first.store.prefixes(), existing: None })
    }
}

/// What the evidences of a member add up to.
#[derive(Default)]
pub(super) struct WholeTally<'data> {
    pub tally: Tally<'data>,
    /// Of what was left behind.
    pub left_behind: Tally<'data>,
    pub parts: Vec<EvidenceId>,
}

impl<'data> WholeTally<'data> {
    /// Adds an evidence's counts. Of what was left behind only what can be read in it counts. A file is its own whole.
    pub(super) fn add(&mut self, is_directory: bool, evidence: &ReadEvidence<'data>, tally: &Tally<'data>) {
        match evidence.store.profile().facts.role {
            _ if !is_directory => {}
            Role::Leftover => self.left_behind.expose_leftover(tally.clone()),
            Role::File | Role::Member => self.tally.merge(tally.clone()),
        }
    }
}

/// The evidences of members, for what looks at all of them.
pub(super) fn sources<'a, 'data>(members: &'a [ReadMember<'data>]) -> Vec<Source<'a, 'data>> {
    let of = |member: &'a ReadMember<'data>| {
        let (member_id, clusters) = (member.id, member.clusters());
        let source =
            move |evidence: &'a ReadEvidence<'data>| Source { id: evidence.id, member: member_id, clusters, store: &*evidence.store };
        member.evidences.iter().map(source)
    };
    members.iter().flat_map(of).collect()
}
