//! Opening sealed values of 2 kB on every core, for each provider: `cargo bench --bench opening`.

#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, missing_docs, reason = "a bench that panics fails")]

use std::hint::black_box;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit, StreamCipher};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etcd_sleuth::envelope::open::{DataKey, DekSourceKind, LocalKey, Opened, Unopened};
use hkdf::Hkdf;
use poly1305::Poly1305;
use rayon::prelude::*;
use sha2::Sha256;

const VALUES: usize = 30_000;
const LENGTH: usize = 2048;
const KEY: [u8; 32] = [7; 32];
const STORAGE_KEY: &[u8] = b"/registry/secrets/production/database-password";

/// Bytes that differ from value to value, as nonces do.
fn nonce<const N: usize>(number: usize) -> [u8; N] {
    let mut nonce = [0; N];
    nonce.iter_mut().zip(number.to_le_bytes()).for_each(|(byte, part)| *byte = part);
    nonce
}

fn gcm(key: &[u8; 32], number: usize, plaintext: &[u8]) -> Vec<u8> {
    let nonce = nonce::<12>(number);
    let payload = Payload { msg: plaintext, aad: STORAGE_KEY };
    let sealed = Aes256Gcm::new(key.into()).encrypt(&Nonce::from(nonce), payload).unwrap();
    [&nonce[..], &sealed].concat()
}

fn seeded(number: usize, plaintext: &[u8]) -> Vec<u8> {
    let info = nonce::<32>(number);
    let mut key = [0; 32];
    Hkdf::<Sha256>::from_prk(&KEY).unwrap().expand(&info, &mut key).unwrap();
    [&info[..], &gcm(&key, number, plaintext)].concat()
}

fn cbc(number: usize, plaintext: &[u8]) -> Vec<u8> {
    let iv = nonce::<16>(number);
    let sealed = cbc::Encryptor::<aes::Aes256>::new(&KEY.into(), &iv.into()).encrypt_padded_vec::<Pkcs7>(plaintext);
    [&iv[..], &sealed].concat()
}

fn secretbox(number: usize, plaintext: &[u8]) -> Vec<u8> {
    let nonce = nonce::<24>(number);
    let mut stream = salsa20::XSalsa20::new(&KEY.into(), &nonce.into());
    let mut mac_key = [0; 32];
    stream.apply_keystream(&mut mac_key);
    let mut sealed = plaintext.to_vec();
    stream.apply_keystream(&mut sealed);
    let tag = Poly1305::new(&mac_key.into()).compute_unpadded(&sealed);
    [&nonce[..], &tag, &sealed].concat()
}

type Seal = fn(usize, &[u8]) -> Vec<u8>;
type Open = Box<dyn Fn(&[u8]) -> Result<Opened, Unopened> + Sync>;

fn local(key: LocalKey) -> Open {
    Box::new(move |sealed| key.open(sealed, STORAGE_KEY))
}

fn data_key(kind: DekSourceKind) -> Open {
    let key = DataKey::new(kind, &KEY).unwrap();
    Box::new(move |sealed| key.open(sealed, STORAGE_KEY))
}

fn opening(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("open 2 kB");
    group.throughput(Throughput::Elements(VALUES as u64)).sample_size(20);
    let forms: [(&str, Seal, Open); 6] = [
        ("aescbc", cbc, local(LocalKey::aes_cbc(&KEY).unwrap())),
        ("aesgcm", |number, plaintext| gcm(&KEY, number, plaintext), local(LocalKey::aes_gcm(&KEY).unwrap())),
        ("secretbox", secretbox, local(LocalKey::secretbox(&KEY).unwrap())),
        ("kms v1, in CBC", cbc, data_key(DekSourceKind::KeyOfOneValue)),
        ("kms v2, a key", |number, plaintext| gcm(&KEY, number, plaintext), data_key(DekSourceKind::Key)),
        ("kms v2, a seed", seeded, data_key(DekSourceKind::Seed)),
    ];
    for (name, seal, open) in forms {
        let values: Vec<_> = (0..VALUES).map(|number| seal(number, &vec![0x5a; LENGTH])).collect();
        group.bench_function(name, |bench| {
            bench.iter(|| {
                values.par_iter().for_each(|sealed| {
                    black_box(open(sealed).map(|opened| opened.plaintext.as_ref().len()).unwrap());
                });
            });
        });
    }
    group.finish();
}

criterion_group!(benches, opening);
criterion_main!(benches);
