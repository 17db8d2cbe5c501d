//! The proof: every value opened once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::contents::Contents;
use super::keyring::{Attempt, Opener, verdict_of};
use super::moved::{At, Failing, Search};
use super::needs::{Began, resource_of};
use super::same_value::{self, Comparison};
use super::wanted::Wanted;
use super::{Answer, Coverage, CoverageLine, Keyring, Move, Needs, Required, Requirement, SameValues, Source, Standing, Verdict};
use crate::envelope::open::DekSourceId;
use crate::envelope::{KeyIdentity, KeyPattern};
use crate::evidence::count::{Count, Values};
use crate::evidence::{EvidenceId, MemberId};
use crate::kms::WrappedDek;
use crate::kubernetes::{Encoding, Object};
use crate::row::{Retention, Scope, ValueRow};

/// Current values that are listed by name.
const LISTED: usize = 1_000;

/// What became of every value.
#[derive(Default)]
pub struct Proof {
    /// Per resource and key.
    pub coverage: Coverage,
    /// Values that were sealed for another storage key.
    pub moves: Vec<Move>,
    /// Current values that did not open, the first of them.
    pub unproven: Vec<Unproven>,
    /// Whether everything is under the required key.
    pub requirement: Requirement,
    /// Old plaintext against today's values.
    pub same_values: SameValues,
    /// Keys that opened something.
    pub opened_by: BTreeMap<KeyIdentity<'static>, Count<Values>>,
    /// Of several local keys of one name, each that opened something, as it is told from the others.
    pub told_apart: BTreeSet<(KeyIdentity<'static>, String)>,
    opened_others: BTreeSet<Opener>,
    /// Values that each DEK source has opened, copies too.
    opened_of: BTreeMap<DekSourceId, Count<Values>>,
    moved: BTreeMap<At, String>,
    /// Openings that were tried to find what moved: a measure of the work.
    tries: u64,
}

/// A current value that did not open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unproven {
    /// The evidence.
    pub evidence: EvidenceId,
    /// Its storage key.
    pub key: String,
    /// Why.
    pub answer: Answer,
    /// The key that it names.
    pub named: KeyIdentity<'static>,
}

/// What is counted together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line<'data> {
    is_leftover: bool,
    prefix: Option<&'data [u8]>,
    group_resource: String,
    key: KeyIdentity<'data>,
}

impl<'data> Line<'data> {
    fn of(row: &ValueRow<'data>, is_leftover: bool, group_resource: String, key: KeyIdentity<'data>) -> Self {
        Self { is_leftover, prefix: row.storage_key.as_ref().and_then(|key| key.prefix), group_resource, key }
    }

    fn covered(self, counts: BTreeMap<(Retention, Answer), Count<Values>>) -> CoverageLine {
        let Self { is_leftover, prefix, group_resource, key } = self;
        let prefix = prefix.map(|prefix| String::from_utf8_lossy(prefix).into_owned());
        CoverageLine { is_leftover, prefix, group_resource, key: key.owned(), counts }
    }
}

/// An answer, or what it depends on.
#[derive(Clone)]
enum Provisional {
    /// The answer.
    Known(Answer),
    /// A key did not open the value: whether it opens others is known at the end.
    Failed(Opener, Option<u64>),
}

/// A value that did not open, as it is counted.
struct Counted<'data> {
    opener: Opener,
    line: Line<'data>,
    retention: Retention,
    is_counted: bool,
}

