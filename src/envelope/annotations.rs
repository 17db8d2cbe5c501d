//! What a KMS plugin writes beside a wrapped DEK source, and needs again to unwrap it.

use std::collections::BTreeMap;

use crate::evidence::digest::{Hasher, Sha256Digest};
use crate::wire::{Field, Fields};

/// A map of strings to bytes in a protobuf message, read when it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Annotations<'data> {
    message: &'data [u8],
    field: u32,
    is_there: bool,
}

impl<'data> Annotations<'data> {
    /// The map that is the field `field` of `message`; `is_there`: whether the field occurs.
    pub(super) fn new(message: &'data [u8], field: u32, is_there: bool) -> Self {
        Self { message, field, is_there }
    }

    fn entries(&self) -> impl Iterator<Item = Field<'data>> + use<'data> {
        let field = self.field;
        let message = if self.is_there { self.message } else { &[] };
        Fields::new(message).flatten().filter(move |found| found.number == field)
    }

    /// The pairs, sorted; of a key that stands twice the last counts.
    pub fn to_map(&self) -> BTreeMap<&'data [u8], &'data [u8]> {
        let mut map = BTreeMap::new();
        for entry in self.entries() {
            let mut pair: (&[u8], &[u8]) = (&[], &[]);
            for part in Fields::new(entry.bytes().unwrap_or_default()).flatten() {
                match (part.number, part.bytes()) {
                    (1, Some(key)) => pair.0 = key,
                    (2, Some(value)) => pair.1 = value,
                    _ => {}
                }
            }
            map.insert(pair.0, pair.1);
        }
        map
    }

    /// Bytes of all keys and values.
    pub fn length(&self) -> usize {
        self.to_map().iter().fold(0usize, |sum, (key, value)| sum.saturating_add(key.len()).saturating_add(value.len()))
    }

    /// Whether another value bears the same, written in the same order.
    pub(crate) fn are_those_of(&self, other: &Self) -> bool {
        self.is_there == other.is_there && self.entries().map(Field::bytes).eq(other.entries().map(Field::bytes))
    }

    /// SHA-256 over the pairs in the order of their keys, each as length (u32, big-endian) and bytes
    /// of key and value; `None` where there are none.
    pub fn sha256(&self) -> Option<Sha256Digest> {
        if !self.is_there {
            return None;
        }
        let mut hasher = Hasher::new();
        for part in self.to_map().into_iter().flat_map(|(key, value)| [key, value]) {
            hasher.update(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            hasher.update(part);
        }
        Some(hasher.finish())
    }
}
