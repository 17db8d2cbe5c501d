//! Which cluster an object is of: one etcd may hold several, each below a prefix of its own.
//!
//! A cluster is known by the UID of its namespace `kube-system`, which is drawn at random. OpenShift's own API servers keep their
//! objects below a prefix without namespaces; they are of the cluster beside it.

use std::collections::BTreeMap;

use super::Prefixes;

/// What is below the first of these prefixes is of the cluster below the second.
const OPENSHIFT: [&[u8]; 2] = [b"/openshift.io", b"/kubernetes.io"];

/// What follows the prefix in the key of the namespace whose UID names a cluster.
const KUBE_SYSTEM: &[u8] = b"/namespaces/kube-system";

/// What tells a cluster from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClusterId {
    /// The UID of its namespace `kube-system`.
    Uid(String),
    /// Its prefix, where that UID cannot be read: within one etcd no other cluster has it.
    Prefix(Vec<u8>),
}

/// The clusters of one etcd, by the prefixes of their API servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterIds {
    by_prefix: BTreeMap<Vec<u8>, ClusterId>,
    /// The one that all prefixes are of.
    sole: Option<ClusterId>,
}

impl ClusterId {
    /// The UID of its namespace `kube-system`.
    pub fn uid(&self) -> Option<&str> {
        match self {
            Self::Uid(uid) => Some(uid),
            Self::Prefix(_) => None,
        }
    }

    /// The prefix that a key of the namespace `kube-system` has.
    pub(crate) fn prefix_of_kube_system(key: &[u8]) -> Option<&[u8]> {
        key.strip_suffix(KUBE_SYSTEM)
    }
}

impl ClusterIds {
    /// Of the prefixes of API servers, and the UIDs of the namespaces `kube-system` below any prefixes.
    pub fn new<'a>(prefixes: &Prefixes, uids: impl IntoIterator<Item = (&'a [u8], String)>) -> Self {
        let uids: BTreeMap<&[u8], String> = uids.into_iter().collect();
        let has = |prefix: &[u8]| prefixes.iter().any(|known| known == prefix);
        let [openshift, kubernetes] = OPENSHIFT;
        let is_openshift = has(openshift) && has(kubernetes) && !uids.contains_key(openshift);
        let id = |prefix: &[u8]| {
            let prefix = if is_openshift && prefix == openshift { kubernetes } else { prefix };
            uids.get(prefix).cloned().map_or_else(|| ClusterId::Prefix(prefix.to_vec()), ClusterId::Uid)
        };
        let by_prefix: BTreeMap<Vec<u8>, ClusterId> = prefixes.iter().map(|prefix| (prefix.to_vec(), id(prefix))).collect();
        let mut ids = by_prefix.values();
        let sole = ids.next().filter(|first| ids.all(|id| id == *first)).cloned();
        Self { by_prefix, sole }
    }

    /// The cluster of the objects below a prefix.
    pub fn of(&self, prefix: &[u8]) -> Option<&ClusterId> {
        self.by_prefix.get(prefix)
    }

    /// The one that everything is of; `None` where there are several, or none.
    pub fn sole(&self) -> Option<&ClusterId> {
        self.sole.as_ref()
    }

    /// Every prefix with its cluster, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &ClusterId)> {
        self.by_prefix.iter().map(|(prefix, id)| (prefix.as_slice(), id))
    }

    /// Whether two etcds hold the same cluster below the same prefix, and below no prefix that both have another one.
    pub fn are_those_of(&self, other: &Self) -> bool {
        let mut shared = self.shared(other).peekable();
        shared.peek().is_some() && shared.all(|is_same| is_same)
    }

    /// Whether two etcds hold different clusters below a prefix that both have.
    pub fn contradict(&self, other: &Self) -> bool {
        self.shared(other).any(|is_same| !is_same)
    }

    /// Of each prefix that both have, and of whose cluster both know the UID, whether it is the same one.
    fn shared<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = bool> + 'a {
        let both = self.iter().filter_map(|(prefix, id)| Some((id.uid()?, other.of(prefix)?.uid()?)));
        both.map(|(ours, theirs)| ours == theirs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(prefixes: &[&str], uids: &[(&'static str, &str)]) -> ClusterIds {
        let prefixes = Prefixes::new(prefixes.iter().map(|prefix| prefix.as_bytes().to_vec()));
        ClusterIds::new(&prefixes, uids.iter().map(|(prefix, uid)| (prefix.as_bytes(), (*uid).to_owned())))
    }

    #[test]
    fn each_prefix_is_a_cluster_and_those_of_openshift_are_one() {
        let two = ids(&["/a", "/b"], &[("/a", "1"), ("/other", "2")]);
        assert_eq!((two.of(b"/a"), two.sole()), (Some(&ClusterId::Uid("1".to_owned())), None));
        assert_eq!((two.of(b"/b"), two.of(b"/other")), (Some(&ClusterId::Prefix(b"/b".to_vec())), None));
        let openshift = ids(&["/kubernetes.io", "/openshift.io"], &[("/kubernetes.io", "1")]);
        assert_eq!(openshift.sole().and_then(ClusterId::uid), Some("1"));
        // A prefix that was changed has the same cluster on both sides.
        assert_eq!(ids(&["/a", "/b"], &[("/a", "1"), ("/b", "1")]).sole().and_then(ClusterId::uid), Some("1"));
        assert_eq!(ids(&[], &[("/a", "1")]).sole(), None);
    }

    #[test]
    fn etcds_are_of_the_same_clusters_where_one_is_in_both_and_none_is_another() {
        let one = ids(&["/a", "/b"], &[("/a", "1"), ("/b", "2")]);
        for (other, is_same) in [
            (ids(&["/a"], &[("/a", "1")]), true),
            (ids(&["/a", "/b"], &[("/a", "1"), ("/b", "3")]), false),
            (ids(&["/b"], &[("/b", "1")]), false),
            (ids(&["/a", "/c"], &[("/a", "1"), ("/c", "9")]), true),
            (ids(&["/a"], &[]), false),
        ] {
            assert_eq!((one.are_those_of(&other), other.are_those_of(&one)), (is_same, is_same), "{other:?}");
        }
    }
}
