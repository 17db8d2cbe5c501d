//! One object's values, shown on purpose.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::calls::Calls;
use super::member::ReadMember;
use super::rows::cluster_of;
use super::run::Run;
use super::{Holders, ObjectQuestion, Reveal, RunError};
use crate::collect::Collector;
use crate::envelope::open::Plaintext;
use crate::evidence::words::path_text;
use crate::evidence::{EvidenceId, MemberId};
use crate::kubernetes::Encoding;
use crate::report::Revealed;
use crate::row::{Extent, Form, ObjectName, Row, ValueRow};
use crate::verify::{Answer, Keyring, Needs, Source};

/// Names that are offered instead of one of which there is no object.
const NEAR_NAMES: usize = 5;

/// A value of the object that was asked for.
struct Candidate<'data> {
    evidence: EvidenceId,
    whose: Whose,
    value: Box<ValueRow<'data>>,
}

/// Whose an object is: the cluster's of this UID, or where none can be read, that of whatever the member holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    Cluster(String),
    Member(MemberId),
}

impl Whose {
    /// What is under a key that is no API server's is the cluster's all the same, where the etcd has one alone.
    fn of<'data>(source: &Source<'_, 'data>, row: &Row<'data>) -> Self {
        let of_etcd = || source.clusters?.sole()?.uid();
        let uid = cluster_of(source.clusters, row).or_else(of_etcd);
        uid.map_or(Self::Member(source.member), |uid| Self::Cluster(uid.to_owned()))
    }
}

