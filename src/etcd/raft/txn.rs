//! The operations of a request, at any depth of its transactions.
//!
//! | message | fields |
//! |---|---|
//! | TxnRequest | compare = 1, success = 2, failure = 3: RequestOp |
//! | RequestOp | request_range = 1, request_put = 2, request_delete_range = 3, request_txn = 4 |
//! | PutRequest | key = 1, value = 2, lease = 3, prev_kv = 4, ignore_value = 5, ignore_lease = 6 |
//! | DeleteRangeRequest | key = 1, range_end = 2, prev_kv = 3 |
//! | LeaseRevokeRequest | ID = 1 |
//! | Request, of the v2 API | Method = 2, Path = 3, Val = 4, PrevValue = 6, Refresh = 17 |
//!
//! A request of the v2 API writes `Val` to the key at `Path`, which stands below `/1`; what etcd itself writes below `/0` is none. A
//! comparison with `PrevValue` names the value that the key had. `POST` writes to a new key in the directory, whose name is counted.
//!
//! Source: etcd `api/etcdserverpb/rpc.proto`.

use super::v2_store;
use crate::evidence::limit;
use crate::wire::{Damage, Field, Fields, Value};

/// Which list of a transaction an operation stands in: that for when its comparisons hold, or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Branch {
    /// Runs when every comparison holds.
    Success,
    /// Runs when one does not.
    Failure,
}

/// A proposed write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Put<'data> {
    /// The key.
    pub key: &'data [u8],
    /// The value.
    pub value: &'data [u8],
    /// The lease it goes with; 0: none.
    pub lease: i64,
    /// Whether the value that is there stays, and these bytes count for nothing.
    pub ignores_value: bool,
}

/// An operation of a request. Reads are passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'data> {
    /// Writes a value.
    Put(Put<'data>, Option<Branch>),
    /// Deletes a key, or those from `key` up to `range_end`.
    DeleteRange {
        /// The first key.
        key: &'data [u8],
        /// The key after the last; empty: `key` alone.
        range_end: &'data [u8],
        /// Where in a transaction it stands; of nested ones, the innermost.
        branch: Option<Branch>,
    },
    /// Deletes the keys that go with this lease.
    RevokeLease(i64),
}

/// The operations of a request, in the order in which they stand there. After damage it yields one error and ends.
#[derive(Clone, Debug, Default)]
pub struct Operations<'data> {
    /// That of a request which is no transaction.
    single: Option<Result<Operation<'data>, Damage>>,
    /// The value that a request of the v2 API compares with.
    compared: Option<Operation<'data>>,
    /// Messages that are being read, the innermost last.
    open: Vec<Open<'data>>,
}

#[derive(Clone, Debug)]
struct Open<'data> {
    message: Message,
    fields: Fields<'data>,
    branch: Option<Branch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Txn,
    RequestOp,
}

impl<'data> Operations<'data> {
    /// Messages within messages that are followed.
    pub const MAX_OPEN: usize = limit::REQUEST_DEPTH;

    pub(super) fn none() -> Self {
        Self::default()
    }

    pub(super) fn put(body: &'data [u8]) -> Self {
        Self { single: Some(Put::parse(body).map(|put| Operation::Put(put, None))), ..Self::default() }
    }

    pub(super) fn delete_range(body: &'data [u8]) -> Self {
        Self { single: Some(delete_range(body, None)), ..Self::default() }
    }

    pub(super) fn lease_revoke(body: &'data [u8]) -> Self {
        let is_id = |field: &Field<'_>| field.number == 1;
        let id = Fields::new(body).map_while(Result::ok).filter(is_id).filter_map(|field| field.varint()).last();
        Self { single: id.map(|id| Ok(Operation::RevokeLease(id.cast_signed()))), ..Self::default() }
    }

    pub(super) fn v2(body: &'data [u8]) -> Self {
        V2Request::parse(body).map_or_else(Self::none, |request| request.operations())
    }

    pub(super) fn txn(body: &'data [u8]) -> Self {
        Self { open: vec![Open { message: Message::Txn, fields: Fields::new(body), branch: None }], ..Self::default() }
    }

    pub(super) fn request_op(body: &'data [u8], branch: Branch) -> Self {
        Self { open: vec![Open { message: Message::RequestOp, fields: Fields::new(body), branch: Some(branch) }], ..Self::default() }
    }

