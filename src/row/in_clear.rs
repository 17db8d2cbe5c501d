//! What of a value stands in clear.
//!
//! A value is encrypted where its prefix says so, and where what follows may be ciphertext. What begins as a stored object does is none:
//! whoever put the prefix before it did not encrypt it.

use crate::envelope::{Sealed, Stored};
use crate::kubernetes::Encoding;

/// A value, seen from outside.
#[derive(Clone, Copy, Debug)]
pub(super) enum Looks<'data> {
    /// No bytes at all.
    Empty,
    /// The object as it is, perhaps behind a prefix that says that it is encrypted.
    Plain { object: &'data [u8], is_behind_prefix: bool },
    /// Under a prefix.
    Sealed(Sealed<'data>),
}

impl<'data> Looks<'data> {
    pub(super) fn of(value: &'data [u8]) -> Self {
        match Stored::of(value) {
            Stored::Empty => Self::Empty,
            Stored::Plain(object) => Self::Plain { object, is_behind_prefix: false },
            Stored::Sealed(sealed) => match sealed.bodies().find(|body| Encoding::of_object(body).is_some()) {
                Some(object) => Self::Plain { object, is_behind_prefix: true },
                None => Self::Sealed(sealed),
            },
        }
    }
}

/// What of a value that is readable without a key is the object.
pub(super) fn object_of(value: &[u8]) -> &[u8] {
    match Looks::of(value) {
        Looks::Plain { object, .. } => object,
        Looks::Empty | Looks::Sealed(_) => value,
    }
}
