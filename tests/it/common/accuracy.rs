//! What a scan says of residue, held against the truth about a fixture.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// The shortest value that the truth searches for.
const SHORTEST: u64 = 24;

/// Whole values in a place.
#[derive(Default)]
struct Whole {
    truth: u64,
    found: u64,
    invented: u64,
}

/// Pieces of values of one kind, in bytes.
#[derive(Default)]
struct Pieces {
    truth: u64,
    covered: u64,
}

/// The judgement about one fixture, or about several.
#[derive(Default)]
pub(crate) struct Judgement {
    whole: BTreeMap<&'static str, Whole>,
    pieces: BTreeMap<&'static str, Pieces>,
    fragment_bytes: u64,
    invented_bytes: u64,
    in_the_tree: u64,
    /// What was missed and invented, in words.
    pub(crate) remarks: Vec<String>,
}

/// A range of the file.
pub(crate) fn range(row: &Value) -> (u64, u64) {
    let offset = row["offset"].as_u64().unwrap_or(0);
    (offset, offset + row["length"].as_u64().unwrap_or(0))
}

/// The list in the truth of this name.
pub(crate) fn list<'a>(truth: &'a Value, name: &str) -> &'a [Value] {
    truth[name].as_array().map_or(&[], Vec::as_slice)
}

/// The values outside the tree that the truth knows whole, by their range; with the number of their write.
pub(crate) fn elsewhere(truth: &Value) -> BTreeMap<(u64, u64), usize> {
    list(truth, "elsewhere").iter().map(|row| (range(row), usize::try_from(row["w"].as_u64().unwrap()).unwrap())).collect()
}

/// The records of values outside the tree.
pub(crate) fn residue(records: &[Value]) -> impl Iterator<Item = &Value> {
    records.iter().filter(|record| record["record"] == "value" && record["retention"] == "residue")
}

impl Judgement {
    /// Of one fixture.
    pub(crate) fn of(truth: &Value, records: &[Value]) -> Self {
        let mut judgement = Self::default();
        let name = truth["fixture"].as_str().unwrap();
        assert!(
            truth.get("pieces").is_some() || list(truth, "writes").iter().all(|write| write["value_len"].as_u64() < Some(4096)),
            "{name}: its truth says nothing of pieces, which values of several pages leave"
        );
        let border = truth["high_water_mark"].as_u64().unwrap() * truth["page_size"].as_u64().unwrap();
        let place = |offset: u64| if offset < border { "free pages" } else { "beyond the high-water mark" };
        let truly = elsewhere(truth);
        let retained: Vec<(u64, u64)> = list(truth, "retained").iter().filter(|r| r["length"] != 0).map(range).collect();
        let whole: Vec<(u64, u64)> =
            residue(records).filter(|v| v["fragment"] == json!(false) && v["length"].as_u64() >= Some(SHORTEST)).map(range).collect();
        let fragments: Vec<(u64, u64)> = residue(records).filter(|v| v["fragment"] == json!(true)).map(range).collect();

        for (start, end) in truly.keys() {
            let count = judgement.whole.entry(place(*start)).or_default();
            count.truth += 1;
            if whole.contains(&(*start, *end)) {
                count.found += 1;
            } else {
                judgement.remarks.push(format!("{name}: missed {start}..{end}"));
            }
        }
        for (start, end) in whole.iter().filter(|range| !truly.contains_key(range)) {
            judgement.whole.entry(place(*start)).or_default().invented += 1;
            judgement.remarks.push(format!("{name}: invented {start}..{end}"));
        }
        for (start, end) in whole.iter().chain(&fragments) {
            if retained.iter().any(|(from, to)| start < to && end > from) {
                judgement.in_the_tree += 1;
                judgement.remarks.push(format!("{name}: {start}..{end} is in the tree"));
            }
        }
        for piece in list(truth, "pieces") {
            let write = &truth["writes"][usize::try_from(piece["w"].as_u64().unwrap()).unwrap()];
            let kind = match (piece["start"] == json!(true), write["form"] == "plaintext") {
                (true, true) => "start present, plaintext",
                (true, false) => "start present, encrypted",
                (false, true) => "headless, plaintext",
                (false, false) => "headless, encrypted",
            };
            let (from, to) = range(piece);
            let bytes = judgement.pieces.entry(kind).or_default();
            bytes.truth += to - from;
            bytes.covered += fragments.iter().map(|(start, end)| to.min(*end).saturating_sub(from.max(*start))).sum::<u64>();
        }
        // Of one value: within one piece of it, or within all of it.
        let of_one_value: Vec<(u64, u64)> = list(truth, "pieces").iter().map(range).chain(truly.keys().copied()).collect();
        for (start, end) in fragments {
            judgement.fragment_bytes += end - start;
            if !of_one_value.iter().any(|(from, to)| *from <= start && end <= *to) {
                judgement.invented_bytes += end - start;
                judgement.remarks.push(format!("{name}: {start}..{end} is of no one value"));
            }
        }
        judgement
    }

