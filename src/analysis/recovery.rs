//! What can be recovered: of every key its newest write, as far as the file shows which one that is.
//!
//! | what stands where | is brought back |
//! |---|---|
//! | the newest write of a key in the tree | yes |
//! | a write on a page that the tree refers to and cannot read, where the tree would have it | as if it stood in the tree |
//! | of a damaged file, a write that is newer than the tree's newest of its key, and not than the tree | as if it stood in the tree, which has lost it: nothing else takes the newest write of a key out |
//! | a write anywhere in a file without a tree | the newest of its key, unless a later one deletes it |
//! | a write outside of a tree that does not have its key | only when residue is asked for, and marked |
//! | a write that a later one deletes | only when residue is asked for, and marked |
//! | an older write of a key that exists, a piece of a value | never |
//!
//! The tree is in the order of revisions. So where a part of it is lost, it is known below which revision the writes in that part
//! were: a write from there on is certainly the newest of its key; of an older one that is not known, and it is marked.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::listing::List;
use super::options::Scope;
use super::row::{Place, Row, ValueRow};
use super::survey::Survey;
use crate::etcd::{Revision, RevisionKey, schema};
use crate::evidence::anomaly::{Bearing, Class};

/// What a recovered write is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The newest of a key that exists.
    Current,
    /// The newest of its key that can be read. What was lost with the tree, or a part of it, may be a newer write or a
    /// deletion: whether etcd would show this one is not known.
    Newest,
    /// The newest before its key was deleted.
    Deleted,
    /// The newest of a key that the tree does not have.
    Residue,
}

impl Standing {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Newest => "newest",
            Self::Deleted => "deleted",
            Self::Residue => "residue",
        }
    }
}

/// A write that is brought back.
#[derive(Clone, Debug)]
pub struct Recovered<'data> {
    /// What it is.
    pub standing: Standing,
    /// Its revision.
    pub revision: Revision,
    /// What is known of it.
    pub row: Box<ValueRow<'data>>,
    /// Its value.
    pub value: &'data [u8],
}

/// What can be recovered of a database.
#[derive(Clone, Debug, Default)]
pub struct Recovery<'data> {
    /// One write a key, by revision.
    pub recovered: Vec<Recovered<'data>>,
    /// Keys that were deleted, and left out.
    pub deleted: u64,
    /// Keys that only residue has, and left out.
    pub residue: u64,
    /// Pieces of values, which are never brought back.
    pub fragments: u64,
}

/// The newest of a key so far.
#[derive(Default)]
struct Newest<'data> {
    /// What the tree has; `None` in it: a deletion.
    standing: Option<(Revision, Option<Write<'data>>)>,
    /// The newest value anywhere.
    value: Option<(Revision, Write<'data>)>,
    /// The newest deletion anywhere.
    deletion: Option<Revision>,
}

type Write<'data> = (Box<ValueRow<'data>>, &'data [u8]);

impl<'data> Recovery<'data> {
    /// Looks through everything in `scope` that the first pass found.
    pub fn of(survey: &Survey<'data>, scope: &Scope, with_residue: bool) -> Self {
        let mut recovery = Self::default();
        let bucket = survey.tree.bucket(schema::KEY);
        let stands = |place: Place, pgid: Option<u64>, revision: Revision, is_tombstone: bool| match bucket {
            // The tree, or the root of it, is lost.
            None => true,
            Some(_) if place == Place::Tree => true,
            Some(bucket) => pgid.is_some_and(|pgid| survey.tree.misses(bucket, pgid, &RevisionKey { revision, is_tombstone }.to_bytes())),
        };
        // A sound tree has lost nothing.
        let lost_up_to = match survey.keyspace.last() {
            Some(last) if survey.anomalies.any(Bearing::Damaged) || survey.anomalies.any(Bearing::Incomplete) => last.main,
            _ => 0,
        };
        let is_lost = |known: &Newest<'_>, revision: Revision| known.standing.is_some() && revision.main <= lost_up_to;
        let mut keys: HashMap<&'data [u8], Newest<'data>, FixedState> = HashMap::default();
        List::new(survey, scope).rows(|row, value| match row {
            Row::Tombstone(row) => {
                let newest = keys.entry(row.key).or_default();
                newest.deletion = newest.deletion.max(Some(row.revision));
                if (stands(row.place, row.pgid, row.revision, true) || is_lost(newest, row.revision))
                    && newest.standing.as_ref().is_none_or(|(known, _)| *known <= row.revision)
                {
                    newest.standing = Some((row.revision, None));
                }
            }
            Row::Value(row) if row.fragment => recovery.fragments = recovery.fragments.saturating_add(1),
            Row::Value(row) => {
                let (Some(main), Some(sub), Some(value)) = (row.mod_revision, row.sub, value) else { return };
                if row.key.is_empty() {
                    return;
                }
                let revision = Revision { main, sub };
                let newest = keys.entry(row.key).or_default();
                if (stands(row.place, row.pgid, revision, false) || is_lost(newest, revision))
                    && newest.standing.as_ref().is_none_or(|(known, _)| *known < revision)
                {
                    newest.standing = Some((revision, Some((row.clone(), value))));
                }
                if newest.value.as_ref().is_none_or(|(known, _)| *known < revision) {
                    newest.value = Some((revision, (row, value)));
                }
            }
        });
        let certain = Certain::of(survey);
        for newest in keys.into_values() {
            recovery.add(newest, certain, with_residue);
        }
        recovery.recovered.sort_by(|a, b| (a.revision, a.row.key).cmp(&(b.revision, b.row.key)));
        recovery
    }

    fn add(&mut self, newest: Newest<'data>, certain: Certain<'data>, with_residue: bool) {
        let (standing, (revision, (row, value))) = match newest {
            Newest { standing: Some((revision, Some(write))), .. } => {
                (if certain.holds(revision) { Standing::Current } else { Standing::Newest }, (revision, write))
            }
            Newest { standing, value: Some(value), deletion } => {
                let is_deleted = standing.is_some() || deletion > Some(value.0);
                let left_out = if is_deleted { &mut self.deleted } else { &mut self.residue };
                if !with_residue {
                    *left_out = left_out.saturating_add(1);
                    return;
                }
                (if is_deleted { Standing::Deleted } else { Standing::Residue }, value)
            }
            Newest { value: None, .. } => {
                self.deleted = self.deleted.saturating_add(1);
                return;
            }
        };
        self.recovered.push(Recovered { standing, revision, row, value });
    }
}

/// From which revision on the tree has lost nothing.
#[derive(Clone, Copy)]
enum Certain<'data> {
    Always,
    From(&'data [u8]),
    Never,
}

impl<'data> Certain<'data> {
    fn of(survey: &Survey<'data>) -> Self {
        let Some(bucket) = survey.tree.bucket(schema::KEY) else { return Self::Never };
        // Writes that cannot be told, or do not stand where their revision belongs.
        let strange = [Class::KeyOrder, Class::RevisionMisplaced, Class::RevisionInvalid, Class::KeyValueInvalid];
        match survey.tree.missing_below(bucket) {
            _ if strange.into_iter().any(|class| survey.anomalies.count(class) > 0) => Self::Never,
            None => Self::Always,
            Some([]) => Self::Never,
            Some(key) => Self::From(key),
        }
    }

    fn holds(self, revision: Revision) -> bool {
        match self {
            Self::Always => true,
            Self::From(key) => RevisionKey { revision, is_tombstone: false }.to_bytes().as_slice() >= key,
            Self::Never => false,
        }
    }
}
