//! What values say for all values of their file: names of keys, and prefixes of API servers.

use crate::envelope::{NameTable, Stored};
use crate::kubernetes::PrefixVotes;

/// What the values of a part of an evidence said.
#[derive(Debug, Default)]
pub(super) struct Witness<'data> {
    pub names: NameTable<'data>,
    pub votes: PrefixVotes<'data>,
}

impl<'data> Witness<'data> {
    /// Hears a whole value, and tells how it is stored.
    pub(super) fn hear(&mut self, key: &'data [u8], value: &'data [u8]) -> Stored<'data> {
        self.hear_beginning(key, value);
        let stored = Stored::of(value);
        if let Stored::Sealed(sealed) = &stored {
            self.names.observe(sealed);
        }
        stored
    }

    /// Hears a value of which the end may be lost: where its key's name ends cannot be told.
    pub(super) fn hear_beginning(&mut self, key: &'data [u8], beginning: &[u8]) {
        self.votes.observe(key, beginning);
    }

    /// Takes over what another part said.
    pub(super) fn merge(&mut self, other: Self) {
        self.names.merge(other.names);
        self.votes.merge(other.votes);
    }
}
