//! Keys that stand in the API server's own configuration.

use zeroize::Zeroizing;

use super::aes::AesKey;
use super::{Opened, Proof, Unopened, WrongLength, secretbox};

/// A key of aescbc, aesgcm or secretbox. It is wiped when dropped.
pub struct LocalKey(Cipher);

enum Cipher {
    AesCbc(AesKey),
    AesGcm(AesKey),
    Secretbox(Zeroizing<[u8; 32]>),
}

impl LocalKey {
    /// A key of `aescbc`.
    ///
    /// # Errors
    /// It has neither 16, 24 nor 32 bytes.
    pub fn aes_cbc(bytes: &[u8]) -> Result<Self, WrongLength> {
        AesKey::new(bytes).map(Cipher::AesCbc).map(Self)
    }

    /// A key of `aesgcm`.
    ///
    /// # Errors
    /// It has neither 16, 24 nor 32 bytes.
    pub fn aes_gcm(bytes: &[u8]) -> Result<Self, WrongLength> {
        AesKey::new(bytes).map(Cipher::AesGcm).map(Self)
    }

    /// A key of `secretbox`.
    ///
    /// # Errors
    /// It has not 32 bytes.
    pub fn secretbox(bytes: &[u8]) -> Result<Self, WrongLength> {
        let key = bytes.try_into().map_err(|_| WrongLength { found: bytes.len(), expected: "32" })?;
        Ok(Self(Cipher::Secretbox(Zeroizing::new(key))))
    }

    /// Whether it is the same key, whatever it is called.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Cipher::AesCbc(one), Cipher::AesCbc(other)) | (Cipher::AesGcm(one), Cipher::AesGcm(other)) => one.bytes() == other.bytes(),
            (Cipher::Secretbox(one), Cipher::Secretbox(other)) => one == other,
            (Cipher::AesCbc(_) | Cipher::AesGcm(_) | Cipher::Secretbox(_), _) => false,
        }
    }

    /// Opens what follows the key's name in a value that is stored under `storage_key`.
    ///
    /// # Errors
    /// It is not sealed with this key, or the sealed bytes are not whole.
    pub fn open(&self, sealed: &[u8], storage_key: &[u8]) -> Result<Opened, Unopened> {
        let (plaintext, proof) = match &self.0 {
            Cipher::AesCbc(key) => (key.open_cbc(sealed)?, Proof::Padding),
            Cipher::AesGcm(key) => (key.open_gcm(sealed, storage_key)?, Proof::Tag),
            Cipher::Secretbox(key) => (secretbox::open(key, sealed)?, Proof::Tag),
        };
        Ok(Opened { plaintext, proof })
    }
}
