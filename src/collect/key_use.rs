//! What needs a key: which values, how many, of which resources.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use crate::envelope::KeyIdentity;
use crate::envelope::open::DekSourceId;
use crate::evidence::count::{Count, DekSources, Values};
use crate::evidence::digest::Sha256Digest;
use crate::kubernetes::GroupResource;
use crate::row::{EnvelopeInfo, Retention, ValueRow};

/// What needs a key.
#[derive(Clone, Debug, Default)]
pub struct KeyUse<'data> {
    /// Values by what became of them.
    pub counts: KeyCounts,
    /// Resources of these values.
    pub group_resources: BTreeSet<GroupResource<'data>>,
    /// The same values by the prefix of their API server; `None`: their keys are no API server's, or not known.
    pub by_prefix: BTreeMap<Option<&'data [u8]>, PrefixUse<'data>>,
    /// Distinct wrapped DEKs or seeds.
    pub dek_sources: DistinctDekSources,
    /// Values that may be current, and of which that is not known.
    pub perhaps_current: Count<Values>,
    /// Values whose name has more than one reading.
    pub uncertain: Count<Values>,
}

/// The distinct DEK sources of one key: as many calls does it take to unwrap them.
#[derive(Clone, Debug, Default)]
pub struct DistinctDekSources {
    /// Each by eight bytes of its digests: whose they are is the same for all.
    known: HashSet<u64, FixedState>,
}

impl DistinctDekSources {
    /// How many there are.
    pub fn count(&self) -> Count<DekSources> {
        Count::of_len(self.known.len())
    }

    fn add(&mut self, id: &DekSourceId) {
        let head = |digest: &Sha256Digest| digest.0.first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
        // What stands beside the wrapped bytes goes to the KMS with them.
        let beside = id.annotations.as_ref().map_or(0, head).rotate_left(1);
        self.known.insert(head(&id.wrapped) ^ beside ^ id.kind as u64);
    }

    /// Adds those of another part or input: one that several hold counts once.
    pub fn merge(&mut self, other: &Self) {
        self.known.extend(&other.known);
    }
}

/// What below one prefix needs a key.
#[derive(Clone, Debug, Default)]
pub struct PrefixUse<'data> {
    /// Values by what became of them.
    pub counts: KeyCounts,
    /// Resources of these values.
    pub group_resources: BTreeSet<GroupResource<'data>>,
}

/// Values under a key, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// Newest revisions of keys that exist.
    pub current: Count<Values>,
    /// The newest that the database has, of keys of which it is not known what they have now.
    pub newest: Count<Values>,
    /// Older ones.
    pub superseded: Count<Values>,
    /// Of deleted keys.
    pub deleted: Count<Values>,
    /// In residue.
    pub residue: Count<Values>,
    /// In logs.
    pub log: Count<Values>,
}

impl<'data> EnvelopeInfo<'data> {
    /// The key that it names.
    pub fn key(&self) -> KeyIdentity<'data> {
        KeyIdentity::new(self.provider, self.version, self.name.map(|name| name.name), self.key_id)
    }
}

impl<'data> KeyUse<'data> {
    /// Adds a value under the key.
    pub(super) fn add(&mut self, value: &ValueRow<'data>, envelope: &EnvelopeInfo<'data>) {
        self.counts.of(value.retention).add_one();
        self.perhaps_current.add_if(value.may_be_current());
        let below = self.by_prefix.entry(value.storage_key.as_ref().and_then(|key| key.prefix)).or_default();
        below.counts.of(value.retention).add_one();
        if let Some(resource) = value.storage_key.as_ref().map(|key| &key.group_resource)
            && !below.group_resources.contains(resource)
        {
            below.group_resources.insert(resource.clone());
            self.group_resources.insert(resource.clone());
        }
        // What is not whole nobody can open.
        if let (Some(id), false) = (envelope.dek_source(), value.is_fragment()) {
            self.dek_sources.add(&id);
        }
        self.uncertain.add_if(envelope.name.is_some_and(|name| !name.is_certain));
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.counts.add(other.counts);
        self.perhaps_current.add(other.perhaps_current);
        self.group_resources.extend(other.group_resources);
        for (prefix, more) in other.by_prefix {
            let known = self.by_prefix.entry(prefix).or_default();
            known.counts.add(more.counts);
            known.group_resources.extend(more.group_resources);
        }
        self.dek_sources.merge(&other.dek_sources);
        self.uncertain.add(other.uncertain);
    }
}

impl KeyCounts {
    /// All of them.
    pub fn total(self) -> Count<Values> {
        let Self { current, newest, superseded, deleted, residue, log } = self;
        [current, newest, superseded, deleted, residue, log].into_iter().sum()
    }

    /// Adds those of another part.
    pub fn add(&mut self, other: Self) {
        for retention in Retention::ALL {
            let more = *{ other }.of(retention);
            self.of(retention).add(more);
        }
    }

    fn of(&mut self, retention: Retention) -> &mut Count<Values> {
        match retention {
            Retention::Current => &mut self.current,
            Retention::Newest => &mut self.newest,
            Retention::Superseded => &mut self.superseded,
            Retention::Deleted => &mut self.deleted,
            Retention::Residue => &mut self.residue,
            Retention::Log => &mut self.log,
        }
    }
}
