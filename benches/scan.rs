//! The passes of a scan, as the library runs them: bytes of the file a second.
//!
//! `ETCD_SLEUTH_BENCH` names the file; without it the largest fixture is unpacked, which is small: it shows changes, not limits.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, missing_docs, reason = "a bench that panics has no figure")]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use etcd_sleuth::collect::Collector;
use etcd_sleuth::evidence::{Evidence, Limits, Numbering};
use etcd_sleuth::render::records::row_line;
use etcd_sleuth::report::RowContext;
use etcd_sleuth::row::{Resources, Scope};
use etcd_sleuth::store::{DatabaseStore, Digests, Progress, ReadOptions};

/// The file, and the folder that is removed at the end where it was unpacked for this.
fn file() -> (PathBuf, Option<tempfile::TempDir>) {
    if let Some(given) = std::env::var_os("ETCD_SLEUTH_BENCH") {
        return (given.into(), None);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big-values.db");
    let packed = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/big-values.db.zst")).unwrap();
    std::fs::write(&path, zstd::stream::decode_all(packed.as_slice()).unwrap()).unwrap();
    (path, Some(dir))
}

fn passes(criterion: &mut Criterion) {
    let (path, _dir) = file();
    let evidence = Evidence::open(&path, &Limits::default()).expect("evidence");
    let read = || DatabaseStore::read(&evidence, &ReadOptions::default()).expect("a database");
    // Into the page cache, so that the first figure is not the disk's.
    let store = read();
    Digests::of(&evidence, &Progress::default());

    let mut group = criterion.benchmark_group("scan");
    group.sample_size(10).throughput(Throughput::Bytes(evidence.content().len() as u64));
    group.bench_function("first pass", |bench| bench.iter(|| black_box(read())));
    group.bench_function("digests", |bench| bench.iter(|| black_box(Digests::of(&evidence, &Progress::default()))));
    let context = RowContext { evidence: Numbering::default().evidence(), cluster: None, verdict: None };
    for (name, resources) in [("secrets", Resources::Secrets), ("all", Resources::All)] {
        let scope = Scope { resources, ..Scope::default() };
        let collector = Collector::new(&store, &scope);
        group.bench_function(BenchmarkId::new("second pass, counted", name), |bench| bench.iter(|| collector.each(|_| {})));
        group.bench_function(BenchmarkId::new("second pass, JSON Lines", name), |bench| {
            bench.iter(|| {
                let mut written = 0usize;
                let count = |lines: &etcd_sleuth::collect::Lines| {
                    written = written.saturating_add(lines.as_bytes().len());
                    Ok(())
                };
                collector.run(|row, lines| row_line(context, row, lines), count).unwrap();
                written
            });
        });
    }
    group.finish();
}

criterion_group!(benches, passes);
criterion_main!(benches);
