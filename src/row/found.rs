//! What a store finds: a write, a deletion, or a piece of a value, before its bytes are looked at.

use super::place::{Api, Escaped, Place, Retention};
use super::value::{LogPosition, Written};
use crate::evidence::range;
use crate::kubernetes::Encoding;

/// A find: all that its place and its framing say. [`super::Builder`] makes the row of it.
#[derive(Clone, Copy, Debug)]
pub struct Found<'data> {
    /// Where it stands.
    pub place: Place,
    /// What became of it.
    pub retention: Retention,
    /// Its page, in a database.
    pub pgid: Option<u64>,
    /// Its key; empty where it is not known.
    pub key: &'data [u8],
    /// What is known of its write.
    pub written: Written,
    /// What stands there.
    pub content: FoundContent<'data>,
    /// The tree, or an earlier find, has the same key, revision and bytes.
    pub is_duplicate: bool,
    /// Written after the revision that the database is at.
    pub is_newer_than_snapshot: bool,
    /// Where it stands in a log.
    pub log: Option<LogPosition>,
    /// Whose key it is.
    pub api: Api,
    /// Where it stands in another writing; its bytes are then no slice of the content.
    pub escaped: Option<Escaped>,
}

/// What stands there. The bytes are slices of the evidence's content, or of what was decoded from it.
#[derive(Clone, Copy)]
pub enum FoundContent<'data> {
    /// A whole value.
    Value(&'data [u8]),
    /// A value whose end is lost.
    Cut(&'data [u8]),
    /// Bytes of a value whose beginning is lost.
    Piece(&'data [u8], PieceOf<'data>),
    /// The KeyValue of a deletion.
    Tombstone(&'data [u8]),
}

/// What a piece is taken for.
#[derive(Clone, Copy)]
pub enum PieceOf<'data> {
    /// A value that is known: all of it.
    Known(&'data [u8]),
    /// A Secret in plaintext, written so; which one is lost with its beginning.
    SomeSecret(Encoding),
    /// Plaintext, written so.
    Plaintext(Option<Encoding>),
}

impl<'data> FoundContent<'data> {
    /// The bytes.
    pub fn bytes(&self) -> &'data [u8] {
        match self {
            Self::Value(bytes) | Self::Cut(bytes) | Self::Piece(bytes, _) | Self::Tombstone(bytes) => bytes,
        }
    }
}

impl Found<'_> {
    /// First byte in the content; `None` for no bytes.
    pub fn offset_in(&self, content: &[u8]) -> Option<u64> {
        self.escaped.map(|escaped| escaped.offset).or_else(|| range::offset_within(content, self.content.bytes()))
    }
}

/// Kinds and lengths alone: these are bytes of values.
impl std::fmt::Debug for FoundContent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self {
            Self::Value(_) => "value",
            Self::Cut(_) => "beginning of a value",
            Self::Piece(..) => "piece of a value",
            Self::Tombstone(_) => "deletion",
        };
        write!(f, "{kind}, {} bytes", self.bytes().len())
    }
}
