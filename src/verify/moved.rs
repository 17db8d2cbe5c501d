//! Moved ciphertext: a value whose key opens others and not it may have been sealed for another storage key. That is the trace of
//! a swap, or of a restore under another prefix.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::keyring::{Attempt, Opener};
use super::{Keyring, Source};
use crate::envelope::KeyIdentity;
use crate::evidence::EvidenceId;
use crate::row::{Resources, Scope, ValueRow};

/// Most openings that a search tries in all.
const TRIES: usize = 4_000_000;
/// Most values of one key that are searched for.
const VALUES: usize = 1_000;
/// Prefixes that API servers have by default.
const PREFIXES: [&str; 3] = ["/registry", "/kubernetes.io", "/openshift.io"];
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
pub(super) struct Failing<'data>(BTreeMap<Opener, BTreeMap<At, Closed<'data>>>);

/// A value that did not open.
pub(super) struct Closed<'data> {
    pub row: ValueRow<'data>,
}

impl<'data> Failing<'data> {
    /// Remembers a value; of one key the first ones.
    pub(super) fn add(&mut self, opener: &Opener, evidence: EvidenceId, row: &ValueRow<'data>) {
        let Some(offset) = row.offset else { return };
        let values = match self.0.get_mut(opener) {
            Some(values) => values,
            None => self.0.entry(opener.clone()).or_default(),
        };
        values.insert((evidence, offset), Closed { row: row.clone() });
        if values.len() > VALUES {
            values.pop_last();
        }
    }

    /// Every value with the key that was tried, and where it stands.
    pub(super) fn values(&self) -> impl Iterator<Item = (&Opener, At, &ValueRow<'data>)> {
        self.0.iter().flat_map(|(opener, values)| values.iter().map(move |(at, closed)| (opener, *at, &closed.row)))
    }

    /// Tries the values under other storage keys. A key that opened nothing so far is tried with other prefixes only.
    pub(super) fn search(self, sources: &[Source<'_, 'data>], keyring: &Keyring<'_>, opened_others: &BTreeSet<Opener>) -> Vec<Move> {
        let failing: Vec<_> =
            self.0.into_iter().flat_map(|(opener, values)| values.into_iter().map(move |v| (opener.clone(), v))).collect();
        if failing.is_empty() {
            return Vec::new();
        }
        let keys = storage_keys(sources);
        let prefixes: BTreeSet<&str> = sources
            .iter()
            .flat_map(|source| source.store.prefixes().iter())
            .filter_map(|prefix| std::str::from_utf8(prefix).ok())
            .chain(PREFIXES)
            .collect();
        let most = TRIES.checked_div(failing.len()).unwrap_or(0).min(keys.len());
        let searched = failing.par_iter().filter_map(|(opener, ((evidence, offset), Closed { row }))| {
            let is_the_key = opened_others.contains(opener) || matches!(opener, Opener::Dek(_));
            let others = keys.get(..most).filter(|_| is_the_key).unwrap_or_default();
            let own = std::str::from_utf8(row.key).ok()?;
            let renamed = under_other_prefixes(own, &prefixes);
            let fits = |candidate: &[u8]| match keyring.attempt_as(row, candidate) {
                Attempt::Opened { key, is_bound: true, .. } => Some((String::from_utf8_lossy(candidate).into_owned(), key)),
                _ => None,
            };
            let (sealed_for, opened_by) =
                renamed.iter().find_map(|key| fits(key.as_bytes())).or_else(|| others.iter().find_map(|key| fits(key)))?;
            Some(Move { evidence: *evidence, offset: *offset, key: own.to_owned(), sealed_for, opened_by })
        });
        let mut moves: Vec<Move> = searched.collect();
        moves.sort();
        moves
    }
}

/// Every storage key that any value stands under.
fn storage_keys<'data>(sources: &[Source<'_, 'data>]) -> Vec<&'data [u8]> {
    let everything = Scope { resources: Resources::All, ..Scope::default() };
    let keys = Mutex::new(BTreeSet::new());
    for source in sources {
        source.each(&everything, |row| {
            keys.lock().unwrap_or_else(PoisonError::into_inner).insert(row.key);
        });
    }
    keys.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

/// The key with each of its first parts taken for a prefix, and each known prefix in its place.
fn under_other_prefixes(key: &str, prefixes: &BTreeSet<&str>) -> Vec<String> {
    let rests: Vec<&str> = key.match_indices('/').take(DEEPEST).filter_map(|(at, _)| key.get(at..)).collect();
    let renamed = prefixes.iter().flat_map(|prefix| rests.iter().map(move |rest| format!("{prefix}{rest}")));
    renamed.chain(rests.iter().map(|rest| (*rest).to_owned())).filter(|candidate| candidate != key).collect()
}
