//! A record and its frame.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 7 | n: bytes in the record, little-endian |
//! | 7 | 1 | 0, or 0x80 and the number of padding bytes, 1 to 7 |
//! | 8 | n | walpb.Record |
//! | 8 + n | 0 to 7 | zeros, up to a multiple of eight |
//!
//! | walpb.Record | bytes |
//! |---|---|
//! | type = 1 | `08`, one byte: 1 metadata, 2 entry, 3 state, 4 crc, 5 snapshot |
//! | crc = 2 | `10`, a varint of at most 32 bits |
//! | data = 3 | `1a`, a varint length, that many bytes; absent in a crc record |
//!
//! | data of | message |
//! |---|---|
//! | metadata | etcdserverpb.Metadata: NodeID = 1, ClusterID = 2 |
//! | entry, state | raftpb.Entry, raftpb.HardState |
//! | snapshot | walpb.Snapshot: index = 1, term = 2, conf_state = 3 (3.5 and later) |
//!
//! Source: etcd `server/storage/wal/encoder.go`, `walpb/record.proto`; `api/etcdserverpb/etcdserver.proto`.

use nom::bytes::complete::{tag, take};
use nom::error::{Error, ErrorKind};
use nom::{Err, IResult, Parser};

use super::chain::Verdict;
use crate::etcd::raft::{Ascending, Entry, HardState};
use crate::evidence::number::le_u64;
use crate::wire::{Damage, Value, varint_len};

/// Bytes of a length word, and what frames are aligned to.
pub(super) const WORD: usize = 8;

/// A record as it stands in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'data> {
    /// Where its frame begins in the segment.
    pub offset: u64,
    /// What it is.
    pub kind: Kind,
    /// Its data: a message, see [`Record::content`].
    pub data: &'data [u8],
    /// Whether its CRC is that of the data up to it.
    pub crc: Verdict,
    /// Whether it is the first after a place where records may be missing.
    pub follows_break: bool,
    /// Whether its write was interrupted: the file ends in it, or a sector of it is still zero. Its data end there too.
    pub is_torn: bool,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Which member's log it is.
    Metadata,
    /// A raft entry.
    Entry,
    /// A hard state.
    State,
    /// The running CRC at the beginning of a segment.
    Crc,
    /// A raft snapshot was taken or received.
    Snapshot,
}

/// The message in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'data> {
    /// Which member's log it is.
    Metadata(Metadata),
    /// A raft entry.
    Entry(Entry<'data>),
    /// A hard state.
    State(HardState),
    /// Nothing but the running CRC.
    Crc,
    /// A raft snapshot was taken or received.
    Snapshot(SnapshotMark),
}

/// Which member's log it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The member's ID.
    pub node_id: u64,
    /// The cluster's ID.
    pub cluster_id: u64,
}

/// Names a raft snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotMark {
    /// Its last entry.
    pub index: u64,
    /// That entry's term.
    pub term: u64,
}

/// Why bytes are no frame that an encoder writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The length word contradicts itself: padding is what is missing to a multiple of eight.
    #[error("a length word {0:#018x}, which no writer makes")]
    Word(u64),
    /// The record is longer than what is left.
    #[error("a record of {need} bytes where {have} are left")]
    Length {
        /// Bytes the word claims.
        need: u64,
        /// Bytes left behind it.
        have: u64,
    },
    /// The bytes are no record.
    #[error("bytes that are no record")]
    Record,
    /// The record is of another length than its frame.
    #[error("a record of {record} bytes in a frame for {frame}")]
    Frame {
        /// Bytes of the record by its own lengths.
        record: u64,
        /// Bytes by the length word.
        frame: u64,
    },
    /// The message in it is not that of its type.
    #[error("{kind} whose data are none: {damage}", kind = .0.name(), damage = .1)]
    Content(Kind, Damage),
}

impl Kind {
    fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Metadata,
            2 => Self::Entry,
            3 => Self::State,
            4 => Self::Crc,
            5 => Self::Snapshot,
            _ => return None,
        })
    }

    /// The type in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metadata => "a metadata record",
            Self::Entry => "an entry",
            Self::State => "a hard state",
            Self::Crc => "a CRC record",
            Self::Snapshot => "a snapshot record",
        }
    }
}

impl<'data> Record<'data> {
    /// Reads the message in it.
    ///
    /// # Errors
    /// The data are not what an encoder of that message writes.
    pub fn content(&self) -> Result<Content<'data>, Damage> {
        content(self.kind, self.data)
    }
}

pub(super) fn content(kind: Kind, data: &[u8]) -> Result<Content<'_>, Damage> {
    Ok(match kind {
        Kind::Metadata => Content::Metadata(Metadata::parse(data)?),
        Kind::Entry => Content::Entry(Entry::parse(data)?),
        Kind::State => Content::State(HardState::parse(data)?),
        Kind::Crc => Content::Crc,
        Kind::Snapshot => Content::Snapshot(SnapshotMark::parse(data)?),
    })
}

impl Metadata {
    fn parse(message: &[u8]) -> Result<Self, Damage> {
        let mut metadata = Self::default();
        for field in Ascending::of(message) {
            match field? {
                (1, Value::Varint(id)) => metadata.node_id = id,
                (2, Value::Varint(id)) => metadata.cluster_id = id,
                (number, _) => return Err(Damage::Number(number.into())),
            }
        }
        Ok(metadata)
    }
}

impl SnapshotMark {
    fn parse(message: &[u8]) -> Result<Self, Damage> {
        let mut mark = Self::default();
        for field in Ascending::of(message) {
            match field? {
                (1, Value::Varint(index)) => mark.index = index,
                (2, Value::Varint(term)) => mark.term = term,
                (3, Value::Bytes(_)) => {}
                (number, _) => return Err(Damage::Number(number.into())),
            }
        }
        Ok(mark)
    }
}

