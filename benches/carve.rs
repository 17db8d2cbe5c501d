//! Carving: bytes a second, on random bytes in which values were planted.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench that panics has no figure"
)]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use etcd_sleuth::evidence::{Evidence, Limits};
use etcd_sleuth::store::{Digests, ImageStore, Progress, ReadOptions};

/// Bytes of the image, and of the blocks between planted pages of a database.
const IMAGE: usize = 1 << 30;
const BETWEEN: usize = 1 << 20;

fn image() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut image = Vec::with_capacity(IMAGE);
    while image.len() < IMAGE {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        image.extend(state.to_le_bytes());
    }
    let database = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/migration.db")).unwrap();
    for (at, page) in (0..IMAGE).step_by(BETWEEN).zip(database.chunks_exact(4096).skip(2).cycle()) {
        image[at..at + page.len()].copy_from_slice(page);
    }
    image
}

fn carving(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    std::fs::write(&path, image()).unwrap();
    let evidence = Evidence::open(&path, &Limits::default()).expect("evidence");
    let mut group = criterion.benchmark_group("carve");
    group.sample_size(10).throughput(Throughput::Bytes(IMAGE as u64));
    group.bench_function("search", |bench| bench.iter(|| black_box(ImageStore::search(&evidence, None, &ReadOptions::default()))));
    group.bench_function("digests", |bench| bench.iter(|| black_box(Digests::of(&evidence, &Progress::default()))));
    group.finish();
}

criterion_group!(benches, carving);
criterion_main!(benches);
