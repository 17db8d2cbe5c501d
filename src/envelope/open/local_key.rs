//! Keys that stand in the API server's own configuration.

use super::{Opened, Unopened};

/// A key of one of the providers whose keys stand in the configuration; each cipher makes its own. It is wiped when dropped.
pub struct LocalKey(Box<dyn Cipher>);

/// A cipher with its key, which it wipes when dropped.
pub(super) trait Cipher: Send + Sync + 'static {
    /// The bytes of the key.
    fn key(&self) -> &[u8];

    /// Opens what follows the key's name in a value that is stored under `storage_key`.
    fn open(&self, sealed: &[u8], storage_key: &[u8]) -> Result<Opened, Unopened>;
}

impl LocalKey {
    pub(super) fn of(cipher: impl Cipher) -> Self {
        Self(Box::new(cipher))
    }

    /// Whether it has the same bytes: of one provider, that it is the same key, whatever it is called.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }

    /// Opens what follows the key's name in a value that is stored under `storage_key`.
    ///
    /// # Errors
    /// It is not sealed with this key, or the sealed bytes are not whole.
    pub fn open(&self, sealed: &[u8], storage_key: &[u8]) -> Result<Opened, Unopened> {
        self.0.open(sealed, storage_key)
    }
}