impl Run<'_> {
    /// Whether a name means several objects of a member, each below another prefix; their whole keys are noted.
    pub(super) fn note_namesakes(&mut self, member: &ReadMember<'_>, name: ObjectName<'_>) -> bool {
        if member.evidences.iter().all(|evidence| evidence.store.prefixes().iter().nth(1).is_none()) {
            return false;
        }
        let keys = Mutex::new(BTreeSet::new());
        for evidence in &member.evidences {
            let prefixes = evidence.store.prefixes();
            Collector::new(&*evidence.store, &self.plan.scope).each(|row| {
                if name.is_of(row.key(), prefixes) {
                    keys.lock().unwrap_or_else(PoisonError::into_inner).insert(row.key());
                }
            });
        }
        let keys = keys.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_ambiguous = keys.len() > 1;
        if is_ambiguous {
            let known: BTreeSet<String> = self.report.namesakes.drain(..).chain(texts(keys)).collect();
            self.report.namesakes = known.into_iter().collect();
        }
        is_ambiguous
    }

    /// Notes names that are like one of which there is no object.
    pub(super) fn note_near_names(&mut self, member: &ReadMember<'_>, name: ObjectName<'_>) {
        let near = Mutex::new(std::mem::take(&mut self.report.near_names));
        for evidence in &member.evidences {
            let prefixes = evidence.store.prefixes();
            Collector::new(&*evidence.store, &self.plan.scope).each(|row| {
                if let Some(like) = name.like(row.key(), prefixes) {
                    let mut near = near.lock().unwrap_or_else(PoisonError::into_inner);
                    near.insert(like);
                    if near.len() > NEAR_NAMES {
                        near.pop_last();
                    }
                }
            });
        }
        self.report.near_names = near.into_inner().unwrap_or_else(PoisonError::into_inner);
    }

    /// Reveals the newest revision that can be read, or the one that was asked for, to whoever writes the answer.
    pub(super) fn reveal(&mut self, members: &mut [ReadMember<'_>], question: ObjectQuestion<'_>) -> Result<(), RunError> {
        let ObjectQuestion { object, reveal } = question;
        let Some(Reveal { revision, mut holders }) = reveal else { return Ok(()) };
        let scope = &self.plan.scope;
        let name = ObjectName::parse(&object);
        let found = Mutex::new(Vec::<Candidate<'_>>::new());
        let reports = self.count_all(members, |source| {
            Collector::new(source.store, scope).each(|row| {
                if let (Row::Value(value), true) = (row, name.is_of(row.key(), source.store.prefixes())) {
                    let candidate = Candidate { evidence: source.id, whose: Whose::of(source, row), value: value.clone() };
                    found.lock().unwrap_or_else(PoisonError::into_inner).push(candidate);
                }
            })
        })?;
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.sort_by_key(|Candidate { evidence, value, .. }| (value.written.main, value.written.sub, *evidence, value.offset));
        for report in reports {
            self.tell_member(report)?;
        }
        self.matches = found.len() as u64;
        // An object is a key of a cluster: the same key elsewhere is another one's, or may be.
        let objects: BTreeSet<(&[u8], &Whose)> = found.iter().map(|one| (one.value.key, &one.whose)).collect();
        let keys: BTreeSet<&[u8]> = objects.iter().map(|(key, _)| *key).collect();
        if objects.len() > 1 {
            self.report.namesakes = if keys.len() == objects.len() { texts(keys) } else { self.places(&found) };
        }
        if found.is_empty() {
            members.iter().for_each(|member| self.note_near_names(member, name));
        }
        if found.is_empty() || !self.report.namesakes.is_empty() {
            return Ok(());
        }
        let value = self.choose(&found, revision, &holders)?;
        let (opened, encoding) = self.open_value(value, &mut holders)?;
        let revealed = Revealed {
            object: &object,
            revision: value.value.written.main,
            retention: value.value.retention,
            carried_out: value.value.carried_out(),
            is_opened: opened.is_some(),
            encoding,
            bytes: opened.as_ref().map_or_else(|| value.value.plaintext().unwrap_or(value.value.bytes.0), AsRef::as_ref),
        };
        self.render.revealed(&revealed)?;
        Ok(())
    }

    /// The newest that is in plaintext or may be opened; else, to say why not, the newest of those that were asked for. Where files say
    /// different things of that revision, none is chosen.
    fn choose<'a, 'data>(
        &self,
        found: &'a [Candidate<'data>],
        revision: Option<u64>,
        holders: &Holders<'_>,
    ) -> Result<&'a Candidate<'data>, RunError> {
        let mut asked =
            found.iter().rev().filter(|Candidate { value, .. }| revision.is_none_or(|revision| value.written.main == Some(revision)));
        let can_be_read = |Candidate { value, .. }: &&Candidate<'_>| match value.form() {
            Form::Plaintext => true,
            Form::Encrypted => holders.has_any(),
            Form::Empty | Form::Unknown => false,
        };
        let best = asked.clone().find(can_be_read).or_else(|| asked.next());
        let best = best.ok_or_else(|| RunError::Reveal("no such revision of this object".to_owned()))?;
        let write = |Candidate { value, .. }: &Candidate<'_>| value.written.main.zip(value.written.sub);
        let same_write = || {
            let is_same =
                |other: &&Candidate<'_>| write(best).is_some() && write(other) == write(best) && other.value.extent == Extent::Whole;
            found.iter().filter(is_same)
        };
        if let (Some(other), Extent::Whole) = (same_write().find(|other| other.value.bytes.0 != best.value.bytes.0), best.value.extent) {
            let [one, another] = [best, other].map(|Candidate { evidence, value, .. }| {
                let offset = value.offset.map_or_else(String::new, |offset| format!(", offset {offset}"));
                format!("{}{offset}", path_text(self.report.path_of(*evidence)))
            });
            let revision = best.value.written.main.unwrap_or_default();
            return Err(RunError::Reveal(format!(
                "revision {revision} stands with two different values, in {one} and in {another}: give the file that is meant alone, or \
                 --revision of one that does not differ"
            )));
        }
        // Of the same bytes in several places, the one that says most of what became of them.
        Ok(same_write().min_by_key(|one| one.value.retention).unwrap_or(best))
    }

    /// Each object's whole key, with the files that hold it and their cluster.
    fn places(&self, found: &[Candidate<'_>]) -> Vec<String> {
        let place = |Candidate { evidence, whose, value }: &Candidate<'_>| {
            let (key, path) = (String::from_utf8_lossy(value.key), self.report.path_of(*evidence).display());
            match whose {
                Whose::Cluster(uid) => format!("{key} in {path}, cluster {uid}"),
                Whose::Member(_) => format!("{key} in {path}, cluster not known"),
            }
        };
        let places: BTreeSet<String> = found.iter().map(place).collect();
        places.into_iter().collect()
    }

    /// The value's bytes in clear, opened where it is sealed, and how they are written.
    fn open_value(
        &self,
        Candidate { value, .. }: &Candidate<'_>,
        holders: &mut Holders<'_>,
    ) -> Result<(Option<Plaintext>, Encoding), RunError> {
        let revision = value.written.main.map_or("(not known)".to_owned(), |revision| revision.to_string());
        let opened = match value.form() {
            Form::Encrypted if holders.has_any() => {
                let needs = Needs::of_one(value);
                let ring = self.ask(&needs, holders, &mut Calls::open(holders, &self.report.inputs)?)?;
                let opened = Keyring::new(holders.configs, &ring).open(value);
                let why =
                    |answer: Answer| RunError::Reveal(format!("revision {revision} does not open: {}", answer.name().replace('-', " ")));
                Some(opened.map_err(why)?)
            }
            Form::Encrypted | Form::Plaintext | Form::Empty | Form::Unknown => None,
        };
        let encoding = opened.as_ref().map_or(value.protection.encoding(), |opened| Encoding::of(opened.as_ref()));
        match encoding {
            Some(encoding) => Ok((opened, encoding)),
            None => Err(RunError::Reveal(format!(
                "revision {revision} is {}; only plaintext, or what a key opens, can be revealed",
                value.form().name()
            ))),
        }
    }
}

fn texts(keys: BTreeSet<&[u8]>) -> Vec<String> {
    keys.into_iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect()
}

impl Holders<'_> {
    /// Whether there is any key or anybody to ask.
    pub(super) fn has_any(&self) -> bool {
        !self.configs.is_empty() || !self.unwrappers.is_empty()
    }
}
