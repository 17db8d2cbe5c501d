//! `raftpb.Entry` and `raftpb.HardState`, read in place.
//!
//! | message | field | number | type |
//! |---|---|---|---|
//! | Entry | Type | 1 | 0 normal, 1 ConfChange, 2 ConfChangeV2 |
//! | | Term | 2 | uint64 |
//! | | Index | 3 | uint64 |
//! | | Data | 4 | bytes; absent in the entry with which a leader begins |
//! | ConfChange | Type | 2 | 0 member added, 1 removed, 2 updated, 3 learner added |
//! | | NodeID | 3 | uint64 |
//! | HardState | term | 1 | uint64 |
//! | | vote | 2 | uint64 |
//! | | commit | 3 | uint64 |
//!
//! Source: etcd-io/raft `raftpb/raft.proto`. Every encoder writes the fields in this order, each once, and no others. The
//! readers ask for that, because it tells one message from another where a record's type was damaged.

use crate::wire::{Damage, Fields, Value};

/// An entry of the replicated log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry<'data> {
    /// What the data are.
    pub kind: EntryKind,
    /// Term in which a leader proposed it.
    pub term: u64,
    /// Its place in the log.
    pub index: u64,
    /// A request, a change of membership, or nothing.
    pub data: &'data [u8],
}

/// What the data of an entry are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A request to etcd; empty at the beginning of a term.
    #[default]
    Normal,
    /// `raftpb.ConfChange`.
    ConfChange,
    /// `raftpb.ConfChangeV2`.
    ConfChangeV2,
}

/// What a member must not forget: its term, its vote, how far it knows the log to be committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    /// The term it is in.
    pub term: u64,
    /// For whom it voted in that term; 0: nobody.
    pub vote: u64,
    /// Index up to which entries are committed.
    pub commit: u64,
}

impl<'data> Entry<'data> {
    /// Reads the message.
    ///
    /// # Errors
    /// The bytes are not what an encoder of this message writes.
    pub fn parse(message: &'data [u8]) -> Result<Self, Damage> {
        let mut entry = Self::default();
        for field in Ascending::of(message) {
            match field? {
                (1, Value::Varint(0)) => entry.kind = EntryKind::Normal,
                (1, Value::Varint(1)) => entry.kind = EntryKind::ConfChange,
                (1, Value::Varint(2)) => entry.kind = EntryKind::ConfChangeV2,
                (2, Value::Varint(term)) => entry.term = term,
                (3, Value::Varint(index)) => entry.index = index,
                (4, Value::Bytes(data)) => entry.data = data,
                (number, _) => return Err(Damage::Number(number.into())),
            }
        }
        // Raft counts both from 1, and a change of membership names a member.
        let changes_nothing = entry.kind == EntryKind::ConfChange && entry.data.is_empty();
        if entry.term == 0 || entry.index == 0 || changes_nothing { Err(Damage::Number(0)) } else { Ok(entry) }
    }
}

/// What a change of membership does to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipChange {
    /// It is one from now on, a learner perhaps.
    Added(u64),
    /// It is none any more.
    Removed(u64),
}

impl Entry<'_> {
    /// Which member the entry adds or removes; `None`: it does neither.
    pub fn membership(&self) -> Option<MembershipChange> {
        let (mut kind, mut id) = (0, 0);
        for field in Fields::new(self.data).take_while(|_| self.kind == EntryKind::ConfChange) {
            match field.ok()?.into_parts() {
                (2, Value::Varint(number)) => kind = number,
                (3, Value::Varint(number)) => id = number,
                _ => {}
            }
        }
        match (self.kind, kind) {
            (EntryKind::ConfChange, 0 | 3) => Some(MembershipChange::Added(id)),
            (EntryKind::ConfChange, 1) => Some(MembershipChange::Removed(id)),
            _ => None,
        }
    }
}

impl HardState {
    /// Reads the message.
    ///
    /// # Errors
    /// The bytes are not what an encoder of this message writes.
    pub fn parse(message: &[u8]) -> Result<Self, Damage> {
        let mut state = Self::default();
        for field in Ascending::of(message) {
            match field? {
                (1, Value::Varint(term)) => state.term = term,
                (2, Value::Varint(vote)) => state.vote = vote,
                (3, Value::Varint(commit)) => state.commit = commit,
                (number, _) => return Err(Damage::Number(number.into())),
            }
        }
        // Nothing is voted for or committed before the first term.
        if state.term == 0 && (state.vote != 0 || state.commit != 0) { Err(Damage::Number(0)) } else { Ok(state) }
    }
}

/// Fields in the order of their numbers, each once. It ends after the first that is not, so that reading costs no more
/// than the message has fields.
pub(in crate::etcd) struct Ascending<'data> {
    fields: Fields<'data>,
    last: u32,
}

impl<'data> Ascending<'data> {
    pub(in crate::etcd) fn of(message: &'data [u8]) -> Self {
        Self { fields: Fields::new(message), last: 0 }
    }
}

impl<'data> Iterator for Ascending<'data> {
    type Item = Result<(u32, Value<'data>), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let field = match self.fields.next()? {
            Ok(field) => field,
            Err(damage) => return Some(Err(damage)),
        };
        if field.number <= self.last {
            self.fields = Fields::new(&[]);
            return Some(Err(Damage::Number(field.number.into())));
        }
        self.last = field.number;
        Some(Ok((field.number, field.value)))
    }
}
