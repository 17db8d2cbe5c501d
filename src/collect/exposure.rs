//! Secrets that can be read without a key: where each of them can.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::row::{Api, CarriedOut, Place, Retention, ValueBytes, ValueRow};

/// Where a Secret can be read without a key.
#[derive(Clone, Debug, Default)]
pub struct Exposure<'data> {
    /// In its newest revision.
    pub current: bool,
    /// In the newest revision that the database has, which need not be what it has now.
    pub newest: bool,
    /// In an older retained revision.
    pub superseded: bool,
    /// It was deleted, and a retained revision still holds it.
    pub deleted: bool,
    /// In residue.
    pub residue: bool,
    /// In residue among the pages that the database used.
    pub among_pages: bool,
    /// In a log, in a write of which nothing says that it was never carried out.
    pub log: bool,
    /// In a log, in a write that was perhaps never carried out.
    pub perhaps_never: bool,
    /// In a log, in a write that was never carried out.
    pub never: bool,
    /// In a raft snapshot.
    pub raft_snapshot: bool,
    /// In an entry of a log that the database beside it is not known to have.
    pub ahead: bool,
    /// By the v2 API, whose keys the database does not know.
    pub is_of_v2: bool,
    /// Whether its key is known, or follows from its name.
    pub has_key: bool,
    /// Its type in the newest revision that can be read.
    pub secret_type: Cow<'data, str>,
    newest_revision: (Option<u64>, Option<u64>),
    /// The value of the newest revision that can be read whole.
    pub value: Option<ValueBytes<'data>>,
    /// Create revisions of what can be read: an object that was deleted and made again has several.
    pub incarnations: BTreeSet<i64>,
    /// Whether it can be read where no create revision is known.
    pub has_unknown_incarnation: bool,
}

/// The first of these places in which a Secret can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FirstPlace {
    /// Its newest revision.
    Current,
    /// The newest revision that the database has, which need not be what it has now.
    Newest,
    /// An older retained revision, or a retained one of what was deleted.
    Retained,
    /// Residue.
    Residue,
    /// An entry of a log that the database beside it is not known to have: newer than what that has, or never carried out. Or what the v2
    /// API wrote, of which no database tells whether it is what its key has now.
    Ahead,
    /// A log.
    Log,
    /// A write in a log that was perhaps never carried out.
    PerhapsNever,
    /// A write in a log that was never carried out.
    Never,
}

/// Create revisions that are remembered of one key.
const INCARNATIONS: usize = 100;

impl<'data> Exposure<'data> {
    /// Notes a value of it that can be read. `has_key`: its key is known, or follows from its name.
    pub(super) fn add(&mut self, value: &ValueRow<'data>, has_key: bool) {
        self.has_key |= has_key;
        match value.retention {
            Retention::Current => self.current = true,
            Retention::Newest => self.newest = true,
            Retention::Superseded => self.superseded = true,
            Retention::Deleted => self.deleted = true,
            Retention::Residue => {
                self.residue = true;
                self.among_pages |= !value.place.is_behind_pages();
            }
            Retention::Log => self.add_logged(value),
        }
        match value.written.counts {
            Some(counts) if self.incarnations.len() < INCARNATIONS => drop(self.incarnations.insert(counts.create_revision)),
            _ => self.has_unknown_incarnation = true,
        }
        if let Some(secret) = value.protection.secret()
            && (value.written.main, value.written.sub) >= self.newest_revision
        {
            self.newest_revision = (value.written.main, value.written.sub);
            self.secret_type = secret.secret_type.clone();
            self.value = value.plaintext().map(ValueBytes);
        }
    }

    fn add_logged(&mut self, value: &ValueRow<'data>) {
        match value.carried_out() {
            CarriedOut::Yes => {
                let place = if value.place == Place::RaftSnapshot { &mut self.raft_snapshot } else { &mut self.log };
                *place = true;
                self.ahead |= value.is_ahead();
                self.is_of_v2 |= value.api == Api::V2;
            }
            CarriedOut::PerhapsNever => self.perhaps_never = true,
            CarriedOut::Never => self.never = true,
        }
    }

    /// The first of the places in which it can be read: by it each Secret is counted once.
    pub fn first_place(&self) -> FirstPlace {
        match self {
            _ if self.current => FirstPlace::Current,
            _ if self.newest => FirstPlace::Newest,
            _ if self.superseded || self.deleted => FirstPlace::Retained,
            _ if self.residue => FirstPlace::Residue,
            _ if self.ahead || self.is_of_v2 => FirstPlace::Ahead,
            _ if self.log || self.raft_snapshot => FirstPlace::Log,
            _ if self.perhaps_never => FirstPlace::PerhapsNever,
            _ if self.never => FirstPlace::Never,
            _ => FirstPlace::Log,
        }
    }

    /// Whether it can be read behind the pages of the database alone.
    pub fn is_behind_pages(&self) -> bool {
        let is_retained = self.current || self.newest || self.superseded || self.deleted;
        self.residue && !self.among_pages && !is_retained && !self.is_logged()
    }

    /// Whether it can be read in a log or a raft snapshot.
    pub fn is_logged(&self) -> bool {
        self.log || self.perhaps_never || self.never || self.raft_snapshot
    }

    /// Whether it can be read in raft snapshots alone.
    pub fn is_in_raft_snapshots_alone(&self) -> bool {
        let is_first = matches!(self.first_place(), FirstPlace::Ahead | FirstPlace::Log);
        is_first && self.raft_snapshot && !(self.log || self.perhaps_never || self.never)
    }

    /// Whether it may stand in plaintext now, and that is not known.
    pub fn may_be_current(&self) -> bool {
        !self.current && (self.newest || self.ahead || self.is_of_v2)
    }

    /// The newest revision that can be read whole.
    pub fn revision(&self) -> Option<u64> {
        self.newest_revision.0
    }

    /// Adds where another part of the evidence, or another evidence, has it.
    pub(super) fn merge(&mut self, other: &Self) {
        self.current |= other.current;
        self.newest |= other.newest;
        self.superseded |= other.superseded;
        self.deleted |= other.deleted;
        self.residue |= other.residue;
        self.among_pages |= other.among_pages;
        self.log |= other.log;
        self.perhaps_never |= other.perhaps_never;
        self.never |= other.never;
        self.raft_snapshot |= other.raft_snapshot;
        self.ahead |= other.ahead;
        self.is_of_v2 |= other.is_of_v2;
        self.has_key |= other.has_key;
        self.has_unknown_incarnation |= other.has_unknown_incarnation;
        self.incarnations.extend(&other.incarnations);
        if other.newest_revision > self.newest_revision {
            self.newest_revision = other.newest_revision;
            self.secret_type = other.secret_type.clone();
            self.value = other.value;
        }
    }
}
