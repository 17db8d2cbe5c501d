//! Which DEK sources there are to unwrap, before anybody is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::Unwrapper;
use crate::envelope::KmsEnvelope;
use crate::envelope::open::{DekSourceId, DekSourceKind};
use crate::evidence::count::{Calls, Count, Values};
use crate::evidence::digest::Sha256Digest;

/// Fewer bytes wrap no key.
const LEAST_WRAPPED: usize = 16;

/// A DEK source as it stands in values.
pub struct WrappedDek {
    /// Its identity.
    pub id: DekSourceId,
    /// The wrapped bytes.
    pub wrapped: Box<[u8]>,
    /// KMS v2: what the plugin wrote beside it, and needs again.
    pub annotations: BTreeMap<String, Vec<u8>>,
    /// Values that need it, wherever they stand.
    pub values: Count<Values>,
    /// Those of them that count as values of their own: no copies, no pieces.
    pub waiting: Waiting,
    /// What they are, each with its storage key, as digests; empty where the plan was not to remember them.
    pub(super) sealed: BTreeSet<Sha256Digest>,
}

impl WrappedDek {
    /// Its provider's name.
    pub fn provider_name(&self) -> &str {
        &self.id.provider_name
    }

    /// What a KMS is sent of it: the wrapped bytes, and what of the annotations is long enough for a wrapped key, too.
    pub(super) fn sent(&self) -> impl Iterator<Item = &[u8]> {
        let annotations = self.annotations.values().map(Vec::as_slice).filter(|value| value.len() >= LEAST_WRAPPED);
        std::iter::once(&*self.wrapped).chain(annotations)
    }

    /// A digest of the values that need it, for the ledger: a run that has opened them has proved it of these bytes, and of no others.
    /// `None` where they were not remembered.
    pub(super) fn sealed_digest(&self) -> Option<Sha256Digest> {
        let all: Vec<u8> = self.sealed.iter().flat_map(|digest| digest.0).collect();
        (!all.is_empty()).then(|| Sha256Digest::of(&all))
    }

    /// A digest of all that makes it one question, for the ledger.
    pub fn digest(&self) -> Sha256Digest {
        let id = &self.id;
        let (provider, version) = id.provider.words().unwrap_or_default();
        let kind = match id.kind {
            DekSourceKind::KeyOfOneValue => "key of one value",
            DekSourceKind::Key => "key",
            DekSourceKind::Seed => "seed",
        };
        let words = [provider, version, &id.provider_name, kind].map(str::as_bytes);
        let annotations = id.annotations.map(|digest| digest.0);
        let key_id = id.key_id.as_deref().unwrap_or_default();
        let parts = [&id.wrapped.0[..], annotations.as_ref().map_or(&[], |digest| &digest[..]), key_id.as_bytes()];
        Sha256Digest::of(
            &words.iter().chain(&parts).flat_map(|part| [&(part.len() as u64).to_be_bytes()[..], part].concat()).collect::<Vec<_>>(),
        )
    }
}

/// The distinct DEK sources of a run.
#[derive(Default)]
pub struct Plan {
    sources: BTreeMap<DekSourceId, WrappedDek>,
    /// Whether what is to be opened is remembered, so that a ledger can say of which bytes a run has proved that they open.
    is_remembered: bool,
}

/// The calls that one unwrapper would get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Calls by the key that the values name; `None`: KMS v1, which names none.
    pub calls: BTreeMap<Option<Box<str>>, Turns>,
    /// Values that wait for those in which it is the first, by the same key.
    pub waiting: BTreeMap<Option<Box<str>>, Waiting>,
}

/// Values that wait for DEK sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// In whichever place.
    pub values: Count<Values>,
    /// Those of them that are current.
    pub current: Count<Values>,
}

impl Waiting {
    /// Adds others.
    pub fn add(&mut self, more: Self) {
        self.values.add(more.values);
        self.current.add(more.current);
    }
}

/// Calls about DEK sources by when it is somebody's turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turns {
    /// Calls about those of which it is asked first.
    pub first: Count<Calls>,
    /// Calls about those that others are asked before it, or that it is asked about in several ways: at most so many, where those before
    /// do not unwrap them.
    pub further: Count<Calls>,
}

impl Share {
    /// All calls in which it is the first.
    pub fn total(&self) -> Count<Calls> {
        self.calls.values().map(|turns| turns.first).sum()
    }
}

impl Plan {
    /// A plan that remembers which values it is about: with a ledger, what an earlier run has opened is not asked about again.
    pub fn that_remembers() -> Self {
        Self { is_remembered: true, ..Self::default() }
    }

    /// Takes note of a value; `None` where its DEK source is of an unknown type or passes the API server's limits.
    pub fn add(&mut self, provider_name: &str, envelope: &KmsEnvelope<'_>) -> Option<DekSourceId> {
        let id = DekSourceId::of(provider_name, envelope)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let annotations = || envelope.annotations.to_map().into_iter().map(|(key, value)| (text(key), value.to_vec())).collect();
        let source = self.sources.entry(id.clone()).or_insert_with_key(|id| WrappedDek {
            id: id.clone(),
            wrapped: envelope.dek_source.into(),
            annotations: annotations(),
            values: Count::ZERO,
            waiting: Waiting::default(),
            sealed: BTreeSet::new(),
        });
        source.values.add_one();
        Some(id)
    }

    /// Notes that a value that was added counts as one of its own.
    pub fn note_waiting(&mut self, id: &DekSourceId, is_current: bool) {
        if let Some(source) = self.sources.get_mut(id) {
            source.waiting.values.add_one();
            source.waiting.current.add_if(is_current);
        }
    }

    /// Remembers a value that was added, if this plan does: its storage key, and its bytes as they stand in the evidence.
    pub fn remember(&mut self, id: &DekSourceId, storage_key: &[u8], value: &[u8]) {
        if let (true, Some(source)) = (self.is_remembered, self.sources.get_mut(id)) {
            let length = (storage_key.len() as u64).to_be_bytes();
            source.sealed.insert(Sha256Digest::of(&[&length[..], storage_key, value].concat()));
        }
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

    /// The calls of each unwrapper, in the order given, and of none: each source goes to the first that claims it, and on to the others
    /// that do where it is not unwrapped, to each in all its ways.
    pub fn shares(&self, unwrappers: &[Box<dyn Unwrapper>]) -> (Vec<Share>, Share) {
        let mut shares = vec![Share::default(); unwrappers.len()];
        let mut unclaimed = Share::default();
        for source in self.sources.values() {
            let key_id = || source.id.key_id.clone();
            let claiming = shares.iter_mut().zip(unwrappers).filter(|(_, unwrapper)| unwrapper.claims(source));
            let mut claiming = claiming.map(|(share, unwrapper)| (share, unwrapper.ways(source)));
            let (share, ways) = claiming.next().unwrap_or((&mut unclaimed, 1));
            share.waiting.entry(key_id()).or_default().add(source.waiting);
            let turns = share.calls.entry(key_id()).or_default();
            turns.first.add_one();
            turns.further.add(Count::of_len(ways.saturating_sub(1)));
            for (other, ways) in claiming {
                other.calls.entry(key_id()).or_default().further.add(Count::of_len(ways));
            }
        }
        (shares, unclaimed)
    }
}
