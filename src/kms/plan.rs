//! Which DEK sources there are to unwrap, before anybody is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::Unwrapper;
use crate::envelope::open::{DekSourceId, DekSourceKind};
use crate::envelope::{EncryptedObject, KmsV1};
use crate::evidence::digest::Sha256Digest;

/// A DEK source as it stands in values.
pub struct WrappedDek {
    /// Its identity.
    pub id: DekSourceId,
    /// The names of the providers under which it stands; mostly one.
    pub provider_names: BTreeSet<Box<str>>,
    /// The wrapped bytes.
    pub wrapped: Box<[u8]>,
    /// KMS v2: what the plugin wrote beside it, and needs again.
    pub annotations: BTreeMap<String, Vec<u8>>,
    /// Values that need it.
    pub values: u64,
}

impl WrappedDek {
    /// The first of its providers' names.
    pub fn provider_name(&self) -> &str {
        self.provider_names.first().map_or("", AsRef::as_ref)
    }

    /// A digest of all that makes it one question, for the ledger.
    pub fn digest(&self) -> Sha256Digest {
        let id = &self.id;
        let kind = match id.kind {
            DekSourceKind::V1 => [1, 0],
            DekSourceKind::V2Key => [2, 0],
            DekSourceKind::V2Seed => [2, 1],
        };
        let annotations = id.annotations.map(|digest| digest.0);
        let key_id = id.key_id.as_deref().unwrap_or_default();
        let parts = [&kind[..], &id.wrapped.0, annotations.as_ref().map_or(&[], |digest| &digest[..]), key_id.as_bytes()];
        Sha256Digest::of(&parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part].concat()).collect::<Vec<_>>())
    }
}

/// The distinct DEK sources of a run.
#[derive(Default)]
pub struct Plan {
    sources: BTreeMap<DekSourceId, WrappedDek>,
}

/// The calls that one unwrapper would get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Calls by the key that the values name; `None`: KMS v1, which names none.
    pub calls: BTreeMap<Option<Box<str>>, u64>,
    /// Values that wait for them.
    pub values: u64,
}

impl Share {
    /// All calls.
    pub fn total(&self) -> u64 {
        self.calls.values().copied().fold(0, u64::saturating_add)
    }
}

impl Plan {
    /// Takes note of a KMS v1 value.
    pub fn add_v1(&mut self, provider_name: &str, envelope: &KmsV1<'_>) -> DekSourceId {
        let id = DekSourceId::of_v1(envelope);
        self.add(id, provider_name, envelope.wrapped_dek, BTreeMap::new)
    }

    /// Takes note of a KMS v2 value; `None` where its DEK source is of an unknown type or passes the API server's limits.
    pub fn add_v2(&mut self, provider_name: &str, object: &EncryptedObject<'_>) -> Option<DekSourceId> {
        if object.limit_passed().is_some() {
            return None;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let annotations = || object.annotations().into_iter().map(|(key, value)| (text(key), value.to_vec())).collect();
        Some(self.add(DekSourceId::of_v2(object)?, provider_name, object.dek_source, annotations))
    }

    fn add(
        &mut self,
        id: DekSourceId,
        provider_name: &str,
        wrapped: &[u8],
        annotations: impl FnOnce() -> BTreeMap<String, Vec<u8>>,
    ) -> DekSourceId {
        let source = self.sources.entry(id.clone()).or_insert_with_key(|id| WrappedDek {
            id: id.clone(),
            provider_names: BTreeSet::new(),
            wrapped: wrapped.into(),
            annotations: annotations(),
            values: 0,
        });
        if !source.provider_names.contains(provider_name) {
            source.provider_names.insert(provider_name.into());
        }
        source.values = source.values.saturating_add(1);
        id
    }

    /// The DEK sources, sorted by identity.
    pub fn sources(&self) -> impl Iterator<Item = &WrappedDek> {
        self.sources.values()
    }

    /// How many there are: as many calls does it take to unwrap all of them.
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether no value needs a KMS.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The calls of each unwrapper, in the order given, and of none: each source goes to the first that claims it.
    pub fn shares(&self, unwrappers: &[Box<dyn Unwrapper>]) -> (Vec<Share>, Share) {
        let mut shares = vec![Share::default(); unwrappers.len()];
        let mut unclaimed = Share::default();
        for source in self.sources.values() {
            let index = unwrappers.iter().position(|unwrapper| unwrapper.claims(source));
            let share = index.and_then(|index| shares.get_mut(index)).unwrap_or(&mut unclaimed);
            let calls = share.calls.entry(source.id.key_id.clone()).or_default();
            *calls = calls.saturating_add(1);
            share.values = share.values.saturating_add(source.values);
        }
        (shares, unclaimed)
    }
}
