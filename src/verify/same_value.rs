//! Same value? An old plaintext and today's value, compared per data key where both can be read.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::Source;
use crate::evidence::MemberId;
use crate::evidence::count::{Count, Secrets};
use crate::kubernetes::{Encoding, each_data_item};
use crate::row::{Form, Retention, ValueRow};

/// How an old plaintext of a Secret stands to today's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SameValue {
    /// These data keys still have a value that can be read without a key.
    Same(BTreeSet<String>),
    /// None of the values that can be read is today's.
    Changed,
    /// One of the two cannot be read.
    NotComparable,
}

/// Secrets that exist, are encrypted now, and of which an older value can be read without a key.
#[derive(Clone, Debug, Default)]
pub struct SameValues {
    /// By member and storage key.
    pub secrets: BTreeMap<(MemberId, Vec<u8>), SameValue>,
}

impl SameValues {
    /// How many are the same, changed, and not comparable.
    pub fn counts(&self) -> (Count<Secrets>, Count<Secrets>, Count<Secrets>) {
        let count = |fits: fn(&SameValue) -> bool| Count::of_len(self.secrets.values().filter(|same| fits(same)).count());
        (
            count(|same| matches!(same, SameValue::Same(_))),
            count(|same| *same == SameValue::Changed),
            count(|same| *same == SameValue::NotComparable),
        )
    }
}

/// Digests of a Secret's data by name. They stay in memory, and are wiped.
type Digests = BTreeMap<String, Zeroizing<[u8; 32]>>;

/// Collects both sides.
#[derive(Default)]
pub(super) struct Comparison<'data> {
    watched: BTreeMap<(MemberId, &'data [u8]), Sides>,
}

#[derive(Default)]
struct Sides {
    today: Option<Digests>,
    old: Vec<Digests>,
    is_incomplete: bool,
}

impl<'data> Comparison<'data> {
    /// Watches these Secrets.
    pub(super) fn of(watched: impl IntoIterator<Item = (MemberId, &'data [u8])>) -> Self {
        Self { watched: watched.into_iter().map(|secret| (secret, Sides::default())).collect() }
    }

    /// Whether a value of this Secret is wanted.
    pub(super) fn wants(&self, member: MemberId, row: &ValueRow<'data>) -> bool {
        !row.is_duplicate && self.watched.contains_key(&(member, row.key))
    }

    /// Takes a value: today's, opened where it was sealed, or an older one that was stored in plaintext. What is current in a file
    /// that was left behind is not today's.
    pub(super) fn add(&mut self, source: &Source<'_, 'data>, row: &ValueRow<'data>, digests: Option<Digests>) {
        let member = source.member;
        let Some(sides) = self.watched.get_mut(&(member, row.key)) else { return };
        match (row.retention, digests) {
            (Retention::Current, digests) if !source.is_leftover() => sides.today = digests,
            // What the database is not known to have is not older than what it has.
            _ if row.is_ahead() => {}
            (_, Some(digests)) if row.form() == Form::Plaintext && !row.is_fragment() => sides.old.push(digests),
            (_, _) if row.form() == Form::Plaintext => sides.is_incomplete = true,
            (_, _) => {}
        }
    }

    pub(super) fn finish(self) -> SameValues {
        let compare = |sides: &Sides| {
            let Some(today) = &sides.today else { return SameValue::NotComparable };
            let is_still = |(name, digest): &(&String, &Zeroizing<[u8; 32]>)| sides.old.iter().any(|old| old.get(*name) == Some(*digest));
            let same: BTreeSet<String> = today.iter().filter(is_still).map(|(name, _)| name.clone()).collect();
            match same.is_empty() {
                false => SameValue::Same(same),
                // What is only there in pieces may hold today's value.
                true if sides.is_incomplete => SameValue::NotComparable,
                true => SameValue::Changed,
            }
        };
        // Of some no older value turned up: what can be read of them is not older.
        let has_older = |(_, sides): &(&(MemberId, &[u8]), &Sides)| !sides.old.is_empty() || sides.is_incomplete;
        let compared = self.watched.iter().filter(has_older).map(|((member, key), sides)| ((*member, key.to_vec()), compare(sides)));
        SameValues { secrets: compared.collect() }
    }
}

/// Digests of a Secret's data; `None` where it is none. Empty values are left out: all of them are the same.
pub(super) fn digests(plaintext: &[u8]) -> Option<Digests> {
    let encoding = Encoding::of(plaintext)?;
    let mut digests = Digests::new();
    each_data_item(plaintext, encoding, |name, value| {
        if !value.is_empty() {
            digests.insert(name.to_owned(), Zeroizing::new(Sha256::digest(value).into()));
        }
    })?;
    Some(digests)
}
