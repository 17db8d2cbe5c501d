//! Data keys: what a KMS unwraps.
//!
//! | DEK source | sealed bytes | key of a value |
//! |---|---|---|
//! | KMS v1 | nonce 12, ciphertext, tag 16; before Kubernetes 1.25 IV 16, AES-CBC | the DEK |
//! | KMS v2, type 0 | nonce 12, ciphertext, tag 16 | the DEK |
//! | KMS v2, type 1 | info 32, nonce 12, ciphertext, tag 16 | 32 bytes of HKDF-Expand with SHA-256 of seed and info |
//!
//! Source: k8s.io/apiserver `envelope/envelope.go`, `envelope/kmsv2/envelope.go`, `aes/aes_extended_nonce.go`, v0.36.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::aes::AesKey;
use super::{DekSourceKind, Opened, Plaintext, Proof, Unopened, WrongLength};

const INFO: usize = 32;
/// The shortest seed an API server takes.
const SHORTEST_SEED: usize = 32;
/// The longest seed taken here; API servers make 32 bytes.
const LONGEST_SEED: usize = 4096;

/// What a KMS unwrapped from a DEK source: a key, or a seed of keys. It is wiped when dropped.
pub enum DataKey {
    /// The key of one value, used with AES-GCM or, by older API servers, AES-CBC.
    OfOneValue(Dek),
    /// A key, used with AES-GCM.
    Key(Dek),
    /// A seed of keys.
    Seed(DekSeed),
}

/// A data encryption key of AES.
pub struct Dek(AesKey);

/// A seed from which every value's own key is expanded.
pub struct DekSeed(Zeroizing<Vec<u8>>);

impl Dek {
    /// Takes the bytes that a KMS gave.
    ///
    /// # Errors
    /// It has neither 16, 24 nor 32 bytes.
    pub fn new(bytes: &[u8]) -> Result<Self, WrongLength> {
        AesKey::new(bytes).map(Self)
    }
}

impl DekSeed {
    /// Takes the bytes that a KMS gave.
    ///
    /// # Errors
    /// It has fewer than 32 bytes, or more than anybody would make.
    pub fn new(bytes: &[u8]) -> Result<Self, WrongLength> {
        match bytes.len() {
            SHORTEST_SEED..=LONGEST_SEED => Ok(Self(Zeroizing::new(bytes.to_vec()))),
            found => Err(WrongLength { found, expected: "32 to 4096" }),
        }
    }

    fn open(&self, sealed: &[u8], storage_key: &[u8]) -> Result<Plaintext, Unopened> {
        let form = Unopened::Form { found: sealed.len(), expected: "60 or more" };
        let (info, sealed) = sealed.split_first_chunk::<INFO>().ok_or(form)?;
        let mut key = Zeroizing::new([0u8; 32]);
        // Expand only: the seed is the pseudorandom key, nothing is extracted from it.
        let hkdf = Hkdf::<Sha256>::from_prk(&self.0).map_err(|_| Unopened::Tag)?;
        hkdf.expand(info, key.as_mut_slice()).map_err(|_| Unopened::Tag)?;
        AesKey::Long(key).open_gcm(sealed, storage_key)
    }
}

impl DataKey {
    /// Takes the bytes that a KMS gave for a DEK source of this kind.
    ///
    /// # Errors
    /// They are too few or too many for it.
    pub fn new(kind: DekSourceKind, bytes: &[u8]) -> Result<Self, WrongLength> {
        match kind {
            DekSourceKind::KeyOfOneValue => Dek::new(bytes).map(Self::OfOneValue),
            DekSourceKind::Key => Dek::new(bytes).map(Self::Key),
            DekSourceKind::Seed => DekSeed::new(bytes).map(Self::Seed),
        }
    }

    /// Opens the sealed bytes of a value that is stored under `storage_key`.
    ///
    /// # Errors
    /// They are not sealed with this key, or not whole.
    pub fn open(&self, sealed: &[u8], storage_key: &[u8]) -> Result<Opened, Unopened> {
        let authentic = |plaintext| Opened { plaintext, proof: Proof::Tag };
        match self {
            Self::OfOneValue(Dek(key)) => match key.open_gcm(sealed, storage_key) {
                Ok(plaintext) => Ok(authentic(plaintext)),
                // Only a payload that GCM could have written speaks of a tag; CBC's padding says no more than that.
                Err(error) => match key.open_cbc(sealed) {
                    Ok(plaintext) => Ok(Opened { plaintext, proof: Proof::Padding }),
                    Err(_) => Err(error),
                },
            },
            Self::Key(Dek(key)) => key.open_gcm(sealed, storage_key).map(authentic),
            Self::Seed(seed) => seed.open(sealed, storage_key).map(authentic),
        }
    }
}
