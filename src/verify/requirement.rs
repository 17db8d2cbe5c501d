//! Re-encryption: is everything as the configuration requires it, and what is left?

use std::collections::{BTreeMap, BTreeSet};

use super::Source;
use super::keyring::Attempt;
use super::needs::{Began, LastWrite, Order, prefix_of, resource_of};
use super::under::Under;
use super::wanted::{State, Wanted};
use super::which_key::same_key;
use crate::envelope::KeyIdentity;
use crate::evidence::count::{Count, Values};
use crate::evidence::{EvidenceId, MemberId};
use crate::kubernetes::StorageKey;
use crate::row::{Api, Form, Place, Retention, ValueRow};

/// What the values say about the requirement.
#[derive(Clone, Debug, Default)]
pub struct Requirement {
    /// Every state that is required of a value that was seen, each with its resources and how many of their current values are so.
    pub required: BTreeMap<State, BTreeMap<String, Count<Values>>>,
    /// Current values that are not so, or of which that is not proved.
    pub left: BTreeMap<Left, Count<Values>>,
    /// The same in files that were left behind: they are not what the member has now.
    pub in_leftovers: BTreeMap<Left, Count<Values>>,
    /// What is required stands in a configuration that no API server takes: what one writes with it is not known.
    pub is_refused: bool,
    /// Of configurations that require different states: how many current values are left by each, by its number and, where it is one of
    /// several local keys of a name, by the number of the key among them.
    pub left_by: BTreeMap<(usize, Option<usize>), Count<Values>>,
    /// Of the current values that are so, those that only name the key: nobody could open them.
    pub by_name: Count<Values>,
    /// Those of which a ledger says it: an earlier run has opened them.
    pub by_ledger: Count<Values>,
    /// Values written under another key after the required one began: by prefix and that key, how many, the first and the last revision.
    pub late: BTreeMap<Late, (Count<Values>, u64, u64)>,
    /// Current values that are as required, by the key that the KMS says it used: under one name there may be several.
    pub(super) used: BTreeMap<State, BTreeMap<String, BTreeMap<Left, Count<Values>>>>,
    /// Of those, what a ledger says.
    pub(super) used_before: BTreeMap<State, Count<Values>>,
    /// The last write under a state in each order of writes, by the key that the KMS says it used, whatever became of that write.
    pub(super) last_used: BTreeMap<State, BTreeMap<Order, LastWrite<String>>>,
    /// Keys of which it is not known what they have now, by member: a key has one value that is current, however many writes of it a log
    /// has.
    pub(super) not_applied: BTreeMap<(MemberId, Api, Vec<u8>), Left>,
}

/// Whose values were written late: of which evidence, below which prefix, under which key; `None`: in plaintext.
pub type Late = (EvidenceId, Option<String>, Option<KeyIdentity<'static>>);

/// Current values that are left.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// The evidence.
    pub evidence: EvidenceId,
    /// The resource.
    pub group_resource: String,
    /// The prefix of its API server; bytes that are no text are replaced.
    pub prefix: Option<String>,
    /// The namespace; `None` where the resource has none.
    pub namespace: Option<String>,
    /// What they are under.
    pub under: Under,
}

impl Left {
    fn of(evidence: EvidenceId, group_resource: &str, key: &StorageKey<'_>, under: Under) -> Self {
        let namespace = key.namespace.map(str::to_owned);
        let prefix = key.prefix.map(|prefix| String::from_utf8_lossy(prefix).into_owned());
        Self { evidence, group_resource: group_resource.to_owned(), prefix, namespace, under }
    }
}

