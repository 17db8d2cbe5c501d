//! What stands before a value wherever etcd's messages lie about: in memory, in a log, on a disk.
//!
//! | message | bytes | where |
//! |---|---|---|
//! | mvccpb.KeyValue | `0a` key `10` create `18` mod `20` version `2a` length *value* | bbolt, watch events, range answers |
//! | PutRequest | `0a` key `12` length *value* | requests, raft entries |
//!
//! Source: etcd `api/mvccpb/kv.proto`, `api/etcdserverpb/rpc.proto`.

use super::KeyValue;
use super::key_value::CutKeyValue;
use crate::evidence::limit;
use crate::wire::varint;

/// The farthest that a message's start is looked for before its value. A storage key has at most a few hundred bytes.
const FARTHEST: usize = limit::FRAMED_KEY;
const KEY_TAG: u8 = 0x0a;
const KEY_VALUE_TAG: u8 = 0x2a;
const PUT_VALUE_TAG: u8 = 0x12;

/// A message found from its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framed<'data> {
    /// Key and value, and of a KeyValue its revisions; those of a PutRequest are zero.
    pub kv: KeyValue<'data>,
    /// The message's bytes that are there.
    pub message: &'data [u8],
    /// Bytes of the value that are lost.
    pub missing: u64,
}

/// The message whose value begins at `at`; `None` where no message does.
pub fn around(bytes: &[u8], at: usize) -> Option<Framed<'_>> {
    let (tag, tag_at) = (1..=5usize).find_map(|length| {
        let tag_at = at.checked_sub(length)?.checked_sub(1)?;
        let tag = bytes.get(tag_at).filter(|tag| matches!(**tag, KEY_VALUE_TAG | PUT_VALUE_TAG))?;
        let (rest, _) = varint(bytes.get(tag_at.checked_add(1)?..at)?).ok()?;
        rest.is_empty().then_some((*tag, tag_at))
    })?;
    let head = bytes.get(tag_at.saturating_sub(FARTHEST)..tag_at)?;
    let start_of_head = tag_at.saturating_sub(head.len());
    let starts = memchr::memrchr_iter(KEY_TAG, head).filter_map(|start| start_of_head.checked_add(start));
    match tag {
        KEY_VALUE_TAG => starts.filter_map(|start| bytes.get(start..)).find_map(|message| key_value(message, bytes.get(at..)?)),
        _ => starts.filter_map(|start| bytes.get(start..)).find_map(|message| put(message, tag_at, bytes)),
    }
}

fn key_value<'data>(message: &'data [u8], value: &'data [u8]) -> Option<Framed<'data>> {
    let cut = CutKeyValue::read(message)?;
    let is_it = cut.kv.value.as_ptr() == value.as_ptr() && !cut.kv.value.is_empty() && is_key(cut.kv.key);
    is_it.then_some(Framed { kv: cut.kv, message: message.get(..cut.length)?, missing: cut.missing })
}

/// A PutRequest whose value's tag stands at `tag_at` in `bytes`, of which `message` is the end.
fn put<'data>(message: &'data [u8], tag_at: usize, bytes: &'data [u8]) -> Option<Framed<'data>> {
    let (after, length) = varint(message.get(1..)?).ok()?;
    let (key, rest) = after.split_at_checked(usize::try_from(length).ok()?)?;
    if !is_key(key) || rest.len() != bytes.len().checked_sub(tag_at)? {
        return None;
    }
    let (after, length) = varint(rest.get(1..)?).ok()?;
    let there = usize::try_from(length).unwrap_or(usize::MAX).min(after.len());
    let value = after.get(..there)?;
    let behind = after.len().saturating_sub(there);
    let message = message.get(..message.len().saturating_sub(behind))?;
    Some(Framed { kv: KeyValue { key, value, ..KeyValue::default() }, message, missing: length.saturating_sub(there as u64) })
}

/// Whether bytes are a key that people use: without the page around it a shorter or a binary one is taken for chance.
fn is_key(key: &[u8]) -> bool {
    key.len() >= 4 && key.iter().all(|byte| byte.is_ascii_graphic())
}
