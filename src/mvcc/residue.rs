//! Writes that are found by their own bytes, where nothing around them says what the bytes are.
//!
//! bbolt packs keys and values one behind the other, so that the revision key of a write stands right before its KeyValue:
//!
//! ```text
//! ┌──────────────────────────┬──────────────────────────────────────────────────────────────┬──────────
//! │ revision key             │ KeyValue                                                     │ revision key
//! │ main (8) _ sub (8)       │ 0a key  10 create  18 mod  20 version  2a length value (30 lease) │ main …
//! └──────────────────────────┴──────────────────────────────────────────────────────────────┴──────────
//!   main = mod, so that each confirms the other
//! ```
//! Source: etcd `server/storage/mvcc/revision.go`, `api/mvccpb/kv.proto`; bbolt `internal/common/inode.go` (packing).

use memchr::memmem;

use super::key_value::PartialKeyValue;
use super::{KeyValue, Revision, RevisionKey};

/// One write, or as much of it as is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'data> {
    /// Its main revision.
    pub main: u64,
    /// Its sub revision; `None` where the bytes of it are lost.
    pub sub: Option<u64>,
    /// Whether it is a deletion.
    pub is_tombstone: bool,
    /// Key and value, and of the value the bytes that are there.
    pub kv: KeyValue<'data>,
    /// The bytes of the KeyValue that are there.
    pub message: &'data [u8],
    /// How many bytes of the value are lost.
    pub missing: u64,
}

/// A part of bytes that were searched for writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'data> {
    /// Bytes that belong to no write.
    Gap(&'data [u8]),
    /// A write, and how many bytes of its revision key stand before it.
    Write(Write<'data>, usize),
}

impl<'data> Write<'data> {
    /// Reads a revision key and the KeyValue behind it, of which so many bytes are missing; `None` where the key is no revision, or
    /// too little of the KeyValue is left.
    pub(crate) fn of_stored(key: &[u8], message: &'data [u8], missing: u64) -> Option<Self> {
        let at = RevisionKey::parse(key)?;
        let (kv, missing) = match missing {
            0 => (KeyValue::parse(message).ok()?, 0),
            _ => {
                let partial = PartialKeyValue::read(message)?;
                (partial.kv, partial.missing)
            }
        };
        let agrees = at.is_tombstone || kv.key.is_empty() || u64::try_from(kv.mod_revision) == Ok(at.revision.main);
        agrees.then_some(Self { main: at.revision.main, sub: Some(at.revision.sub), is_tombstone: at.is_tombstone, kv, message, missing })
    }

    /// Reads a write again from the bytes of its KeyValue that are there.
    pub fn again(main: u64, sub: Option<u64>, is_tombstone: bool, message: &'data [u8]) -> Option<Self> {
        if let Ok(kv) = KeyValue::parse(message) {
            return Some(Self { main, sub, is_tombstone, kv, message, missing: 0 });
        }
        let partial = PartialKeyValue::read(message)?;
        Some(Self { main, sub, is_tombstone, kv: partial.kv, message, missing: partial.missing })
    }
}

/// Finds every write in bytes, and gives the writes and the gaps between them in order. A write that goes on behind the end of the bytes
/// is cut there.
pub fn search<'data>(bytes: &'data [u8]) -> Vec<Part<'data>> {
    let mut parts = Vec::new();
    let mut done = 0usize;
    if let Some((write, key_bytes)) = parse_behind_cut_key(bytes) {
        parts.push(Part::Write(write, key_bytes));
        done = key_bytes.saturating_add(write.message.len());
    }
    for at in memmem::find_iter(bytes, SEPARATOR) {
        let Some(start) = at.checked_sub(MAIN_LEN).filter(|start| *start >= done) else { continue };
        if let Some((write, key_bytes)) = bytes.get(start..).and_then(parse_write) {
            push_gap(&mut parts, bytes, done..start);
            parts.push(Part::Write(write, key_bytes));
            done = start.saturating_add(key_bytes).saturating_add(write.message.len());
        }
    }
    push_gap(&mut parts, bytes, done..bytes.len());
    parts
}