impl Requirement {
    /// Looks at a value. `group_resource`: its own, where the object says it; `began`: since when the required key writes.
    pub(super) fn see(
        &mut self,
        source: &Source<'_, '_>,
        row: &ValueRow<'_>,
        group_resource: &str,
        attempt: Option<&Attempt>,
        wanted: &Wanted,
        began: Option<&Began<'_>>,
    ) {
        self.see_last(source, row, attempt, wanted);
        let is_retained =
            row.place == Place::Tree && row.retention.is_retained() && (source.is_leftover() || row.retention != Retention::Deleted);
        let is_of_log = row.retention == Retention::Log && row.may_be_current();
        let Some(storage_key) = row.storage_key.as_ref().filter(|_| is_retained || is_of_log) else { return };
        let is_current = row.retention == Retention::Current;
        if storage_key.prefix.is_none() {
            self.see_out_of_reach(source, row, Left::of(source.id, group_resource, storage_key, Under::OutOfReach), wanted);
            return;
        }
        let under = self.other_than(wanted, row, attempt, is_current && !source.is_leftover());
        if !source.is_leftover() {
            for (_, other) in &wanted.others {
                self.required.entry(other.state.clone()).or_default().entry(group_resource.to_owned()).or_default();
            }
            let met = self.required.entry(wanted.first.state.clone()).or_default().entry(group_resource.to_owned()).or_default();
            met.add_if(is_current && under.is_none());
            match attempt {
                None | Some(Attempt::Opened { .. }) => {}
                Some(Attempt::OpenedBefore { .. }) => self.by_ledger.add_if(is_current && under.is_none()),
                Some(Attempt::Failed { .. } | Attempt::Not(_)) => self.by_name.add_if(is_current && under.is_none()),
            }
        }
        if is_current && under.is_none() && !source.is_leftover() && wanted.is_any_of_name() {
            self.see_used(Left::of(source.id, group_resource, storage_key, Under::NotKnown), row, attempt, wanted);
        }
        // What is named so began with the others of that name, whatever key the name meant then.
        let is_named_so = || row.envelope().is_some_and(|envelope| wanted.key().is_some_and(|key| key.matches(&envelope.key())));
        if let Some(under) = under.as_ref().filter(|_| is_retained && !source.is_leftover() && wanted.is_meant && !is_named_so()) {
            self.see_late(source.id, row, under, began);
        }
        // Nothing in what was left behind is current, and all that is retained in it can be read there.
        let left = match row.retention {
            _ if source.is_leftover() => under.filter(|_| is_retained),
            Retention::Current => under,
            // What the log makes of it need not be under the same key.
            Retention::Newest => Some(Under::NotApplied),
            _ => under.filter(|_| is_of_log).map(|_| Under::NotApplied),
        };
        if let Some(under) = left {
            let left = Left::of(source.id, group_resource, storage_key, under);
            match left.under {
                _ if source.is_leftover() => self.in_leftovers.entry(left).or_default().add_one(),
                Under::NotApplied => self.see_not_applied((source.member, row.api, row.key.to_vec()), left),
                _ => self.left.entry(left).or_default().add_one(),
            }
        }
    }

    /// What stands under a foreign key no API server writes: nothing is required of it. But a Secret in clear is not what was asked for.
    fn see_out_of_reach(&mut self, source: &Source<'_, '_>, row: &ValueRow<'_>, left: Left, wanted: &Wanted) {
        let is_in_clear = row.is_secret() && row.form() == Form::Plaintext && wanted.first.state != State::Plaintext;
        if !is_in_clear || source.is_leftover() {
            return;
        }
        self.required.entry(wanted.first.state.clone()).or_default().entry(left.group_resource.clone()).or_default();
        match row.retention {
            Retention::Current => self.left.entry(left).or_default().add_one(),
            Retention::Newest | Retention::Log => {
                self.see_not_applied((source.member, row.api, row.key.to_vec()), Left { under: Under::NotApplied, ..left });
            }
            Retention::Superseded | Retention::Deleted | Retention::Residue => {}
        }
    }

    /// Notes a key of which it is not known what it has now: in whichever order its writes are seen, by the first of them.
    fn see_not_applied(&mut self, key: (MemberId, Api, Vec<u8>), left: Left) {
        let known = self.not_applied.entry(key).or_insert_with(|| left.clone());
        if left < *known {
            *known = left;
        }
    }

