//! How much of what a file still holds is found: what a scan reports outside the tree against the truth about fixtures.
//!
//! ```text
//! cargo run --release --example accuracy            # the fixtures in testdata/
//! cargo run --release --example accuracy -- DIR     # those that `testdata/recipe/make.sh --out DIR --seed N` made
//! ```
//! Exits with 1 where a promise is broken: a whole value missed or invented, a place in the tree called residue, of plaintext
//! pieces that begin with their value's first byte less than 99 % found, of headless ones less than 50 %, or more than 1 %
//! of the bytes that are reported as fragments of no one value.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a measuring program over fixtures and the truth about them"
)]

#[path = "../tests/it/common/accuracy.rs"]
#[allow(dead_code, reason = "tests use more of it")]
mod accuracy;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use accuracy::Judgement;
use anyhow::{Context, ensure};
use etcd_sleuth::collect::Collector;
use etcd_sleuth::evidence::{Evidence, Limits, Numbering};
use etcd_sleuth::render::records::row_line;
use etcd_sleuth::report::RowContext;
use etcd_sleuth::row::Scope;
use etcd_sleuth::store::{DatabaseStore, ReadOptions};
use serde_json::Value;

fn main() -> anyhow::Result<ExitCode> {
    let dir = std::env::args().nth(1).map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"), PathBuf::from);
    let mut names: Vec<String> = fs::read_dir(&dir)
        .with_context(|| dir.display().to_string())?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".db").or_else(|| name.strip_suffix(".db.zst")).map(str::to_owned)
        })
        .collect();
    names.sort();
    ensure!(!names.is_empty(), "no fixture in {}", dir.display());

    let mut all = Judgement::default();
    for name in &names {
        all.add(judge(&dir, name).with_context(|| name.clone())?);
    }
    println!("{} files: {}\n\n{all}", names.len(), names.join(", "));
    all.remarks.iter().for_each(|remark| println!("{remark}"));
    let broken = all.broken();
    broken.iter().for_each(|promise| println!("BROKEN: {promise}"));
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn judge(dir: &Path, name: &str) -> anyhow::Result<Judgement> {
    let truth = zstd::stream::decode_all(fs::File::open(dir.join(format!("{name}.truth.json.zst")))?)?;
    let plain = dir.join(format!("{name}.db"));
    // A packed one is read as it is.
    let path = if plain.exists() { plain } else { dir.join(format!("{name}.db.zst")) };
    let evidence = Evidence::open(&path, &Limits::default())?;
    let store = DatabaseStore::read(&evidence, &ReadOptions::default())?;
    let context = RowContext { evidence: Numbering::default().evidence(), cluster: None, verdict: None };
    let mut lines = Vec::new();
    Collector::new(&store, &Scope::all()).run(
        |row, lines| row_line(context, row, lines),
        |some| {
            lines.extend_from_slice(some.as_bytes());
            Ok(())
        },
    )?;
    let records = serde_json::Deserializer::from_slice(&lines).into_iter::<Value>().collect::<Result<Vec<Value>, _>>()?;
    Ok(Judgement::of(&serde_json::from_slice(&truth)?, &records))
}
