//! What in a database names the cluster that it is of.

use std::collections::{BTreeMap, BTreeSet};

use super::residue::{Content, Entry};
use crate::bbolt::Db;
use crate::envelope::Stored;
use crate::kubernetes::{ClusterId, ClusterIds, Encoding, KubeadmNames, Object, Prefixes};
use crate::mvcc::residue::Write;
use crate::mvcc::{KeyValue, Keyspace, Revision};
use crate::store::ClusterNames;

/// What the writes in a tree say of the cluster, each with the revision that it was read of: the newest counts.
#[derive(Debug, Default)]
pub(super) struct Identity<'data> {
    /// The UIDs of the namespaces `kube-system`, by the prefixes of their keys.
    kube_system: BTreeMap<&'data [u8], (Revision, String)>,
    kubeadm: Option<(Revision, KubeadmNames)>,
    /// Keys of nodes, whether they exist or not.
    nodes: BTreeSet<&'data [u8]>,
}

impl<'data> Identity<'data> {
    /// What residue says, with the newest time in an object of it.
    pub(super) fn of_residue(db: &Db<'data>, entries: &[Entry]) -> (Self, Option<i64>) {
        let (mut identity, mut newest_time) = (Self::default(), None);
        for entry in entries.iter().filter(|entry| entry.content == Content::Value) {
            let Some(Write { main, sub, kv, .. }) = entry.read(db) else { continue };
            if let Stored::Plain(value) = Stored::of(kv.value)
                && let Some(encoding @ (Encoding::Protobuf | Encoding::Json | Encoding::Cbor)) = Encoding::of(value)
            {
                newest_time = newest_time.max(Object::newest_time_in(value, encoding));
                identity.hear_object(Revision { main, sub: sub.unwrap_or(0) }, kv.key, value, encoding);
            }
        }
        (identity, newest_time)
    }

    /// Takes from another what this one does not know.
    pub(super) fn or(mut self, other: Self) -> Self {
        for (prefix, uid) in other.kube_system {
            self.kube_system.entry(prefix).or_insert(uid);
        }
        Self { kubeadm: self.kubeadm.or(other.kubeadm), ..self }
    }

    /// Hears a write that may be of a node, whose name stands in its key, also where its value is encrypted.
    pub(super) fn hear_key(&mut self, write: &KeyValue<'data>) {
        if write.value.starts_with(b"k8s") && node_name(write.key).is_some() {
            self.nodes.insert(write.key);
        }
    }

    /// Hears an object in plaintext.
    pub(super) fn hear_object(&mut self, revision: Revision, key: &'data [u8], value: &[u8], encoding: Encoding) {
        if let Some(prefix) = ClusterId::prefix_of_kube_system(key)
            && self.kube_system.get(prefix).is_none_or(|(known, _)| *known < revision)
            && let Ok(object) = Object::read(value, encoding)
            && !object.uid.is_empty()
        {
            self.kube_system.insert(prefix, (revision, object.uid.into_owned()));
        }
        if KubeadmNames::is_key(key)
            && self.kubeadm.as_ref().is_none_or(|(known, _)| *known < revision)
            && let Some(names) = KubeadmNames::read(value, encoding)
        {
            self.kubeadm = Some((revision, names));
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (prefix, uid) in other.kube_system {
            let known = self.kube_system.entry(prefix).or_default();
            *known = std::mem::take(known).max(uid);
        }
        self.kubeadm = self.kubeadm.take().max(other.kubeadm);
        self.nodes.extend(other.nodes);
    }

    /// The clusters below these prefixes, and what they are called, with the nodes that exist. Of several clusters none is named.
    pub(super) fn settle(self, prefixes: &Prefixes, keyspace: &Keyspace) -> (ClusterIds, ClusterNames) {
        let clusters = ClusterIds::new(prefixes, self.kube_system.into_iter().map(|(prefix, (_, uid))| (prefix, uid)));
        let mut names = ClusterNames::default();
        if let Some((_, kubeadm)) = self.kubeadm.filter(|_| clusters.sole().is_some()) {
            names.cluster_name = kubeadm.cluster_name;
            names.endpoint = kubeadm.endpoint;
        }
        for name in self.nodes.into_iter().filter(|key| keyspace.exists(key)).filter_map(node_name) {
            names.nodes = names.nodes.saturating_add(1);
            if names.node_names.len() < ClusterNames::LISTED {
                names.node_names.push(name.to_owned());
            }
        }
        (clusters, names)
    }
}

/// The name of the node of which a key is; nodes are stored below `minions`, as they were called at first.
fn node_name(key: &[u8]) -> Option<&str> {
    let (above, name) = key.split_at_checked(memchr::memrchr(b'/', key)?.saturating_add(1))?;
    if name.is_empty() || !above.ends_with(b"/minions/") {
        return None;
    }
    std::str::from_utf8(name).ok()
}