    /// Notes which key a KMS used for a value that is as required.
    fn see_used(&mut self, left: Left, row: &ValueRow<'_>, attempt: Option<&Attempt>, wanted: &Wanted) {
        if let (Some(used), Some(envelope)) = (attempt.and_then(Attempt::used), row.envelope()) {
            let left = Left { under: Under::OneOfSeveral(envelope.key().owned()), ..left };
            let by_key = self.used.entry(wanted.first.state.clone()).or_default();
            by_key.entry(same_key(used).to_owned()).or_default().entry(left).or_default().add_one();
            let is_before = matches!(attempt, Some(Attempt::OpenedBefore { .. }));
            self.used_before.entry(wanted.first.state.clone()).or_default().add_if(is_before);
        }
    }

    /// Notes which key a KMS used for the last write of a provider that names none.
    fn see_last(&mut self, source: &Source<'_, '_>, row: &ValueRow<'_>, attempt: Option<&Attempt>, wanted: &Wanted) {
        let is_named_so = || row.envelope().is_some_and(|envelope| wanted.key().is_some_and(|key| key.matches(&envelope.key())));
        if let Some(used) = attempt.and_then(Attempt::used).filter(|_| wanted.is_any_of_name() && is_named_so())
            && let Some((order, at)) = Order::of(source, row)
        {
            let of_state = self.last_used.entry(wanted.first.state.clone()).or_default();
            of_state.entry(order).or_default().note(at, same_key(used).to_owned());
        }
    }

    /// Counts keys of which it is not known what they have now, once all of their writes were seen; and where one name stands for several
    /// keys of a KMS, the values under it: it is not known which of them is written with now.
    pub(super) fn settle(&mut self) {
        let last_used = std::mem::take(&mut self.last_used);
        let is_several = |state: &State, by_key: &BTreeMap<String, _>| {
            let last = last_used.get(state).into_iter().flat_map(BTreeMap::values).flat_map(|last| &last.under);
            by_key.keys().chain(last).collect::<BTreeSet<_>>().len() > 1
        };
        for (state, by_key) in std::mem::take(&mut self.used).into_iter().filter(|(state, by_key)| is_several(state, by_key)) {
            self.by_ledger = self.by_ledger.without(self.used_before.get(&state).copied().unwrap_or_default());
            for (left, count) in by_key.into_values().flatten() {
                if let Some(met) = self.required.get_mut(&state).and_then(|met| met.get_mut(&left.group_resource)) {
                    *met = met.without(count);
                }
                self.left.entry(left).or_default().add(count);
            }
        }
        for left in std::mem::take(&mut self.not_applied).into_values() {
            self.left.entry(left).or_default().add_one();
        }
    }

    /// What a value is under, where that is not what is wanted, or where it is not known: by every configuration.
    fn other_than(&mut self, wanted: &Wanted, row: &ValueRow<'_>, attempt: Option<&Attempt>, is_counted: bool) -> Option<Under> {
        let first = wanted.first.other_than(row, attempt);
        if wanted.others.is_empty() {
            return first;
        }
        let others = wanted.others.iter().map(|(at, other)| ((*at, other.number), other.other_than(row, attempt)));
        let unders: Vec<_> = std::iter::once(((wanted.number, wanted.first.number), first)).chain(others).collect();
        for (at, under) in &unders {
            self.left_by.entry(*at).or_default().add_if(is_counted && under.as_ref().is_some_and(Under::is_otherwise));
        }
        match unders.iter().filter(|(_, under)| under.is_none()).count() {
            0 => unders.into_iter().find_map(|(_, under)| under),
            met if met == unders.len() => None,
            _ => Some(Under::Disputed(attempt.and_then(Attempt::told_apart).cloned())),
        }
    }

