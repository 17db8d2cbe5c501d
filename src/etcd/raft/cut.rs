//! What is there of an entry whose write was interrupted: its beginning.
//!
//! Lengths stand before what they measure, so a message that is cut still says what it was to hold. The cut goes through
//! one message at every depth: Entry, InternalRaftRequest, TxnRequest, RequestOp, PutRequest, and at last a value. A request of the v2 API
//! stands in an InternalRaftRequest, or by itself.

use super::request::RequestKind;
use super::txn::{Branch, Operation, Operations, Put};
use super::v2_store;
use crate::wire::{self, Fields, Value};

/// The beginning of an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct CutEntry<'data> {
    /// Term in which it was proposed.
    pub term: u64,
    /// Its place in the log.
    pub index: u64,
    /// Writes that are there whole.
    pub whole: Vec<(Put<'data>, Option<Branch>)>,
    /// Whether they are of the v2 API.
    pub is_of_v2: bool,
    /// The write that the cut goes through, with what is there of its value.
    pub cut: Option<CutPut<'data>>,
}

/// A write whose value is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CutPut<'data> {
    /// The write; its value is what is there of it.
    pub put: Put<'data>,
    /// Where in a transaction it stands.
    pub branch: Option<Branch>,
    /// Bytes of the value that are not there.
    pub missing: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Entry,
    Request,
    Txn,
    RequestOp,
    Put,
    V2,
}

impl<'data> CutEntry<'data> {
    /// Reads the beginning of a `raftpb.Entry`; `None` where not even its term and index are there.
    pub(crate) fn parse(beginning: &'data [u8]) -> Option<Self> {
        let mut entry = Self::default();
        let mut put = Put::default();
        let (mut message, mut bytes, mut branch) = (Message::Entry, beginning, None);
        for _ in 0..Operations::MAX_OPEN {
            for field in Fields::new(bytes).map_while(Result::ok) {
                match (message, field.number, field.value) {
                    (Message::Entry, 1, Value::Varint(kind)) if kind != 0 => return None,
                    (Message::Entry, 2, Value::Varint(term)) => entry.term = term,
                    (Message::Entry, 3, Value::Varint(index)) => entry.index = index,
                    (Message::Put, 1, Value::Bytes(key)) => put.key = key,
                    (Message::Put, 2, Value::Bytes(value)) => {
                        // The value is whole, and the cut behind it.
                        put.value = value;
                        entry.cut = Some(CutPut { put, branch, missing: 0 });
                    }
                    (Message::Put, 3, Value::Varint(lease)) => put.lease = lease.cast_signed(),
                    (Message::Txn, 2, Value::Bytes(op)) => entry.take(Operations::request_op(op, Branch::Success)),
                    (Message::Txn, 3, Value::Bytes(op)) => entry.take(Operations::request_op(op, Branch::Failure)),
                    (Message::Request, 4, Value::Bytes(body)) => entry.take(Operations::put(body)),
                    (Message::Request, 6, Value::Bytes(body)) => entry.take(Operations::txn(body)),
                    (Message::Request, 2, Value::Bytes(body)) => {
                        entry.is_of_v2 = true;
                        entry.take(Operations::v2(body));
                    }
                    (Message::V2, 3, Value::Bytes(path)) => put.key = v2_store::key_at(path).unwrap_or_default(),
                    (Message::V2, 4 | 6, Value::Bytes(value)) if !put.key.is_empty() && !value.is_empty() => {
                        entry.whole.push((Put { value, ..put }, None));
                    }
                    _ => {}
                }
            }
            let Some(cut) = wire::cut_field(bytes) else { break };
            (message, branch) = match (message, cut.number) {
                (Message::Entry, 4) if RequestKind::is_v2_alone(cut.bytes) => (Message::V2, None),
                (Message::Entry, 4) => (Message::Request, None),
                (Message::Request, 2) => (Message::V2, None),
                (Message::Request, 4) | (Message::RequestOp, 2) => (Message::Put, branch),
                (Message::Request, 6) | (Message::RequestOp, 4) => (Message::Txn, branch),
                (Message::Txn, 2) => (Message::RequestOp, Some(Branch::Success)),
                (Message::Txn, 3) => (Message::RequestOp, Some(Branch::Failure)),
                (Message::V2, 4 | 6) if put.key.is_empty() => break,
                (Message::Put, 2) | (Message::V2, 4 | 6) => {
                    put.value = cut.bytes;
                    let missing = cut.length.saturating_sub(cut.bytes.len() as u64);
                    entry.cut = Some(CutPut { put, branch, missing });
                    break;
                }
                _ => break,
            };
            entry.is_of_v2 |= message == Message::V2;
            bytes = cut.bytes;
        }
        (entry.term > 0 && entry.index > 0).then_some(entry)
    }

    fn take(&mut self, operations: Operations<'data>) {
        self.whole.extend(operations.map_while(Result::ok).filter_map(|operation| match operation {
            Operation::Put(put, branch) => Some((put, branch)),
            Operation::DeleteRange { .. } | Operation::RevokeLease(_) => None,
        }));
    }
}
