//! Moved ciphertext: a value whose key opens others and not it may have been sealed for another storage key. That is the trace of
//! a swap, or of a restore under another prefix.
//!
//! Which storage key that is, only trying tells. Tried are keys of the value's own cluster, the likeliest first: those under which the
//! same bytes stand, its own below another prefix, and then its neighbours, first among those that did not open either. How many are
//! tried is bounded by the number of values and keys, so that of thousands that moved some may not be found; of a few all keys are tried.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::keyring::{Attempt, Opener};
use super::source::Home;
use super::{Keyring, Source};
use crate::envelope::KeyIdentity;
use crate::evidence::EvidenceId;
use crate::kubernetes::PREFIXES_BY_DEFAULT;
use crate::row::{Resources, Scope, ValueRow};

/// Openings that are tried for each key of a cluster, over all its values.
const TRIES_A_KEY: usize = 16;
/// Openings that are tried for each value besides.
const TRIES_A_VALUE: usize = 64;
/// Most values of one key that are searched for.
const VALUES: usize = 1_000;
/// Parts of a key that may be another prefix.
const DEEPEST: usize = 6;

/// A value that was sealed for another storage key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// The evidence.
    pub evidence: EvidenceId,
    /// Where the value stands.
    pub offset: u64,
    /// The storage key it stands under.
    pub key: String,
    /// The storage key it was sealed for.
    pub sealed_for: String,
    /// The key that opens it there.
    pub opened_by: KeyIdentity<'static>,
}

/// Evidence and offset of a value.
pub(super) type At = (EvidenceId, u64);

/// Values that did not open, by the key that was tried.
#[derive(Default)]
pub(super) struct Failing<'data>(BTreeMap<Opener, BTreeMap<At, ValueRow<'data>>>);

/// What a search found, and what it took.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub moves: Vec<Move>,
    /// Openings that were tried.
    pub tries: u64,
}

/// What there is to try for the values of one cluster.
#[derive(Default)]
struct Candidates<'a> {
    /// Every storage key that any of its values stands under, in order.
    keys: BTreeSet<&'a [u8]>,
    /// Those under which a value stands that did not open, in order.
    failing: BTreeSet<&'a [u8]>,
    /// How many values did not open.
    values: usize,
    /// Prefixes that its keys have, or may have had.
    prefixes: BTreeSet<&'a str>,
}

/// The keys under which the same bytes stand.
type Twins<'data> = BTreeMap<&'data [u8], BTreeSet<&'data [u8]>>;

impl<'data> Failing<'data> {
    /// Remembers a value; of one key the first ones.
    pub(super) fn add(&mut self, opener: &Opener, evidence: EvidenceId, row: &ValueRow<'data>) {
        let Some(offset) = row.offset else { return };
        let values = match self.0.get_mut(opener) {
            Some(values) => values,
            None => self.0.entry(opener.clone()).or_default(),
        };
        values.insert((evidence, offset), row.clone());
        if values.len() > VALUES {
            values.pop_last();
        }
    }

    /// Every value with the key that was tried, and where it stands.
    pub(super) fn values(&self) -> impl Iterator<Item = (&Opener, At, &ValueRow<'data>)> {
        self.0.iter().flat_map(|(opener, values)| values.iter().map(move |(at, row)| (opener, *at, row)))
    }

    /// Tries the values under other storage keys. A key that opened nothing so far is tried with other prefixes only.
    pub(super) fn search(&self, sources: &[Source<'_, 'data>], keyring: &Keyring<'_>, opened_others: &BTreeSet<Opener>) -> Search {
        if self.0.is_empty() {
            return Search::default();
        }
        let by_id: BTreeMap<EvidenceId, &Source<'_, 'data>> = sources.iter().map(|source| (source.id, source)).collect();
        let home_of = |at: At, row: &ValueRow<'data>| by_id.get(&at.0).map(|source| home(source, row));
        let failing: Vec<_> = self.values().filter_map(|(opener, at, row)| Some((opener, at, row, home_of(at, row)?))).collect();
        let mut clusters: BTreeMap<Home<'_>, Candidates<'_>> = BTreeMap::new();
        for (_, _, row, home) in &failing {
            let candidates = clusters.entry(*home).or_default();
            candidates.failing.insert(row.key);
            candidates.values = candidates.values.saturating_add(1);
        }
        let mut twins: Twins<'data> = failing.iter().map(|(_, _, row, _)| (row.bytes.0, BTreeSet::new())).collect();
        collect(sources, &mut clusters, &mut twins);
        let clusters: BTreeMap<Home<'_>, Sorted<'_>> = clusters.into_iter().map(|(home, found)| (home, Sorted::of(found))).collect();
        let tries = AtomicU64::new(0);
        let searched = failing.par_iter().filter_map(|(opener, (evidence, offset), row, home)| {
            let candidates = clusters.get(home)?;
            let own = std::str::from_utf8(row.key).ok()?;
            let is_the_key = opened_others.contains(*opener) || matches!(opener, Opener::Dek(_));
            let fits = |candidate: &[u8]| {
                tries.fetch_add(1, Ordering::Relaxed);
                match keyring.attempt_as(row, candidate) {
                    Attempt::Opened { key, is_bound: true, .. } => Some((String::from_utf8_lossy(candidate).into_owned(), key)),
                    _ => None,
                }
            };
            let (mut renamed, twins) = (under_other_prefixes(own, &candidates.prefixes), twins.get(row.bytes.0));
            let same_bytes = twins.into_iter().flatten().copied().filter(|key| candidates.has(key));
            let others = [&candidates.failing, &candidates.keys].into_iter().flat_map(|keys| around(keys, row.key));
            let mut found = same_bytes.chain(others).filter(|key| is_the_key && *key != row.key).take(candidates.share);
            let (sealed_for, opened_by) = renamed.find_map(|key| fits(key.as_bytes())).or_else(|| found.find_map(fits))?;
            Some(Move { evidence: *evidence, offset: *offset, key: own.to_owned(), sealed_for, opened_by })
        });
        let mut moves: Vec<Move> = searched.collect();
        moves.sort();
        Search { moves, tries: tries.into_inner() }
    }
}