    /// Whether configurations that require different states leave values each: whichever of them is in force, not all is done.
    pub fn is_left_by_each(&self) -> bool {
        !self.left_by.is_empty() && self.left_by.values().all(|count| *count > 0)
    }

    /// Current values of which one of the configurations that were given requires what they are, and another one does not.
    pub fn disputed(&self) -> Count<Values> {
        self.count(|under| matches!(under, Under::Disputed(_)))
    }

    /// Notes what was written otherwise after the required key began to write.
    fn see_late(&mut self, evidence: EvidenceId, row: &ValueRow<'_>, under: &Under, began: Option<&Began<'_>>) {
        let other = match under {
            Under::Plaintext => None,
            Under::Key(other) => Some(other.clone()),
            Under::SameName(_)
            | Under::NotOpened(_)
            | Under::OneOfSeveral(_)
            | Under::NotTold(_)
            | Under::NotNamed(_)
            | Under::OutOfReach
            | Under::Disputed(_)
            | Under::NotApplied
            | Under::NotKnown => return,
        };
        let began = began.and_then(|began| began.get(&(evidence, prefix_of(row), resource_of(row).to_owned()))).copied();
        if let (Some(began), Some(revision)) = (began, row.written.main)
            && revision > began
        {
            let prefix = row.storage_key.as_ref().and_then(|key| key.prefix).map(|prefix| String::from_utf8_lossy(prefix).into_owned());
            let (count, first, last) = self.late.entry((evidence, prefix, other)).or_insert((Count::ZERO, revision, revision));
            count.add_one();
            (*first, *last) = (revision.min(*first), revision.max(*last));
        }
    }

    fn count(&self, fits: impl Fn(&Under) -> bool) -> Count<Values> {
        self.left.iter().filter(|(left, _)| fits(&left.under)).map(|(_, count)| *count).sum()
    }

    /// Current values that are provably stored otherwise.
    pub fn left(&self) -> Count<Values> {
        self.count(Under::is_otherwise)
    }

    /// Current values that name the required key and provably do not open with it.
    pub fn not_opened(&self) -> Count<Values> {
        self.count(|under| matches!(under, Under::NotOpened(_)))
    }

    /// Values that are current, or the current ones of keys of which it is not known what they have now, of which it is not known whether
    /// they are as required.
    pub fn not_known(&self) -> Count<Values> {
        self.count(|under| {
            matches!(under, Under::NotApplied | Under::NotKnown | Under::Disputed(_) | Under::OneOfSeveral(_) | Under::NotTold(_))
        })
    }

    /// Those of them that are under one of several keys of the required provider.
    pub fn one_of_several(&self) -> Count<Values> {
        self.count(|under| matches!(under, Under::OneOfSeveral(_)))
    }

    /// Those of them of which who could say under which key they are to be, or are, did not say it.
    pub fn not_told(&self) -> Count<Values> {
        self.count(|under| matches!(under, Under::NotTold(_)))
    }

    /// Those of them that a log that was not applied writes or deletes, or may.
    pub fn not_applied(&self) -> Count<Values> {
        self.count(|under| matches!(under, Under::NotApplied))
    }

    /// Current Secrets in plaintext that no API server writes, and so none rewrites.
    pub fn out_of_reach(&self) -> Count<Values> {
        self.count(|under| matches!(under, Under::OutOfReach))
    }

    /// Current values that are as required.
    pub fn met(&self) -> Count<Values> {
        self.required.values().flat_map(BTreeMap::values).copied().sum()
    }

    /// Forgets resources of which no value at all is encrypted and that nobody meant.
    pub(super) fn keep_resources(&mut self, is_meant: impl Fn(&str) -> bool) {
        self.left.retain(|left, _| is_meant(&left.group_resource));
        self.in_leftovers.retain(|left, _| is_meant(&left.group_resource));
        for resources in self.required.values_mut() {
            resources.retain(|resource, _| is_meant(resource));
        }
        self.required.retain(|_, resources| !resources.is_empty());
    }
}
