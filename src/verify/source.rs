//! Where values come from: the rows of one evidence.

use crate::collect::{Collected, Collector};
use crate::evidence::{EvidenceId, MemberId};
use crate::kubernetes::{ClusterId, ClusterIds};
use crate::row::{Row, Scope, ValueRow};
use crate::store::{Role, Store};

/// One evidence.
#[derive(Clone, Copy)]
pub struct Source<'a, 'data> {
    /// Which one.
    pub id: EvidenceId,
    /// The member that it is of: what one of its evidences shows is compared with what another does.
    pub member: MemberId,
    /// Which clusters' objects the member holds, where its database says so.
    pub clusters: Option<&'a ClusterIds>,
    /// What it holds.
    pub store: &'a dyn Store<'data>,
}

/// The cluster of an object. What is of one cluster is never held against what is of another, though one etcd may hold both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Home<'a> {
    /// By the UID of its namespace `kube-system`, in whichever input.
    Uid(&'a str),
    /// By a prefix, in one member.
    Prefix(MemberId, &'a [u8]),
}

impl<'a> Source<'a, '_> {
    /// The cluster of what stands below a prefix; what stands below none is of the only cluster that there is.
    pub(super) fn home(&self, prefix: Option<&'a [u8]>) -> Home<'a> {
        let id = match prefix {
            Some(prefix) => self.clusters.and_then(|clusters| clusters.of(prefix)),
            None => self.clusters.and_then(ClusterIds::sole),
        };
        match id {
            Some(ClusterId::Uid(uid)) => Home::Uid(uid),
            Some(ClusterId::Prefix(prefix)) => Home::Prefix(self.member, prefix),
            None => Home::Prefix(self.member, prefix.unwrap_or_default()),
        }
    }
}

impl<'data> Source<'_, 'data> {
    /// Whether it was left behind: then nothing in it is what the member has now.
    pub fn is_leftover(&self) -> bool {
        self.store.profile().facts.role == Role::Leftover
    }

    /// Shows every value in scope, on all cores and in no order.
    pub fn each(&self, scope: &Scope, look: impl Fn(&ValueRow<'data>) + Sync) -> Collected<'data> {
        Collector::new(self.store, scope).each(|row| match row {
            Row::Value(value) => look(value),
            Row::Tombstone(_) => {}
        })
    }
}
