//! What there is to open, before anybody is asked.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::Source;
use super::keyring::is_proved;
use super::which_key::same_key;
use crate::collect::Collected;
use crate::envelope::open::{DataKey, DekSourceId};
use crate::envelope::{Body, KeyIdentity, KeyPattern, Sealed};
use crate::evidence::count::{Count, Values};
use crate::evidence::{EvidenceId, MemberId};
use crate::kms::Plan;
use crate::row::{Resources, Retention, Scope, ValueRow};

/// The first revision that a retained value has under a key, by evidence, by the prefix of its cluster, and by resource: each resource is
/// written as a rule of its own says.
pub(super) type Began<'data> = BTreeMap<(EvidenceId, &'data [u8], String), u64>;

/// What the values of all inputs need.
#[derive(Default)]
pub struct Needs<'data> {
    /// Distinct DEK sources.
    pub plan: Plan,
    /// The first revision of retained values under each key, by evidence, by the prefix of its cluster, and by resource.
    written: BTreeMap<(EvidenceId, &'data [u8], KeyIdentity<'data>), BTreeMap<String, u64>>,
    /// Keys under which values are current, or may be.
    current: BTreeSet<KeyIdentity<'data>>,
    /// The last write under each key, whatever became of it, in each order of writes.
    last: BTreeMap<(Order, &'data [u8], KeyIdentity<'data>), u64>,
    /// The values that need each DEK source: a key that opens any of them is the one.
    sealed: BTreeMap<DekSourceId, Vec<SealedUnder<'data>>>,
    /// Values by the stored type of their DEK source, where a provider has one.
    pub dek_source_types: BTreeMap<(KeyIdentity<'data>, i64), Count<Values>>,
}

/// The last write in an order, and what it is under: one transaction may write under several keys.
#[derive(Clone, Debug)]
pub(super) struct LastWrite<K> {
    at: u64,
    pub(super) under: BTreeSet<K>,
}

impl<K> Default for LastWrite<K> {
    fn default() -> Self {
        Self { at: 0, under: BTreeSet::new() }
    }
}

impl<K: Ord> LastWrite<K> {
    pub(super) fn note(&mut self, at: u64, under: K) {
        match at.cmp(&self.at) {
            Ordering::Less => return,
            Ordering::Equal => {}
            Ordering::Greater => self.under.clear(),
        }
        self.at = at;
        self.under.insert(under);
    }
}

/// Values of a provider are under several keys.
pub(super) struct SeveralKeys;

/// A value as it was sealed, with its storage key.
struct SealedUnder<'data> {
    storage_key: &'data [u8],
    sealed: &'data [u8],
}

/// In which order writes are known: of a database by revision, of a member's log by raft index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    Database(EvidenceId),
    Log(MemberId),
}

impl Order {
    /// The order of a write, and its place there; `None` where it has none, or was not carried out.
    pub(super) fn of(source: &Source<'_, '_>, row: &ValueRow<'_>) -> Option<(Self, u64)> {
        match row.log {
            _ if source.is_leftover() || row.is_fragment() => None,
            Some(log) => (log.applied != Some(false)).then_some((Self::Log(source.member), log.index)),
            None => Some((Self::Database(source.id), row.written.main?)),
        }
    }
}

/// The prefix of a row's cluster; empty where it has none.
pub(super) fn prefix_of<'data>(row: &ValueRow<'data>) -> &'data [u8] {
    row.storage_key.as_ref().and_then(|key| key.prefix).unwrap_or_default()
}

/// The resource of a row's storage key; empty where it is no object's.
pub(super) fn resource_of<'a>(row: &'a ValueRow<'_>) -> &'a str {
    row.storage_key.as_ref().map_or("", |key| &key.group_resource.0)
}

