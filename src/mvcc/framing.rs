//! The message around a value, wherever etcd's messages stand: in memory, in a log, on a disk.
//!
//! | message | bytes | where |
//! |---|---|---|
//! | mvccpb.KeyValue | `0a` key `10` create `18` mod `20` version `2a` length *value* | bbolt, watch events, range answers |
//! | PutRequest | `0a` key `12` length *value* | requests, raft entries |
//!
//! Source: etcd `api/mvccpb/kv.proto`, `api/etcdserverpb/rpc.proto`.

use super::KeyValue;
use super::key_value::PartialKeyValue;
use crate::evidence::limit;
use crate::wire::varint;

/// How far before its value the start of a message is looked for. A storage key has at most a few hundred bytes.
const FARTHEST: usize = limit::FRAMED_KEY;
const KEY_TAG: u8 = 0x0a;
const KEY_VALUE_TAG: u8 = 0x2a;
const PUT_VALUE_TAG: u8 = 0x12;

/// A message that was found from its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framed<'data> {
    /// Key, value and, in a KeyValue, the revisions, which are zero in a PutRequest.
    pub kv: KeyValue<'data>,
    /// The bytes of the message, as far as they are there.
    pub message: &'data [u8],
    /// How many bytes of the value are lost.
    pub missing: u64,
}

/// The message whose value begins at `at`; `None` where that is the value of no message.
pub(crate) fn find_enclosing_message(bytes: &[u8], at: usize) -> Option<Framed<'_>> {
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

/// Reads `message` as a KeyValue whose value is the one that was found, with which `value` begins.
fn key_value<'data>(message: &'data [u8], value: &'data [u8]) -> Option<Framed<'data>> {
    let partial = PartialKeyValue::read(message)?;
    let is_it = partial.kv.value.as_ptr() == value.as_ptr() && !partial.kv.value.is_empty() && is_plausible_key(partial.kv.key);
    is_it.then_some(Framed { kv: partial.kv, message: message.get(..partial.length)?, missing: partial.missing })
}

/// Reads `message`, which reaches to the end of `bytes`, as a PutRequest in which the tag of the value stands at `tag_at` in `bytes`.
fn put<'data>(message: &'data [u8], tag_at: usize, bytes: &'data [u8]) -> Option<Framed<'data>> {
    let (after, length) = varint(message.get(1..)?).ok()?;
    let (key, rest) = after.split_at_checked(usize::try_from(length).ok()?)?;
    if !is_plausible_key(key) || rest.len() != bytes.len().checked_sub(tag_at)? {
        return None;
    }
    let (after, length) = varint(rest.get(1..)?).ok()?;
    let there = usize::try_from(length).unwrap_or(usize::MAX).min(after.len());
    let value = after.get(..there)?;
    let behind = after.len().saturating_sub(there);
    let message = message.get(..message.len().saturating_sub(behind))?;
    Some(Framed { kv: KeyValue { key, value, ..KeyValue::default() }, message, missing: length.saturating_sub(there as u64) })
}

/// Whether bytes are taken for a key. Outside of a page nothing else confirms it, and a shorter or a binary one may be there by chance.
fn is_plausible_key(key: &[u8]) -> bool {
    key.len() >= 4 && key.iter().all(|byte| byte.is_ascii_graphic())
}