    /// The next operation, or `None` where a field is none.
    fn field(
        &mut self,
        message: Message,
        branch: Option<Branch>,
        number: u32,
        value: Value<'data>,
    ) -> Option<Result<Operation<'data>, Damage>> {
        let inner = match (message, number, value) {
            (Message::Txn, 1, Value::Bytes(_)) | (Message::RequestOp, 1, Value::Bytes(_)) => return None,
            (Message::Txn, 2, Value::Bytes(op)) => (Message::RequestOp, Some(Branch::Success), op),
            (Message::Txn, 3, Value::Bytes(op)) => (Message::RequestOp, Some(Branch::Failure), op),
            (Message::RequestOp, 2, Value::Bytes(body)) => return Some(Put::parse(body).map(|put| Operation::Put(put, branch))),
            (Message::RequestOp, 3, Value::Bytes(body)) => return Some(delete_range(body, branch)),
            (Message::RequestOp, 4, Value::Bytes(txn)) => (Message::Txn, branch, txn),
            (Message::Txn, 1..=3, _) | (Message::RequestOp, 1..=4, _) => return Some(Err(Damage::Number(number.into()))),
            _ => return None,
        };
        if self.open.len() >= Self::MAX_OPEN {
            return Some(Err(Damage::Nesting(Self::MAX_OPEN)));
        }
        let (message, branch, bytes) = inner;
        self.open.push(Open { message, fields: Fields::new(bytes), branch });
        None
    }
}

impl<'data> Iterator for Operations<'data> {
    type Item = Result<Operation<'data>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(single) = self.single.take() {
            return Some(single);
        }
        if let Some(compared) = self.compared.take() {
            return Some(Ok(compared));
        }
        loop {
            let open = self.open.last_mut()?;
            let (message, branch) = (open.message, open.branch);
            let found = match open.fields.next() {
                None => {
                    self.open.pop();
                    None
                }
                Some(Ok(field)) => self.field(message, branch, field.number, field.value),
                Some(Err(damage)) => Some(Err(damage)),
            };
            match found {
                None => {}
                Some(Ok(operation)) => return Some(Ok(operation)),
                Some(Err(damage)) => {
                    self.open.clear();
                    return Some(Err(damage));
                }
            }
        }
    }
}

/// A request of the v2 API, as far as it has to do with values.
#[derive(Default)]
struct V2Request<'data> {
    method: &'data [u8],
    path: &'data [u8],
    value: &'data [u8],
    previous: &'data [u8],
    /// Only the key's time to live is set anew.
    refreshes: bool,
}

impl<'data> V2Request<'data> {
    fn parse(message: &'data [u8]) -> Option<Self> {
        let mut request = Self::default();
        for field in Fields::new(message) {
            match field.ok()?.into_parts() {
                (2, Value::Bytes(method)) => request.method = method,
                (3, Value::Bytes(path)) => request.path = path,
                (4, Value::Bytes(value)) => request.value = value,
                (6, Value::Bytes(previous)) => request.previous = previous,
                (17, Value::Varint(refreshes)) => request.refreshes = refreshes != 0,
                _ => {}
            }
        }
        Some(request)
    }

    fn operations(&self) -> Operations<'data> {
        let Some(key) = v2_store::key_at(self.path) else { return Operations::none() };
        let put = |value| Operation::Put(Put { key, value, lease: 0, ignores_value: false }, None);
        let own = match self.method {
            b"PUT" | b"POST" if !self.refreshes => Some(put(self.value)),
            b"DELETE" => Some(Operation::DeleteRange { key, range_end: &[], branch: None }),
            _ => None,
        };
        Operations { single: own.map(Ok), compared: (!self.previous.is_empty()).then(|| put(self.previous)), open: Vec::new() }
    }
}

impl<'data> Put<'data> {
    fn parse(message: &'data [u8]) -> Result<Self, Damage> {
        let mut put = Self::default();
        for field in Fields::new(message) {
            let field = field?;
            match (field.number, field.value) {
                (1, Value::Bytes(key)) => put.key = key,
                (2, Value::Bytes(value)) => put.value = value,
                (3, Value::Varint(lease)) => put.lease = lease.cast_signed(),
                (5, Value::Varint(ignores)) => put.ignores_value = ignores != 0,
                (1..=3 | 5, _) => return Err(Damage::Number(field.number.into())),
                _ => {}
            }
        }
        Ok(put)
    }
}

fn delete_range(message: &[u8], branch: Option<Branch>) -> Result<Operation<'_>, Damage> {
    let (mut key, mut range_end): (&[u8], &[u8]) = (&[], &[]);
    for field in Fields::new(message) {
        let field = field?;
        match (field.number, field.value) {
            (1, Value::Bytes(bytes)) => key = bytes,
            (2, Value::Bytes(bytes)) => range_end = bytes,
            (1..=2, _) => return Err(Damage::Number(field.number.into())),
            _ => {}
        }
    }
    Ok(Operation::DeleteRange { key, range_end, branch })
}
