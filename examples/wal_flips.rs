//! How surely a flipped bit in a write-ahead log is noticed, by what the bit is part of.
//!
//! ```text
//! cargo run --example wal_flips -- SEGMENT [STRIDE]
//! ```
//! Every bit of the frames around the data is flipped, one at a time, and one in STRIDE bits of the data and of the zeros
//! behind the log (default 61). A flip counts as *noticed* when reading gives an anomaly that the sound segment does not,
//! as *located* when one of them names the damaged record, and *entries lost* are entries that are no longer read.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a measuring program over a segment that was found sound")]

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use etcd_sleuth::etcd::wal::{Content, Kind, Log, Records, SegmentName};
use etcd_sleuth::evidence::anomaly::Anomalies;

/// What one reading of the segment gives.
struct Reading {
    anomalies: u64,
    offsets: Vec<u64>,
    entries: u64,
}

#[derive(Default)]
struct Counts {
    flips: u64,
    noticed: u64,
    located: u64,
    entries_lost: u64,
}

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let path = args.next().context("usage: wal_flips SEGMENT [STRIDE]")?;
    let stride: usize = args.next().map_or(Ok(61), |stride| stride.parse())?;
    let name = std::path::Path::new(&path).file_name().and_then(|name| SegmentName::parse(name.to_str()?));
    let mut bytes = std::fs::read(&path)?;

    let parts = parts(&mut bytes, name)?;
    let sound = read(&bytes, name);
    ensure!(sound.anomalies == 0, "the segment is not sound to begin with");
    let mut table: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut sampled = 0usize;
    for (at, (part, frame)) in parts.iter().enumerate() {
        for bit in 0..8 {
            if matches!(*part, "data" | "zeros behind the log") {
                sampled += 1;
                if !sampled.is_multiple_of(stride) {
                    continue;
                }
            }
            bytes[at] ^= 1 << bit;
            let reading = read(&bytes, name);
            bytes[at] ^= 1 << bit;
            let counts = table.entry(part).or_default();
            let end = parts.iter().skip(at).position(|(_, other)| other != frame).map_or(parts.len(), |more| at + more) as u64;
            counts.flips += 1;
            counts.noticed += u64::from(reading.anomalies > 0);
            counts.located += u64::from(reading.offsets.iter().any(|offset| (*frame..end.max(frame + 1)).contains(offset)));
            counts.entries_lost += sound.entries.saturating_sub(reading.entries);
        }
    }
    println!("{:<24}{:>9}{:>9}{:>10}{:>9}{:>14}", "bit of", "flips", "noticed", "", "located", "entries lost");
    for (part, c) in &table {
        let percent = c.noticed as f64 * 100.0 / c.flips as f64;
        println!("{part:<24}{:>9}{:>9}{percent:>9.3}%{:>9}{:>14}", c.flips, c.noticed, c.located, c.entries_lost);
    }
    Ok(())
}

/// What every byte is part of, and where the frame begins that it stands in. The zeros behind the log are cut to a page.
fn parts(bytes: &mut Vec<u8>, name: Option<SegmentName>) -> anyhow::Result<Vec<(&'static str, u64)>> {
    let mut log = Log::default();
    let chain = log.begin(name, &mut Anomalies::default());
    let mut records = Records::new(bytes, chain, true);
    let frames: Vec<_> = records.by_ref().map(|record| (record.offset, record.kind, record.data.len())).collect();
    let end = usize::try_from(records.finish().end)?;
    ensure!(!frames.is_empty(), "no records");
    bytes.truncate(end + 4096);
    let mut parts = vec![("zeros behind the log", end as u64); bytes.len()];
    for (index, (offset, kind, data)) in frames.iter().enumerate() {
        let start = usize::try_from(*offset)?;
        let next = frames.get(index + 1).map_or(Ok(end), |(next, ..)| usize::try_from(*next))?;
        let crc = (start + 11..).take_while(|at| bytes[*at] & 0x80 != 0).count() + 1;
        let header = start + 11 + crc;
        let data_at = if *kind == Kind::Crc { header } else { header + 1 + varint_len(*data) };
        for (at, part) in parts.iter_mut().enumerate().take(next).skip(start) {
            let what = match at {
                _ if at < start + 8 => "length word",
                _ if at == start + 9 => "type",
                _ if (start + 11..header).contains(&at) => "stored CRC",
                _ if at < data_at => "tags, length of data",
                _ if at < data_at + data => "data",
                _ => "padding",
            };
            *part = (what, *offset);
        }
    }
    Ok(parts)
}

fn read(bytes: &[u8], name: Option<SegmentName>) -> Reading {
    let mut log = Log::default();
    let mut anomalies = Anomalies::default();
    let chain = log.begin(name, &mut anomalies);
    let mut records = Records::new(bytes, chain, true);
    let mut entries = 0;
    for record in records.by_ref() {
        if let Some(Content::Entry(_)) = log.observe(&record, &mut anomalies) {
            entries += 1;
        }
    }
    anomalies.merge(records.finish().anomalies);
    let count = anomalies.counts().values().sum();
    Reading { anomalies: count, offsets: anomalies.into_sorted().iter().filter_map(|anomaly| anomaly.offset).collect(), entries }
}

fn varint_len(mut number: usize) -> usize {
    let mut length = 1;
    while number > 0x7f {
        number >>= 7;
        length += 1;
    }
    length
}
