//! Values as an API server seals them.

use std::collections::BTreeMap;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use etcd_sleuth::envelope::pb;
use prost::Message;
use serde_json::json;

/// A value of a database: etcd's key, and its bytes.
pub(crate) type Stored = (String, Vec<u8>);

/// A Secret in clear.
pub(crate) fn secret(name: &str) -> Stored {
    let metadata = json!({ "namespace": "prod", "name": name });
    let object = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": { "a": "YQ==" } });
    (format!("/registry/secrets/prod/{name}"), serde_json::to_vec(&object).unwrap())
}

/// Nonce, ciphertext and tag.
fn gcm(key: [u8; 32], storage_key: &str, mut value: Vec<u8>) -> Vec<u8> {
    let nonce = [7u8; 12];
    let tag = Aes256Gcm::new((&key).into())
        .encrypt_inout_detached(&Nonce::from(nonce), storage_key.as_bytes(), value.as_mut_slice().into())
        .unwrap();
    [&nonce[..], &value, &tag].concat()
}

/// Sealed by AES-GCM under this key and name.
pub(crate) fn aes_gcm(key: [u8; 32], name: &str, (storage_key, value): Stored) -> Stored {
    let sealed = gcm(key, &storage_key, value);
    (storage_key, [format!("k8s:enc:aesgcm:v1:{name}:").as_bytes(), &sealed].concat())
}

/// Sealed by AES-CBC under this key and name, which binds no value to its place.
pub(crate) fn aes_cbc(key: [u8; 32], name: &str, (storage_key, value): Stored) -> Stored {
    let iv = [7u8; 16];
    let cipher = cbc::Encryptor::<aes::Aes256>::new(&key.into(), &iv.into());
    let sealed = cipher.encrypt_padded_vec::<Pkcs7>(&value);
    (storage_key, [format!("k8s:enc:aescbc:v1:{name}:").as_bytes(), &iv, &sealed].concat())
}

/// Sealed through KMS v2 by a DEK that was wrapped as `wrapped` under `key_id`.
pub(crate) fn kms_v2(provider: &str, key_id: &str, wrapped: &[u8], dek: [u8; 32], (storage_key, value): Stored) -> Stored {
    let object = pb::EncryptedObject {
        encrypted_data: gcm(dek, &storage_key, value),
        key_id: key_id.into(),
        encrypted_dek_source: wrapped.to_vec(),
        annotations: BTreeMap::new(),
        encrypted_dek_source_type: 0,
    };
    (storage_key, [format!("k8s:enc:kms:v2:{provider}:").as_bytes(), &object.encode_to_vec()].concat())
}

/// Sealed through KMS v1 by a DEK that was wrapped as `wrapped`.
pub(crate) fn kms_v1(provider: &str, wrapped: &[u8], dek: [u8; 32], (storage_key, value): Stored) -> Stored {
    let length = u16::try_from(wrapped.len()).unwrap().to_be_bytes();
    let sealed = gcm(dek, &storage_key, value);
    (storage_key, [format!("k8s:enc:kms:v1:{provider}:").as_bytes(), &length, wrapped, &sealed].concat())
}
