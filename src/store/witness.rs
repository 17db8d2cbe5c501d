//! What values say for all values of their file: names of keys, and prefixes of API servers. And what begins where no value is told.

use super::image::Outside;
use crate::envelope::{NameTable, Stored};
use crate::evidence::range;
use crate::kubernetes::PrefixVotes;
use crate::mvcc::KeyValue;

/// What the values of a part of an evidence said.
#[derive(Debug, Default)]
pub(super) struct Witness<'data> {
    pub names: NameTable<'data>,
    pub votes: PrefixVotes<'data>,
    pub outside: Outside<'data>,
}

impl<'data> Witness<'data> {
    /// Hears a whole value, and tells how it is stored.
    pub(super) fn hear(&mut self, key: &'data [u8], value: &'data [u8]) -> Stored<'data> {
        self.hear_key(key, value);
        let stored = Stored::of(value);
        match &stored {
            Stored::Sealed(sealed) => {
                self.names.observe(sealed);
                self.outside.hear_sealed(sealed);
            }
            Stored::Plain(value) => self.outside.hear(key, value),
            Stored::Empty => {}
        }
        stored
    }

    /// Hears the whole message of a write, of which the value is told unless it is a deletion: an encoder puts nothing into it beside its
    /// fields, and each of them once.
    pub(super) fn hear_beside(&mut self, message: &'data [u8], kv: &KeyValue<'data>, is_tombstone: bool) {
        let told = if is_tombstone { &[] } else { kv.value };
        if kv.encoded_len() == message.len() && told.len() == kv.value.len() {
            return;
        }
        let value = range::offset_within(message, told).filter(|_| !told.is_empty()).and_then(|at| usize::try_from(at).ok());
        let (before, rest) = message.split_at_checked(value.unwrap_or(0)).unwrap_or((&[], message));
        self.outside.search(before);
        self.outside.search(rest.get(told.len()..).unwrap_or_default());
    }

    /// Hears a value of which the end may be lost: where its key's name ends cannot be told.
    pub(super) fn hear_beginning(&mut self, key: &'data [u8], beginning: &'data [u8]) {
        self.hear_key(key, beginning);
        self.outside.hear_beginning(key, beginning);
    }

    fn hear_key(&mut self, key: &'data [u8], value: &[u8]) {
        // Of a key the bytes are shown; that they are an object nobody says.
        if !key.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'{') {
            self.outside.search(key);
        }
        self.votes.observe(key, value);
    }

    /// Takes over what another part said.
    pub(super) fn merge(&mut self, other: Self) {
        self.names.merge(other.names);
        self.votes.merge(other.votes);
        self.outside.merge(other.outside);
    }
}
