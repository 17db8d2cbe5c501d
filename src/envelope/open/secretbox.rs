//! NaCl's secretbox: XSalsa20 and Poly1305.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 24 | nonce |
//! | 24 | 16 | tag over the ciphertext; nothing ties it to an etcd key |
//! | 40 | n | ciphertext |
//!
//! The first 32 bytes of the key stream are Poly1305's key; the ciphertext begins with the 33rd.
//! Source: k8s.io/apiserver `pkg/storage/value/encrypt/secretbox/secretbox.go`, golang.org/x/crypto `nacl/secretbox`.

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::local_key::Cipher;
use super::{LocalKey, Opened, Plaintext, Proof, Unopened, WrongLength};

const NONCE: usize = 24;
const TAG: usize = 16;

struct Secretbox(Zeroizing<[u8; 32]>);

impl Cipher for Secretbox {
    fn key(&self) -> &[u8] {
        self.0.as_slice()
    }

    fn open(&self, sealed: &[u8], _storage_key: &[u8]) -> Result<Opened, Unopened> {
        Ok(Opened { plaintext: open(&self.0, sealed)?, proof: Proof::Tag })
    }
}

impl LocalKey {
    /// A key of `secretbox`.
    ///
    /// # Errors
    /// It has not 32 bytes.
    pub fn secretbox(bytes: &[u8]) -> Result<Self, WrongLength> {
        let key = bytes.try_into().map_err(|_| WrongLength { found: bytes.len(), expected: "32" })?;
        Ok(Self::of(Secretbox(Zeroizing::new(key))))
    }
}

/// Opens a box.
fn open(key: &[u8; 32], sealed: &[u8]) -> Result<Plaintext, Unopened> {
    let form = Unopened::Form { found: sealed.len(), expected: "40 or more" };
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(form)?;
    let (tag, ciphertext) = rest.split_first_chunk::<TAG>().ok_or(form)?;
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut mac_key = Zeroizing::new([0u8; 32]);
    stream.apply_keystream(mac_key.as_mut_slice());
    let computed = Poly1305::new((&*mac_key).into()).compute_unpadded(ciphertext);
    if !bool::from(computed.as_slice().ct_eq(tag)) {
        return Err(Unopened::Tag);
    }
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    stream.apply_keystream(&mut buffer);
    Ok(Plaintext(buffer))
}
