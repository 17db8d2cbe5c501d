//! Writes that stand outside the tree: in page images, and in bytes of which no page header tells what they are.
//!
//! A leaf page of bucket `key` holds its elements packed one behind the other, so a write can be told by its own bytes:
//!
//! ```text
//! ┌──────────────────────────┬──────────────────────────────────────────────────────────────┬──────────
//! │ bbolt key                │ KeyValue                                                     │ bbolt key
//! │ main (8) _ sub (8)       │ 0a key  10 create  18 mod  20 version  2a length value (30 lease) │ main …
//! └──────────────────────────┴──────────────────────────────────────────────────────────────┴──────────
//!   main = mod
//! ```
//! Source: etcd `server/storage/mvcc/revision.go`, `api/mvccpb/kv.proto`; bbolt `internal/common/inode.go` (packing).

use memchr::memmem;

use super::key_value::CutKeyValue;
use super::{KeyValue, Revision, RevisionKey};

/// One write, or as much of it as is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'data> {
    /// When it was written.
    pub main: u64,
    /// Its number among the writes of that revision; `None` where the bytes that say so are lost.
    pub sub: Option<u64>,
    /// Whether it is a deletion.
    pub is_tombstone: bool,
    /// Key and value; of the value, the bytes that are there.
    pub kv: KeyValue<'data>,
    /// The KeyValue's bytes that are there.
    pub message: &'data [u8],
    /// Bytes of the value that are lost.
    pub missing: u64,
}

/// What bytes without a page header hold: alternately gaps and writes, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'data> {
    /// Bytes that no write accounts for.
    Gap(&'data [u8]),
    /// A write, and how many bytes of its revision key stand before it.
    Write(Write<'data>, usize),
}

impl<'data> Write<'data> {
    /// Reads a revision key and the KeyValue behind it, of which so many bytes are missing; `None` where the key is no revision, or
    /// too little of the KeyValue is left.
    pub fn of_stored(key: &[u8], message: &'data [u8], missing: u64) -> Option<Self> {
        let at = RevisionKey::parse(key)?;
        let (kv, missing) = match missing {
            0 => (KeyValue::parse(message).ok()?, 0),
            _ => {
                let cut = CutKeyValue::read(message)?;
                (cut.kv, cut.missing)
            }
        };
        let agrees = at.is_tombstone || kv.key.is_empty() || u64::try_from(kv.mod_revision) == Ok(at.revision.main);
        agrees.then_some(Self { main: at.revision.main, sub: Some(at.revision.sub), is_tombstone: at.is_tombstone, kv, message, missing })
    }

    /// Reads a write again from the bytes of its KeyValue.
    pub fn again(main: u64, sub: Option<u64>, is_tombstone: bool, message: &'data [u8]) -> Option<Self> {
        if let Ok(kv) = KeyValue::parse(message) {
            return Some(Self { main, sub, is_tombstone, kv, message, missing: 0 });
        }
        let cut = CutKeyValue::read(message)?;
        Some(Self { main, sub, is_tombstone, kv: cut.kv, message, missing: cut.missing })
    }
}

/// Finds every write in bytes of which no header tells what they are. A write that passes their end is cut there.
pub fn search<'data>(bytes: &'data [u8]) -> Vec<Part<'data>> {
    let mut parts = Vec::new();
    let mut done = 0usize;
    if let Some((write, key_bytes)) = headed_by_a_cut_key(bytes) {
        parts.push(Part::Write(write, key_bytes));
        done = key_bytes.saturating_add(write.message.len());
    }
    for at in memmem::find_iter(bytes, SEPARATOR) {
        let Some(start) = at.checked_sub(MAIN_LEN).filter(|start| *start >= done) else { continue };
        if let Some((write, key_bytes)) = bytes.get(start..).and_then(framed) {
            push_gap(&mut parts, bytes, done..start);
            parts.push(Part::Write(write, key_bytes));
            done = start.saturating_add(key_bytes).saturating_add(write.message.len());
        }
    }
    push_gap(&mut parts, bytes, done..bytes.len());
    parts
}

