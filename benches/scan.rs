//! The passes of a scan, as the library runs them: bytes of the file a second.
//!
//! `ETCD_SLEUTH_BENCH` names the file; without it the largest fixture is unpacked, which is small: it shows changes, not limits.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, missing_docs, reason = "a bench that panics has no figure")]

use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use etcd_sleuth::analysis::{self, DigestMode, List, Options, Progress, Resources, Scope};
use etcd_sleuth::evidence::{Evidence, Limits};
use etcd_sleuth::report::records::row_line;

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
    let options = |digest| Options { digest, ..Options::default() };
    let survey = |options: &Options| analysis::survey(&evidence, options, &Progress::default()).expect("a database");
    // Into the page cache, so that the first figure is not the disk's.
    let surveyed = survey(&options(DigestMode::Sha256));

    let mut group = criterion.benchmark_group("scan");
    group.sample_size(10).throughput(Throughput::Bytes(evidence.content().len() as u64));
    for (name, digest) in [("digest off", DigestMode::None), ("digest on", DigestMode::Sha256)] {
        group.bench_function(BenchmarkId::new("first pass", name), |bench| bench.iter(|| black_box(survey(&options(digest)))));
    }
    for (name, resources) in [("secrets", Resources::Secrets), ("all", Resources::All)] {
        let scope = Scope { resources, ..Scope::default() };
        let list = List::new(&surveyed, &scope);
        group.bench_function(BenchmarkId::new("second pass, counted", name), |bench| {
            bench.iter(|| list.run(|_, _| (), |_| Ok(())).unwrap());
        });
        group.bench_function(BenchmarkId::new("second pass, JSON Lines", name), |bench| {
            bench.iter(|| {
                let mut written = 0usize;
                list.run(
                    |row, out| {
                        row_line(0, row, out);
                    },
                    |lines| {
                        written = written.saturating_add(lines.len());
                        Ok(())
                    },
                )
                .unwrap();
                written
            });
        });
    }
    group.finish();
}

criterion_group!(benches, passes);
criterion_main!(benches);