/// The first write from `from` on that stands behind its revision key: where the revision key begins, the write, and the length of the
/// revision key.
pub(crate) fn next_write(bytes: &[u8], from: usize) -> Option<(usize, Write<'_>, usize)> {
    let first = from.saturating_add(MAIN_LEN);
    memmem::find_iter(bytes.get(first..)?, SEPARATOR).find_map(|at| {
        let start = from.saturating_add(at);
        parse_write(bytes.get(start..)?).map(|(write, key_bytes)| (start, write, key_bytes))
    })
}

/// How many bytes are searched for the end of a key. A storage key has at most a few hundred bytes.
const FARTHEST: usize = crate::evidence::limit::FRAMED_KEY;
/// What looks like a shorter value may be there by chance.
const SHORTEST: usize = 24;

/// Reads a write whose beginning is lost: the bytes begin within its key, behind which the rest of its KeyValue is whole. Also gives the
/// length of the rest of the key.
pub(crate) fn parse_keyless_write(bytes: &[u8]) -> Option<(Write<'_>, usize)> {
    let head = bytes.get(..FARTHEST).unwrap_or(bytes);
    let is_key = head.iter().take_while(|byte| byte.is_ascii_graphic()).count();
    let start = memchr::memchr(CREATE_REVISION_TAG, head.get(..is_key.saturating_add(1)).unwrap_or(head))?;
    let message = bytes.get(start..)?;
    let partial = PartialKeyValue::read_keyless(message).filter(|partial| partial.missing == 0 && partial.kv.value.len() >= SHORTEST)?;
    let main = u64::try_from(partial.kv.mod_revision).ok()?;
    let message = message.get(..partial.length)?;
    Some((Write { main, sub: None, is_tombstone: false, kv: partial.kv, message, missing: 0 }, start))
}

const CREATE_REVISION_TAG: u8 = 0x10;

fn push_gap<'data>(parts: &mut Vec<Part<'data>>, bytes: &'data [u8], range: std::ops::Range<usize>) {
    parts.extend(bytes.get(range).filter(|gap| !gap.is_empty()).map(Part::Gap));
}

/// What stands in every revision key behind the main revision: `_`, and the upper half of a sub revision below 2^32.
pub(crate) const SEPARATOR: &[u8] = b"_\0\0\0\0";
const MAIN_LEN: usize = 8;
const KEY_LEN: usize = 17;

/// Reads a write behind its revision key, with which the bytes begin; also gives the length of that key. `None` where there is none.
pub(crate) fn parse_write(bytes: &[u8]) -> Option<(Write<'_>, usize)> {
    let (plain, marked) = (bytes.get(..KEY_LEN)?, bytes.get(..KEY_LEN.saturating_add(1)));
    let key = marked.and_then(RevisionKey::parse).or_else(|| RevisionKey::parse(plain))?;
    let Revision { main, sub } = key.revision;
    let start = KEY_LEN.saturating_add(usize::from(key.is_tombstone));
    let partial = PartialKeyValue::read(bytes.get(start..)?)?;
    let agrees = if key.is_tombstone { partial.kv.mod_revision == 0 } else { u64::try_from(partial.kv.mod_revision) == Ok(main) };
    let message = bytes.get(start..)?.get(..partial.length)?;
    let write = Write { main, sub: Some(sub), is_tombstone: key.is_tombstone, kv: partial.kv, message, missing: partial.missing };
    agrees.then_some((write, start))
}

/// Reads a write whose revision key has lost its beginning, which may be all of it. The KeyValue says the main revision too.
fn parse_behind_cut_key(bytes: &[u8]) -> Option<(Write<'_>, usize)> {
    (0..KEY_LEN).find_map(|start| {
        let partial = PartialKeyValue::read(bytes.get(start..)?)?;
        // The last eight bytes of the revision key are the sub revision.
        let sub = start.checked_sub(8).and_then(|at| bytes.get(at..start)?.first_chunk().map(|sub| u64::from_be_bytes(*sub)));
        let main = u64::try_from(partial.kv.mod_revision).ok().filter(|main| *main > 0)?;
        let message = bytes.get(start..)?.get(..partial.length)?;
        Some((Write { main, sub, is_tombstone: false, kv: partial.kv, message, missing: partial.missing }, start))
    })
}