/// The first write from `from` on whose revision key stands before it: where that begins, the write, and the key's length.
pub fn next_write(bytes: &[u8], from: usize) -> Option<(usize, Write<'_>, usize)> {
    let first = from.saturating_add(MAIN_LEN);
    memmem::find_iter(bytes.get(first..)?, SEPARATOR).find_map(|at| {
        let start = from.saturating_add(at);
        framed(bytes.get(start..)?).map(|(write, key_bytes)| (start, write, key_bytes))
    })
}

/// A key, and what stands before it in its message, are no longer than this.
const FARTHEST: usize = crate::evidence::limit::FRAMED_KEY;
/// Shorter values could be there by chance.
const SHORTEST: usize = 24;

/// The write whose whole value follows the rest of its key, which the page before took away with it; and the length of
/// that rest.
pub fn keyless(bytes: &[u8]) -> Option<(Write<'_>, usize)> {
    let head = bytes.get(..FARTHEST).unwrap_or(bytes);
    let is_key = head.iter().take_while(|byte| byte.is_ascii_graphic()).count();
    let start = memchr::memchr(CREATE_REVISION_TAG, head.get(..is_key.saturating_add(1)).unwrap_or(head))?;
    let message = bytes.get(start..)?;
    let cut = CutKeyValue::read_keyless(message).filter(|cut| cut.missing == 0 && cut.kv.value.len() >= SHORTEST)?;
    let main = u64::try_from(cut.kv.mod_revision).ok()?;
    let message = message.get(..cut.length)?;
    Some((Write { main, sub: None, is_tombstone: false, kv: cut.kv, message, missing: 0 }, start))
}

const CREATE_REVISION_TAG: u8 = 0x10;

fn push_gap<'data>(parts: &mut Vec<Part<'data>>, bytes: &'data [u8], range: std::ops::Range<usize>) {
    parts.extend(bytes.get(range).filter(|gap| !gap.is_empty()).map(Part::Gap));
}

/// What every revision key has in its middle: the separator, and the upper half of a sub revision below 2^32.
pub const SEPARATOR: &[u8] = b"_\0\0\0\0";
const MAIN_LEN: usize = 8;
const KEY_LEN: usize = 17;

/// The write whose revision key begins these bytes, and the length of that key; `None` where none does.
pub fn framed(bytes: &[u8]) -> Option<(Write<'_>, usize)> {
    let (plain, marked) = (bytes.get(..KEY_LEN)?, bytes.get(..KEY_LEN.saturating_add(1)));
    let key = marked.and_then(RevisionKey::parse).or_else(|| RevisionKey::parse(plain))?;
    let Revision { main, sub } = key.revision;
    let start = KEY_LEN.saturating_add(usize::from(key.is_tombstone));
    let cut = CutKeyValue::read(bytes.get(start..)?)?;
    let agrees = if key.is_tombstone { cut.kv.mod_revision == 0 } else { u64::try_from(cut.kv.mod_revision) == Ok(main) };
    let message = bytes.get(start..)?.get(..cut.length)?;
    let write = Write { main, sub: Some(sub), is_tombstone: key.is_tombstone, kv: cut.kv, message, missing: cut.missing };
    agrees.then_some((write, start))
}

/// A write at the very start, whose revision key was cut by the page before: the KeyValue says the revision itself.
fn headed_by_a_cut_key(bytes: &[u8]) -> Option<(Write<'_>, usize)> {
    (0..KEY_LEN).find_map(|start| {
        let cut = CutKeyValue::read(bytes.get(start..)?)?;
        // The key's last eight bytes are the sub revision.
        let sub = start.checked_sub(8).and_then(|at| bytes.get(at..start)?.first_chunk().map(|sub| u64::from_be_bytes(*sub)));
        let main = u64::try_from(cut.kv.mod_revision).ok().filter(|main| *main > 0)?;
        let message = bytes.get(start..)?.get(..cut.length)?;
        Some((Write { main, sub, is_tombstone: false, kv: cut.kv, message, missing: cut.missing }, start))
    })
}
