//! AES in the two modes that API servers use.
//!
//! | mode | offset | size | field |
//! |---|---|---|---|
//! | GCM | 0 | 12 | nonce |
//! | | 12 | n | ciphertext |
//! | | 12 + n | 16 | tag over the ciphertext and the etcd key |
//! | CBC | 0 | 16 | IV |
//! | | 16 | 16 m | ciphertext, padded after PKCS#7; nothing authenticates it |
//!
//! Source: k8s.io/apiserver `pkg/storage/value/encrypt/aes/aes.go`, v0.36.

use ::aes::cipher::block_padding::Pkcs7;
use ::aes::cipher::{BlockModeDecrypt, KeyIvInit};
use ::aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{AesGcm, Nonce, Tag};
use zeroize::Zeroizing;

use super::local_key::Cipher;
use super::{LocalKey, Opened, Plaintext, Proof, Unopened, WrongLength};

const NONCE: usize = 12;
const TAG: usize = 16;
const BLOCK: usize = 16;

/// A key of AES-128, AES-192 or AES-256.
pub(super) enum AesKey {
    Short(Zeroizing<[u8; 16]>),
    Middle(Zeroizing<[u8; 24]>),
    Long(Zeroizing<[u8; 32]>),
}

impl AesKey {
    pub(super) fn new(bytes: &[u8]) -> Result<Self, WrongLength> {
        if let Ok(key) = bytes.try_into() {
            Ok(Self::Short(Zeroizing::new(key)))
        } else if let Ok(key) = bytes.try_into() {
            Ok(Self::Middle(Zeroizing::new(key)))
        } else if let Ok(key) = bytes.try_into() {
            Ok(Self::Long(Zeroizing::new(key)))
        } else {
            Err(WrongLength { found: bytes.len(), expected: "16, 24 or 32" })
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(key) => &key[..],
            Self::Middle(key) => &key[..],
            Self::Long(key) => &key[..],
        }
    }

    /// Opens what AES-GCM sealed for the etcd key `storage_key`.
    pub(super) fn open_gcm(&self, sealed: &[u8], storage_key: &[u8]) -> Result<Plaintext, Unopened> {
        match self {
            Self::Short(key) => gcm(&AesGcm::<Aes128, U12>::new((&**key).into()), sealed, storage_key),
            Self::Middle(key) => gcm(&AesGcm::<Aes192, U12>::new((&**key).into()), sealed, storage_key),
            Self::Long(key) => gcm(&AesGcm::<Aes256, U12>::new((&**key).into()), sealed, storage_key),
        }
    }

    /// Opens what AES-CBC sealed, as far as the padding can tell.
    pub(super) fn open_cbc(&self, sealed: &[u8]) -> Result<Plaintext, Unopened> {
        match self {
            Self::Short(key) => cbc::<Aes128>(&**key, sealed),
            Self::Middle(key) => cbc::<Aes192>(&**key, sealed),
            Self::Long(key) => cbc::<Aes256>(&**key, sealed),
        }
    }
}

struct Cbc(AesKey);

impl Cipher for Cbc {
    fn key(&self) -> &[u8] {
        self.0.bytes()
    }

    fn open(&self, sealed: &[u8], _storage_key: &[u8]) -> Result<Opened, Unopened> {
        Ok(Opened { plaintext: self.0.open_cbc(sealed)?, proof: Proof::Padding })
    }
}

struct Gcm(AesKey);

impl Cipher for Gcm {
    fn key(&self) -> &[u8] {
        self.0.bytes()
    }

    fn open(&self, sealed: &[u8], storage_key: &[u8]) -> Result<Opened, Unopened> {
        Ok(Opened { plaintext: self.0.open_gcm(sealed, storage_key)?, proof: Proof::Tag })
    }
}

impl LocalKey {
    /// A key of `aescbc`.
    ///
    /// # Errors
    /// It has neither 16, 24 nor 32 bytes.
    pub fn aes_cbc(bytes: &[u8]) -> Result<Self, WrongLength> {
        AesKey::new(bytes).map(Cbc).map(Self::of)
    }

    /// A key of `aesgcm`.
    ///
    /// # Errors
    /// It has neither 16, 24 nor 32 bytes.
    pub fn aes_gcm(bytes: &[u8]) -> Result<Self, WrongLength> {
        AesKey::new(bytes).map(Gcm).map(Self::of)
    }
}

fn gcm<A: AeadInOut<NonceSize = U12, TagSize = aes_gcm::aead::consts::U16>>(
    cipher: &A,
    sealed: &[u8],
    storage_key: &[u8],
) -> Result<Plaintext, Unopened> {
    let form = Unopened::Form { found: sealed.len(), expected: "28 or more" };
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(form)?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG>().ok_or(form)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let (nonce, tag) = (Nonce::from(*nonce), Tag::from(*tag));
    cipher
        .decrypt_inout_detached(&nonce, storage_key, buffer.as_mut_slice().into(), &tag)
        .map(|()| Plaintext(buffer))
        .map_err(|_| Unopened::Tag)
}

fn cbc<C>(key: &[u8], sealed: &[u8]) -> Result<Plaintext, Unopened>
where
    C: ::aes::cipher::BlockCipherDecrypt,
    cbc::Decryptor<C>: KeyIvInit + BlockModeDecrypt,
{
    let form = Unopened::Form { found: sealed.len(), expected: "32 or a greater multiple of 16" };
    let (iv, ciphertext) = sealed.split_first_chunk::<BLOCK>().ok_or(form)?;
    if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
        return Err(form);
    }
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).map_err(|_| form)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = cipher.decrypt_padded::<Pkcs7>(&mut buffer).map_err(|_| Unopened::Padding)?.len();
    buffer.truncate(length);
    Ok(Plaintext(buffer))
}
