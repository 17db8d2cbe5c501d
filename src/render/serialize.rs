//! How a record becomes JSON.

use serde::{Serialize, Serializer};

use super::escape::SafeJson;
use crate::evidence::{Count, Unit};

/// A count is its number: the field's name says of what.
impl<U: Unit> Serialize for Count<U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::from(*self))
    }
}

/// Appends a record as one line.
pub fn line<T: Serialize>(record: &T, out: &mut Vec<u8>) {
    value(record, out);
    out.push(b'\n');
}

/// Appends a record without a line's end. Writing to memory does not fail, and the records have no map whose keys
/// are not strings, which is all that could.
pub fn value<T: Serialize>(record: &T, out: &mut Vec<u8>) {
    let _ = record.serialize(&mut serde_json::Serializer::with_formatter(out, SafeJson));
}