/// A frame with the record in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'data> {
    pub(super) kind: Kind,
    pub(super) crc: u32,
    pub(super) data: &'data [u8],
    /// Everything behind the length word: record and padding.
    pub(super) body: &'data [u8],
    pub(super) padding: &'data [u8],
}

impl<'data> Frame<'data> {
    /// The frame at the start of `rest`, if it is one that an encoder writes; its content and padding are not looked at.
    pub(super) fn at(rest: &'data [u8]) -> Result<Self, Invalid> {
        let (behind, word) = le_u64(rest).map_err(|_: Err<_>| Invalid::Record)?;
        let length = length_in(word).ok_or(Invalid::Word(word))?;
        let too_long = Invalid::Length { need: length, have: behind.len() as u64 };
        let length = usize::try_from(length).map_err(|_| too_long)?;
        let record = behind.get(..length).ok_or(too_long)?;
        let frame = Self::by_record(behind)?;
        let own = record_len(behind, &frame);
        if own != length {
            return Err(Invalid::Frame { record: own as u64, frame: record.len() as u64 });
        }
        Ok(frame)
    }

    /// The same, if its content is a message of its type: good enough to go on with after damage.
    pub(super) fn plausible(rest: &'data [u8]) -> Result<Self, Invalid> {
        let frame = Self::at(rest)?;
        content(frame.kind, frame.data).map_err(|damage| Invalid::Content(frame.kind, damage))?;
        Ok(frame)
    }

    /// The frame whose record begins at `behind`, by the record's own lengths.
    pub(super) fn by_record(behind: &'data [u8]) -> Result<Self, Invalid> {
        let (_, (kind, crc, data)) = record(behind).map_err(|_: Err<_>| Invalid::Record)?;
        let mut frame = Self { kind, crc, data, body: behind, padding: &[] };
        let length = record_len(behind, &frame);
        let padded = length.next_multiple_of(WORD);
        // A file cut within the padding has all of the record.
        frame.body = behind.get(..padded).unwrap_or(behind);
        frame.padding = frame.body.get(length..).unwrap_or_default();
        Ok(frame)
    }

    /// A frame of sound extent around a record with a damaged header: an entry's data are at its end, and what stands
    /// before them has six possible lengths.
    pub(super) fn salvage(body: &'data [u8], length: usize) -> Option<Self> {
        let record = body.get(..length)?;
        let padding = body.get(length..)?;
        (1..=5usize).rev().find_map(|crc_len| {
            let header = crc_len.saturating_add(4);
            let crc = crate::wire::varint(record.get(3..)?).ok().and_then(|(_, crc)| u32::try_from(crc).ok()).unwrap_or_default();
            (1..=5usize).find_map(|length_len| {
                let data = record.get(header.saturating_add(length_len)..)?;
                let is_it = varint_len(data.len() as u64) == length_len && Entry::parse(data).is_ok();
                is_it.then_some(Self { kind: Kind::Entry, crc, data, body, padding })
            })
        })
    }
}

/// What is there of the data of a record that is cut: its kind and the beginning of its data.
pub(super) fn beginning(behind: &[u8]) -> Option<(Kind, &[u8])> {
    let cut = crate::wire::cut_field(behind).filter(|cut| cut.number == 3)?;
    let kind = behind.get(1).copied().filter(|_| behind.first() == Some(&0x08)).and_then(Kind::of)?;
    Some((kind, cut.bytes))
}

/// Length of a record at the start of `behind`: up to the end of its data, or of its header where it has none.
fn record_len(behind: &[u8], frame: &Frame<'_>) -> usize {
    let header = 3usize.saturating_add(varint_len(frame.crc.into()));
    match frame.kind {
        Kind::Crc => header,
        _ => {
            let data = frame.data.len();
            header.saturating_add(1).saturating_add(varint_len(data as u64)).saturating_add(data)
        }
    }
    .min(behind.len())
}

/// The record's length in a word that an encoder writes.
pub(super) fn length_in(word: u64) -> Option<u64> {
    let length = word & 0x00ff_ffff_ffff_ffff;
    let padding = length.next_multiple_of(WORD as u64).saturating_sub(length);
    let top = if padding == 0 { 0 } else { 0x80 | padding };
    (word >> 56 == top && length > 0).then_some(length)
}

fn record(input: &[u8]) -> IResult<&[u8], (Kind, u32, &[u8])> {
    let (input, (_, kind, _, crc)) = (tag(&[0x08][..]), take(1usize), tag(&[0x10][..]), varint).parse(input)?;
    let kind = kind.first().copied().and_then(Kind::of).ok_or(invalid(input))?;
    let crc = u32::try_from(crc).map_err(|_| invalid(input))?;
    if kind == Kind::Crc {
        return Ok((input, (kind, crc, &[])));
    }
    let (input, (_, length)) = (tag(&[0x1a][..]), varint).parse(input)?;
    let (input, data) = take(usize::try_from(length).map_err(|_| invalid(input))?).parse(input)?;
    Ok((input, (kind, crc, data)))
}

/// A varint in the one form that encoders write: the shortest.
fn varint(input: &[u8]) -> IResult<&[u8], u64> {
    let (rest, number) = crate::wire::varint(input).map_err(|_| invalid(input))?;
    let used = input.len().saturating_sub(rest.len());
    if used == varint_len(number) { Ok((rest, number)) } else { Err(invalid(input)) }
}

fn invalid(input: &[u8]) -> Err<Error<&[u8]>> {
    Err::Error(Error::new(input, ErrorKind::Verify))
}