    /// Adds another.
    pub(crate) fn add(&mut self, other: Self) {
        for (place, count) in other.whole {
            let sum = self.whole.entry(place).or_default();
            (sum.truth, sum.found, sum.invented) = (sum.truth + count.truth, sum.found + count.found, sum.invented + count.invented);
        }
        for (kind, bytes) in other.pieces {
            let sum = self.pieces.entry(kind).or_default();
            (sum.truth, sum.covered) = (sum.truth + bytes.truth, sum.covered + bytes.covered);
        }
        self.fragment_bytes += other.fragment_bytes;
        self.invented_bytes += other.invented_bytes;
        self.in_the_tree += other.in_the_tree;
        self.remarks.extend(other.remarks);
    }

    /// The promises that are broken.
    pub(crate) fn broken(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (place, count) in &self.whole {
            if count.found < count.truth || count.invented > 0 {
                broken.push(format!("{place}: {} missed, {} invented", count.truth - count.found, count.invented));
            }
        }
        if self.in_the_tree > 0 {
            broken.push(format!("{} places in the tree are called residue", self.in_the_tree));
        }
        // Of an encrypted value that goes on as another only the first block is certain: measured, and not promised.
        let starts = self.recall(|kind| kind == "start present, plaintext");
        let headless = self.recall(|kind| kind == "headless, plaintext");
        for (what, recall, least) in [("start present, plaintext", starts, 99.0), ("headless, plaintext", headless, 50.0)] {
            if recall.is_some_and(|recall| recall < least) {
                broken.push(format!("{what}: recall {recall:?} %, promised {least} %"));
            }
        }
        if self.precision().is_some_and(|precision| precision < 99.0) {
            broken.push(format!("fragments: precision {:?} %, promised 99 %", self.precision()));
        }
        broken
    }

    fn recall(&self, holds: impl Fn(&str) -> bool) -> Option<f64> {
        let of = self.pieces.iter().filter(|(kind, _)| holds(kind));
        let (truth, covered) = of.fold((0, 0), |(truth, covered), (_, bytes)| (truth + bytes.truth, covered + bytes.covered));
        percent(covered, truth)
    }

    fn precision(&self) -> Option<f64> {
        percent(self.fragment_bytes - self.invented_bytes, self.fragment_bytes)
    }
}

fn percent(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 * 100.0 / all as f64)
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| whole values of 24 bytes or more | in truth | found | missed | false |\n|---|---|---|---|---|")?;
        for (place, Whole { truth, found, invented }) in &self.whole {
            writeln!(f, "| {place} | {truth} | {found} | {} | {invented} |", truth - found)?;
        }
        writeln!(f, "| places in the tree reported as residue | | | | {} |", self.in_the_tree)?;
        writeln!(f, "\n| pieces of values, in bytes | in truth | covered | recall |\n|---|---|---|---|")?;
        for (kind, Pieces { truth, covered }) in &self.pieces {
            let recall = percent(*covered, *truth).unwrap_or(100.0);
            writeln!(f, "| {kind} | {truth} | {covered} | {recall:.2} % |")?;
        }
        let precision = self.precision().map_or("-".to_owned(), |precision| format!("{precision:.2} %"));
        write!(f, "| reported | {} | of no one value: {} | precision {precision} |", self.fragment_bytes, self.invented_bytes)
    }
}
