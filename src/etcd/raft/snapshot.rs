//! A raft snapshot file, `<term>-<index>.snap`.
//!
//! | message | field | number | type |
//! |---|---|---|---|
//! | snappb.Snapshot | crc | 1 | uint32: CRC-32C of `data` |
//! | | data | 2 | bytes: raftpb.Snapshot |
//! | raftpb.Snapshot | data | 1 | bytes: the v2 store as JSON |
//! | | metadata | 2 | conf_state = 1, index = 2, term = 3 |
//! | raftpb.ConfState | voters, learners | 1, 2 | uint64, repeated |
//! | | those of a change in progress | 3, 4 | uint64, repeated |
//!
//! Source: etcd `server/etcdserver/api/snap/{snapshotter.go,snappb/snap.proto}`; of the v2 store see `v2_store.rs`.

use super::v2_store::{self, V2Value};
use crate::wire::{Damage, Field, Fields, Value};

/// A raft snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot<'data> {
    /// The last entry that it takes the place of.
    pub index: u64,
    /// That entry's term.
    pub term: u64,
    /// Whether the CRC is that of the bytes.
    pub crc_matches: bool,
    /// The members at that entry, as raftpb.ConfState.
    pub conf_state: &'data [u8],
    /// The v2 store, as JSON.
    pub store: &'data [u8],
}

/// Bytes that are no raft snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotDamage {
    /// The outer or the inner message cannot be read.
    #[error("{0}")]
    Wire(#[from] Damage),
    /// A field that every writer fills is not there.
    #[error("no {0}")]
    Absent(&'static str),
}

impl<'data> Snapshot<'data> {
    /// Reads a whole file.
    ///
    /// # Errors
    /// It is no `snappb.Snapshot`, or what it holds is no `raftpb.Snapshot`.
    pub fn parse(file: &'data [u8]) -> Result<Self, SnapshotDamage> {
        let (mut crc, mut data) = (None, None);
        for field in Fields::new(file) {
            match field?.into_parts() {
                (1, Value::Varint(number)) => crc = Some(number),
                (2, Value::Bytes(bytes)) => data = Some(bytes),
                (number, _) => return Err(Damage::Number(number.into()).into()),
            }
        }
        let (crc, data) = (crc.ok_or(SnapshotDamage::Absent("CRC"))?, data.ok_or(SnapshotDamage::Absent("data"))?);
        let mut snapshot = Self { index: 0, term: 0, crc_matches: u64::from(crc32c::crc32c(data)) == crc, conf_state: &[], store: &[] };
        let mut metadata = None;
        for field in Fields::new(data) {
            match field?.into_parts() {
                (1, Value::Bytes(store)) => snapshot.store = store,
                (2, Value::Bytes(bytes)) => metadata = Some(bytes),
                _ => {}
            }
        }
        for field in Fields::new(metadata.ok_or(SnapshotDamage::Absent("metadata"))?) {
            match field?.into_parts() {
                (1, Value::Bytes(conf_state)) => snapshot.conf_state = conf_state,
                (2, Value::Varint(index)) => snapshot.index = index,
                (3, Value::Varint(term)) => snapshot.term = term,
                _ => {}
            }
        }
        Ok(snapshot)
    }

    /// Whether a file begins as one, and ends before its data do.
    pub fn is_cut(file: &[u8]) -> bool {
        let mut fields = Fields::new(file);
        let has_crc = fields.next().is_some_and(|field| field.is_ok_and(|field| matches!(field.into_parts(), (1, Value::Varint(_)))));
        // Behind the CRC, which takes ten bytes at most, stand field 2, its length, and in it field 1 or 2.
        let begins = |at: usize| {
            file.get(at..)
                .is_some_and(|rest| rest.first() == Some(&0x12) && rest.iter().skip(2).take(5).any(|byte| matches!(byte, 0x0a | 0x12)))
        };
        has_crc && matches!(fields.next(), Some(Err(Damage::Length { .. }))) && (2..12).any(begins)
    }

    /// IDs of the members, learners among them.
    pub fn members(&self) -> Vec<u64> {
        let id = |field: Field<'_>| match field.into_parts() {
            (1..=4, Value::Varint(id)) => Some(id),
            _ => None,
        };
        Fields::new(self.conf_state).filter_map(Result::ok).filter_map(id).collect()
    }

    /// The values of the v2 API's keys that it holds, with those of their last changes; `None` where the store cannot be read.
    pub fn v2_values(&self) -> Option<Vec<V2Value<'data>>> {
        v2_store::values(self.store)
    }
}

/// The name of a raft snapshot file: `<term>-<index>.snap`, both in 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SnapshotName {
    /// Term of its last entry.
    pub term: u64,
    /// Index of its last entry.
    pub index: u64,
}

impl SnapshotName {
    /// Reads a file's name; `None` where it is another.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (term, index) = name.strip_suffix(".snap")?.split_once('-')?;
        Some(Self { term: hex16(term)?, index: hex16(index)? })
    }
}

/// Sixteen hexadecimal digits in lower case, as `%016x` prints them.
pub(in crate::etcd) fn hex16(text: &str) -> Option<u64> {
    let is_hex = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}
