//! Opening: from a sealed value and a key to the object within.
//!
//! Pure functions: no key is looked for here, nothing is asked of anybody, and the same bytes under the same key always
//! give the same answer. An AEAD's tag proves the key and the bytes; AES-CBC has none, and with a wrong key its padding
//! fits by chance in one value of 256, so [`Proof::Padding`] proves nothing before the object within is read.

mod aes;
mod data_key;
mod dek_source;
mod local_key;
mod secretbox;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

use zeroize::Zeroizing;

pub use self::data_key::{DataKey, Dek, DekSeed};
pub use self::dek_source::{DekSourceId, DekSourceKind};
pub use self::local_key::LocalKey;

/// The bytes of an object that was sealed. They are wiped when this is dropped, and cannot be printed or copied by it.
pub struct Plaintext(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Plaintext {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A value that a key opened.
pub struct Opened {
    /// What was sealed.
    pub plaintext: Plaintext,
    /// What the opening proves.
    pub proof: Proof,
}

/// What an opening proves of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// An authentication tag held: this is the key, and the bytes are those that were sealed.
    Tag,
    /// Only AES-CBC's padding fits, which it does by chance under one wrong key in 256.
    Padding,
}

/// Why a key does not open a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// No key could open it: the sealed bytes are not of the provider's form.
    #[error("{found} sealed bytes where {expected} must be")]
    Form {
        /// Bytes there.
        found: usize,
        /// What the provider writes.
        expected: &'static str,
    },
    /// The tag does not hold: another key, another storage key, or changed bytes.
    #[error("the authentication tag does not hold")]
    Tag,
    /// The padding does not fit: another key, or changed bytes.
    #[error("the padding does not fit")]
    Padding,
}

/// Key material of a length that its cipher does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found} bytes of key, expected {expected}")]
pub struct WrongLength {
    /// Bytes there.
    pub found: usize,
    /// Lengths the cipher has.
    pub expected: &'static str,
}