/// What is collected while values are opened.
struct Gathering<'data> {
    answers: BTreeMap<Line<'data>, BTreeMap<(Retention, Answer), Count<Values>>>,
    /// Values whose tag or padding does not hold, until it is known what that means.
    failed: BTreeMap<(Line<'data>, Retention, Opener), Count<Values>>,
    failing: Failing<'data>,
    opened_others: BTreeSet<Opener>,
    opened_by: BTreeMap<KeyIdentity<'static>, Count<Values>>,
    told_apart: BTreeSet<(KeyIdentity<'static>, String)>,
    opened_of: BTreeMap<DekSourceId, Count<Values>>,
    moves: Vec<Move>,
    unproven: BTreeMap<(EvidenceId, &'data [u8]), (KeyIdentity<'static>, Provisional)>,
    requirement: Requirement,
    /// What is required of each resource that was seen.
    wanted: BTreeMap<String, Option<Wanted>>,
    /// Since when each required key writes.
    began: BTreeMap<KeyPattern, Began<'data>>,
    comparison: Comparison<'data>,
}

impl Proof {
    /// Opens every value in scope. `watched`: Secrets of which an older value can be read without a key, by group.
    pub fn of<'data>(
        sources: &[Source<'_, 'data>],
        scope: &Scope,
        keyring: &Keyring<'_>,
        required: Required<'_>,
        needs: &Needs<'data>,
        watched: impl IntoIterator<Item = (MemberId, &'data [u8])>,
    ) -> Self {
        let gathered = Mutex::new(Gathering {
            answers: BTreeMap::new(),
            failed: BTreeMap::new(),
            failing: Failing::default(),
            opened_others: BTreeSet::new(),
            opened_by: BTreeMap::new(),
            told_apart: BTreeSet::new(),
            opened_of: BTreeMap::new(),
            moves: Vec::new(),
            unproven: BTreeMap::new(),
            requirement: Requirement { is_refused: required.is_refused(), ..Requirement::default() },
            wanted: BTreeMap::new(),
            began: BTreeMap::new(),
            comparison: Comparison::of(watched),
        });
        for source in sources {
            source.each(scope, |row| {
                let attempt = row.envelope().is_some().then(|| keyring.attempt(row));
                let resource = resource_in_clear(row, attempt.as_ref());
                let mut gathering = lock(&gathered);
                gathering.require(source, row, &resource, attempt.as_ref(), required, keyring, needs);
                let wanted = gathering.comparison.wants(source.member, row);
                drop(gathering);
                let digests = match &attempt {
                    _ if !wanted => None,
                    Some(Attempt::Opened { plaintext, .. }) => same_value::digests(plaintext.as_ref()),
                    Some(_) => None,
                    None => row.plaintext().and_then(same_value::digests),
                };
                let mut gathering = lock(&gathered);
                if wanted {
                    gathering.comparison.add(source, row, digests);
                }
                if let Some(attempt) = attempt {
                    gathering.add(source, row, resource.into_owned(), attempt);
                }
            });
        }
        gathered.into_inner().unwrap_or_else(PoisonError::into_inner).finish(sources, keyring)
    }

    /// The verdict on one value; `None` for one that is not sealed.
    pub fn verdict(&self, keyring: &Keyring<'_>, evidence: EvidenceId, row: &ValueRow<'_>) -> Option<Verdict> {
        row.envelope()?;
        let attempt = keyring.attempt(row);
        let told_apart = attempt.told_apart().cloned();
        Some(match attempt {
            Attempt::Opened { contents, key, is_bound, .. } => Verdict { told_apart, ..verdict_of(&contents, key, is_bound, row) },
            Attempt::OpenedBefore { .. } => Verdict::of(Answer::OpenedBefore),
            Attempt::Not(answer) => Verdict::of(answer),
            Attempt::Failed { opener, .. } => match row.offset.and_then(|offset| self.moved.get(&(evidence, offset))) {
                Some(sealed_for) => Verdict { sealed_for: Some(sealed_for.clone()), ..Verdict::of(Answer::MovedCiphertext) },
                None => Verdict::of(meaning(&opener, &self.opened_others)),
            },
        })
    }

    /// Whether every value that needs a DEK source has opened, and is the object that its storage key names.
    pub fn has_opened_all(&self, source: &WrappedDek) -> bool {
        self.opened_of.get(&source.id) == Some(&source.values)
    }

    /// Openings that were tried to find the storage keys of what moved. It measures that work, which is bounded by the number of values
    /// and keys.
    pub fn tries(&self) -> u64 {
        self.tries
    }

    /// Values of this standing among those with this retention.
    pub fn count(&self, retention: Option<Retention>, standing: Standing) -> Count<Values> {
        self.coverage.count(|of, answer| retention.is_none_or(|wanted| wanted == of) && answer.standing() == standing)
    }
}

/// What it means that a key did not open a value.
fn meaning(opener: &Opener, opened_others: &BTreeSet<Opener>) -> Answer {
    match opener {
        Opener::Dek(_) if opened_others.contains(opener) => Answer::DamagedCiphertext,
        // A DEK is known by what it was wrapped as, a local key by nothing but its name, which another key may have.
        Opener::Local(..) if opened_others.contains(opener) => Answer::OtherKeyOrDamaged,
        // What is the only one of its DEK, or all that is, may have been altered; and a plugin may give any bytes for a DEK.
        Opener::Dek(_) => Answer::DamagedOrOtherDek,
        Opener::Local(..) => Answer::WrongKey,
    }
}

/// The resource of a value: that of its key or, where the key names no group, what the opened object says; empty where the key is
/// no object's.
fn resource_in_clear<'a>(row: &'a ValueRow<'_>, attempt: Option<&Attempt>) -> Cow<'a, str> {
    let Some(key) = row.storage_key.as_ref() else { return Cow::Borrowed("") };
    if let (true, Some(Attempt::Opened { plaintext, .. })) = (key.group_resource.is_without_group(), attempt)
        && let Some(encoding) = Encoding::of(plaintext.as_ref())
        && let Ok(object) = Object::read(plaintext.as_ref(), encoding)
    {
        return Cow::Owned(key.group_resource.clone().with_group_of(&object.api_version).0.into_owned());
    }
    Cow::Borrowed(resource_of(row))
}

fn lock<'a, T>(mutex: &'a Mutex<T>) -> std::sync::MutexGuard<'a, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'data> Gathering<'data> {
    /// Holds a value to what is required of its resource.
    #[expect(clippy::too_many_arguments, reason = "what a value is held to, and what is known of it")]
    fn require(
        &mut self,
        source: &Source<'_, 'data>,
        row: &ValueRow<'data>,
        resource: &str,
        attempt: Option<&Attempt>,
        required: Required<'_>,
        keyring: &Keyring<'_>,
        needs: &Needs<'data>,
    ) {
        if !self.wanted.contains_key(resource) {
            self.wanted.insert(resource.to_owned(), required.of(resource, keyring, needs));
        }
        if let Some(Some(wanted)) = self.wanted.get(resource) {
            let key = wanted.key();
            if let Some(key) = key.filter(|key| !self.began.contains_key(*key)) {
                self.began.insert(key.clone(), needs.began(key));
            }
            let began = key.and_then(|key| self.began.get(key));
            self.requirement.see(source, row, resource, attempt, wanted, began);
        }
    }

    fn add(&mut self, source: &Source<'_, 'data>, row: &ValueRow<'data>, resource: String, attempt: Attempt) {
        let Some(envelope) = row.envelope() else { return };
        let evidence = source.id;
        let line = Line::of(row, source.is_leftover(), resource, envelope.key());
        let is_counted = row.is_counted();
        let told_apart = attempt.told_apart().cloned();
        let answer = match attempt {
            Attempt::OpenedBefore { .. } => Provisional::Known(Answer::OpenedBefore),
            Attempt::Not(answer) => Provisional::Known(answer),
            Attempt::Opened { opener, key, contents, is_bound, .. } => {
                self.told_apart.extend(told_apart.map(|told_apart| (key.clone(), told_apart)));
                let verdict = verdict_of(&contents, key.clone(), is_bound, row);
                if let (Opener::Dek(id), Answer::Opened) = (&opener, verdict.answer) {
                    self.opened_of.entry(id.clone()).or_default().add_one();
                }
                self.opened_others.insert(opener);
                if is_counted {
                    self.opened_by.entry(key.clone()).or_default().add_one();
                }
                if let (Answer::MovedCiphertext, Some(offset), Some(sealed_for), Ok(own)) =
                    (verdict.answer, row.offset, verdict.sealed_for, std::str::from_utf8(row.key))
                {
                    self.moves.push(Move { evidence, offset, key: own.to_owned(), sealed_for, opened_by: key });
                }
                debug_assert!(contents != Contents::Named || verdict.answer == Answer::Opened);
                Provisional::Known(verdict.answer)
            }
            Attempt::Failed { opener, is_bound } => {
                if is_bound {
                    self.failing.add(&opener, evidence, row);
                }
                Provisional::Failed(opener, row.offset)
            }
        };
        let is_current = row.retention == Retention::Current && !source.is_leftover();
        if is_current && !matches!(answer, Provisional::Known(answer) if answer.standing().is_or_was_opened()) {
            self.unproven.insert((evidence, row.key), (line.key.owned(), answer.clone()));
            if self.unproven.len() > LISTED {
                self.unproven.pop_last();
            }
        }
        if !is_counted {
            return;
        }
        let count = match answer {
            Provisional::Known(answer) => self.answers.entry(line).or_default().entry((row.retention, answer)).or_default(),
            Provisional::Failed(opener, _) => self.failed.entry((line, row.retention, opener)).or_default(),
        };
        count.add_one();
    }

    fn finish(mut self, sources: &[Source<'_, 'data>], keyring: &Keyring<'_>) -> Proof {
        // Which of the failing values count: copies are searched for, but not counted.
        let counted = self.failing.counted(sources);
        let Search { moves: found, tries } = self.failing.search(sources, keyring, &self.opened_others);
        let of = |found: &Move| counted.get(&(found.evidence, found.offset));
        // What opens under another storage key is proof of the key as well.
        self.opened_others.extend(found.iter().filter_map(of).map(|counted| counted.opener.clone()));
        self.answer_failed(found.iter().filter_map(of).filter(|counted| counted.is_counted));
        let moved: BTreeMap<At, String> = found.iter().map(|found| ((found.evidence, found.offset), found.sealed_for.clone())).collect();
        let unproven = self.unproven(&moved);
        self.moves.extend(found);
        self.moves.sort();
        let lines: Vec<CoverageLine> = self.answers.into_iter().map(|(line, counts)| line.covered(counts)).collect();
        let is_meant = |resource: &str| self.wanted.get(resource).and_then(Option::as_ref).is_some_and(|wanted| wanted.is_meant);
        let encrypted: BTreeSet<&str> = lines.iter().map(|line| line.group_resource.as_str()).collect();
        self.requirement.settle();
        self.requirement.keep_resources(|resource| is_meant(resource) || encrypted.contains(resource));
        Proof {
            coverage: Coverage { lines },
            moves: self.moves,
            unproven,
            requirement: self.requirement,
            same_values: self.comparison.finish(),
            opened_by: self.opened_by,
            told_apart: self.told_apart,
            opened_others: self.opened_others,
            opened_of: self.opened_of,
            moved,
            tries,
        }
    }

    /// Gives the values that a key did not open their answers, of which these moved.
    fn answer_failed<'c>(&mut self, moved: impl Iterator<Item = &'c Counted<'data>>)
    where
        'data: 'c,
    {
        let mut moved_counts: BTreeMap<(Line<'data>, Retention, Opener), Count<Values>> = BTreeMap::new();
        for Counted { opener, line, retention, .. } in moved {
            moved_counts.entry((line.clone(), *retention, opener.clone())).or_default().add_one();
        }
        for ((line, retention, opener), count) in std::mem::take(&mut self.failed) {
            let moved = moved_counts.get(&(line.clone(), retention, opener.clone())).copied().unwrap_or_default();
            let counts = self.answers.entry(line).or_default();
            for (answer, more) in [(Answer::MovedCiphertext, moved), (meaning(&opener, &self.opened_others), count.without(moved))] {
                if more > 0 {
                    counts.entry((retention, answer)).or_default().add(more);
                }
            }
        }
    }

    /// The current values that did not open, each with what became of it.
    fn unproven(&mut self, moved: &BTreeMap<At, String>) -> Vec<Unproven> {
        let unproven = std::mem::take(&mut self.unproven).into_iter().map(|((evidence, key), (named, answer))| {
            let answer = match answer {
                Provisional::Known(answer) => answer,
                Provisional::Failed(_, Some(offset)) if moved.contains_key(&(evidence, offset)) => Answer::MovedCiphertext,
                Provisional::Failed(opener, _) => meaning(&opener, &self.opened_others),
            };
            Unproven { evidence, key: String::from_utf8_lossy(key).into_owned(), answer, named }
        });
        unproven.collect()
    }
}

impl<'data> Failing<'data> {
    /// Each value as it is counted.
    fn counted(&self, sources: &[Source<'_, 'data>]) -> BTreeMap<At, Counted<'data>> {
        let leftovers: BTreeSet<EvidenceId> = sources.iter().filter(|source| source.is_leftover()).map(|source| source.id).collect();
        let counted = self.values().filter_map(|(opener, at, row)| {
            let identity = row.envelope()?.key();
            let line = Line::of(row, leftovers.contains(&at.0), resource_of(row).to_owned(), identity);
            Some((at, Counted { opener: opener.clone(), line, retention: row.retention, is_counted: !row.is_duplicate }))
        });
        counted.collect()
    }
}