/// The same in a form in which neighbours are found.
struct Sorted<'a> {
    keys: Vec<&'a [u8]>,
    failing: Vec<&'a [u8]>,
    prefixes: BTreeSet<&'a str>,
    /// Keys that are tried for each value.
    share: usize,
}

impl<'a> Sorted<'a> {
    fn of(candidates: Candidates<'a>) -> Self {
        let Candidates { keys, failing, values, prefixes } = candidates;
        let share = keys.len().saturating_mul(TRIES_A_KEY).checked_div(values).unwrap_or(0).saturating_add(TRIES_A_VALUE);
        Self { keys: keys.into_iter().collect(), failing: failing.into_iter().collect(), prefixes, share }
    }

    fn has(&self, key: &[u8]) -> bool {
        self.keys.binary_search(&key).is_ok()
    }
}

fn home<'a, 'data: 'a>(source: &Source<'a, 'data>, row: &ValueRow<'data>) -> Home<'a> {
    source.home(row.storage_key.as_ref().and_then(|key| key.prefix))
}

/// Adds every storage key that any value of these clusters stands under, and the keys of these bytes.
fn collect<'a, 'data: 'a>(sources: &[Source<'a, 'data>], clusters: &mut BTreeMap<Home<'a>, Candidates<'a>>, twins: &mut Twins<'data>) {
    let everything = Scope { resources: Resources::All, ..Scope::default() };
    let found = Mutex::new((clusters, twins));
    for source in sources {
        source.each(&everything, |row| {
            if row.key.is_empty() {
                return;
            }
            let (clusters, twins) = &mut *found.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(candidates) = clusters.get_mut(&home(source, row)) {
                candidates.keys.insert(row.key);
            }
            if let Some(keys) = twins.get_mut(row.bytes.0) {
                keys.insert(row.key);
            }
        });
    }
    let (clusters, _) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    clusters.values_mut().for_each(|candidates| candidates.prefixes.extend(PREFIXES_BY_DEFAULT));
    let own = |source: &Source<'a, 'data>| -> Vec<(Home<'a>, &'a str)> {
        let store = source.store;
        store.prefixes().iter().filter_map(|prefix| Some((source.home(Some(prefix)), std::str::from_utf8(prefix).ok()?))).collect()
    };
    for (home, prefix) in sources.iter().flat_map(own) {
        if let Some(candidates) = clusters.get_mut(&home) {
            candidates.prefixes.insert(prefix);
        }
    }
    // What another cluster beside it has is not the cluster's own, though it may be so by default.
    for source in sources {
        let own = own(source);
        for (other, taken) in own.iter().filter(|(_, prefix)| PREFIXES_BY_DEFAULT.contains(prefix)) {
            for (home, _) in own.iter().filter(|(home, _)| home != other) {
                if let Some(candidates) = clusters.get_mut(home) {
                    candidates.prefixes.remove(taken);
                }
            }
        }
    }
}

/// The keys that stand nearest to a place in their order, the nearest first; the last is the first one's neighbour.
fn around<'k, 'a>(keys: &'k [&'a [u8]], key: &[u8]) -> impl Iterator<Item = &'a [u8]> + use<'k, 'a> {
    let (before, from) = keys.split_at(keys.partition_point(|known| *known < key));
    let mut behind = from.iter().chain(before);
    let mut ahead = before.iter().rev().chain(from.iter().rev());
    std::iter::repeat_n((), keys.len().div_ceil(2)).flat_map(move |()| [behind.next(), ahead.next()]).flatten().copied()
}

/// The key with each of its first parts taken for a prefix, and each known prefix in its place.
fn under_other_prefixes<'k>(key: &'k str, prefixes: &'k BTreeSet<&str>) -> impl Iterator<Item = String> + use<'k> {
    let rests = || key.match_indices('/').take(DEEPEST).filter_map(|(at, _)| key.get(at..));
    let renamed = prefixes.iter().flat_map(move |prefix| rests().map(move |rest| format!("{prefix}{rest}")));
    renamed.chain(rests().map(str::to_owned)).filter(move |candidate| candidate != key).take(TRIES_A_VALUE)
}