impl<'data> Needs<'data> {
    /// The first revision under a key, wherever there is one.
    pub(super) fn began(&self, key: &KeyPattern) -> Began<'data> {
        let mut first = Began::default();
        for ((evidence, prefix, _), resources) in self.written.iter().filter(|((_, _, identity), _)| key.matches(identity)) {
            for (resource, written) in resources {
                let known = first.entry((*evidence, *prefix, resource.clone())).or_insert(*written);
                *known = (*known).min(*written);
            }
        }
        first
    }

    /// Looks at every value of a source that is in scope, and adds what it needs. Gives the counts of that evidence. Under which keys a
    /// provider writes all its values tell, whatever is in scope.
    pub fn read(&mut self, source: &Source<'_, 'data>, scope: &Scope) -> Collected<'data> {
        let needs = Mutex::new(self);
        if !scope.filter(&Resources::All).is_empty() {
            source.each(&Scope::all(), |row| {
                if row.envelope().is_some() {
                    needs.lock().unwrap_or_else(PoisonError::into_inner).note_key(source, row);
                }
            });
        }
        source.each(scope, |row| {
            if row.envelope().is_some() {
                let mut needs = needs.lock().unwrap_or_else(PoisonError::into_inner);
                needs.note_key(source, row);
                needs.add(row);
            }
        })
    }

    /// Whether a key opens any of the values that need it: each of the others may be damaged. Where there is none to try, nothing speaks
    /// against it.
    pub fn opens(&self, id: &DekSourceId, key: &DataKey) -> bool {
        let opens =
            |SealedUnder { storage_key, sealed }: &SealedUnder<'_>| key.open(sealed, storage_key).is_ok_and(|opened| is_proved(&opened));
        self.sealed.get(id).is_none_or(|sealed| sealed.iter().any(opens))
    }

    /// The same of what a ledger may say that an earlier run has opened it.
    pub fn that_remember() -> Self {
        Self { plan: Plan::that_remembers(), ..Self::default() }
    }

    /// What a single value needs.
    pub fn of_one(row: &ValueRow<'data>) -> Self {
        let mut needs = Self::default();
        needs.add(row);
        needs
    }

    /// The key ID under which values are current, or may be, and the last write of each file is, also one that was deleted or overwritten
    /// since: what is written under now is among them, if anything was written under it. `None` where the only key names none; a key with
    /// replicas in several regions is one.
    pub(super) fn current_key(&self, pattern: &KeyPattern) -> Result<Option<&str>, SeveralKeys> {
        let mut last: BTreeMap<(Order, &[u8]), LastWrite<&KeyIdentity<'data>>> = BTreeMap::new();
        for ((order, prefix, key), at) in self.last.iter().filter(|((_, _, key), _)| pattern.matches(key)) {
            last.entry((*order, *prefix)).or_default().note(*at, key);
        }
        let current = self.current.iter().filter(|key| pattern.matches(key));
        let all = current.chain(last.into_values().flat_map(|last| last.under));
        let distinct: BTreeMap<_, &KeyIdentity<'data>> =
            all.map(|key| ((&key.provider, &key.version, &key.name, key.key_id.as_deref().map(same_key)), key)).collect();
        match distinct.len() {
            0 | 1 => Ok(distinct.into_values().next().and_then(|key| key.key_id.as_deref())),
            _ => Err(SeveralKeys),
        }
    }

    /// Notes the key that a value names, and when it was written.
    fn note_key(&mut self, source: &Source<'_, 'data>, row: &ValueRow<'data>) {
        let (Some(info), is_leftover) = (row.envelope(), source.is_leftover()) else { return };
        let identity = info.key();
        let is_retained = matches!(row.retention, Retention::Current | Retention::Newest | Retention::Superseded);
        if !is_leftover && (row.retention == Retention::Current || row.may_be_current()) {
            self.current.insert(identity.clone());
        }
        if let Some((order, at)) = Order::of(source, row) {
            let last = self.last.entry((order, prefix_of(row), identity.clone())).or_insert(at);
            *last = at.max(*last);
        }
        if let (true, Some(revision)) = (is_retained, row.written.main) {
            let resources = self.written.entry((source.id, prefix_of(row), identity)).or_default();
            let resource = resource_of(row);
            let first = match resources.get_mut(resource) {
                Some(first) => first,
                None => resources.entry(resource.to_owned()).or_insert(revision),
            };
            *first = revision.min(*first);
        }
    }

    fn add(&mut self, row: &ValueRow<'data>) {
        let Some(info) = row.envelope() else { return };
        let identity = info.key();
        let (Some(name), Some(sealed), false) = (info.name, Sealed::parse(row.bytes.0), row.is_fragment()) else { return };
        // What is sealed with a local key needs nobody, and what is malformed nobody opens.
        let Ok(Body::Kms(envelope)) = Body::parse(sealed.provider, name.body) else { return };
        let Some(id) = self.plan.add(name.name, &envelope) else { return };
        self.plan.remember(&id, row.key, row.bytes.0);
        if row.is_counted() {
            self.plan.note_waiting(&id, row.retention == Retention::Current);
        }
        if !row.key.is_empty() {
            self.sealed.entry(id).or_default().push(SealedUnder { storage_key: row.key, sealed: envelope.sealed });
        }
        if let (Some(dek_source_type), false) = (envelope.dek_source_type, row.is_duplicate) {
            self.dek_source_types.entry((identity, dek_source_type)).or_default().add_one();
        }
    }
}
