//! Damage, made to order: a real fixture with a few bytes changed, and what of it can still be read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use etcd_sleuth::bbolt::PageCounts;
use etcd_sleuth::collect::Collector;
use etcd_sleuth::etcd::status::Status;
use etcd_sleuth::evidence::anomaly::{Anomaly, Class};
use etcd_sleuth::evidence::digest::Sha256Digest;
use etcd_sleuth::evidence::{Evidence, Numbering};
use etcd_sleuth::finding::Outcome;
use etcd_sleuth::pages::PageMapReport;
use etcd_sleuth::render::records::row_line;
use etcd_sleuth::render::text::{CheckText, PagesText, ScanText, Screen};
use etcd_sleuth::report::readable::ClusterContext;
use etcd_sleuth::report::{EvidenceReport, MemberReport, Render, Report, RowContext};
use etcd_sleuth::row::{Place, Row, Scope};
use etcd_sleuth::store::{DatabaseStore, Digests, Progress, ReadOptions, Store};
use serde_json::Value;

use super::Fixture;

/// Offsets of fields within a meta page.
pub(crate) mod meta {
    pub(crate) const MAGIC: usize = 16;
    pub(crate) const VERSION: usize = 20;
    pub(crate) const PAGE_SIZE: usize = 24;
    pub(crate) const FLAGS: usize = 28;
    pub(crate) const ROOT: usize = 32;
    pub(crate) const SEQUENCE: usize = 40;
    pub(crate) const FREELIST: usize = 48;
    pub(crate) const HIGH_WATER_MARK: usize = 56;
    pub(crate) const TXID: usize = 64;
    pub(crate) const CHECKSUM: usize = 72;
}

/// Offsets of fields within a page's header.
pub(crate) mod header {
    pub(crate) const ID: usize = 0;
    pub(crate) const FLAGS: usize = 8;
    pub(crate) const COUNT: usize = 10;
    pub(crate) const OVERFLOW: usize = 12;
}

/// A value by what it is, wherever it stands: key, main and sub revision, digest.
pub(crate) type Identity = (Vec<u8>, u64, u64, String);

/// A fixture that is being changed.
pub(crate) struct Mutant {
    pub(crate) bytes: Vec<u8>,
    pub(crate) page_size: usize,
    pub(crate) truth: Value,
    /// The branch page at the root of bucket `key`.
    pub(crate) branch: u64,
    /// The leaf page of the root bucket.
    pub(crate) root: u64,
    /// First pages of bucket `key`'s leaves, by the values that stand on them, in key order.
    pub(crate) leaves: Vec<u64>,
    /// The run that each page belongs to.
    head: BTreeMap<u64, u64>,
}

impl Mutant {
    pub(crate) fn of(name: &str) -> Self {
        let fixture = Fixture::named(name);
        let truth = fixture.truth();
        let page_size = usize::try_from(truth["page_size"].as_u64().unwrap()).unwrap();
        let mut head = BTreeMap::new();
        let mut branch = None;
        for page in truth["bbolt_pages"].as_array().unwrap() {
            let (id, overflow) = (page["id"].as_u64().unwrap(), page["overflow"].as_u64().unwrap());
            head.extend((id..=id + overflow).map(|page| (page, id)));
            if page["type"] == "branch" {
                assert!(branch.replace(id).is_none(), "{name} has one branch page");
            }
        }
        let mut mutant =
            Self { bytes: fixture.bytes.to_vec(), page_size, truth, branch: branch.unwrap(), root: 0, leaves: Vec::new(), head };
        mutant.root = mutant.get(mutant.active(), meta::ROOT, 8);
        mutant.leaves = (0..mutant.get(mutant.branch, header::COUNT, 2)).map(|index| mutant.child(index)).collect();
        mutant
    }

    fn at(&self, pgid: u64, offset: usize) -> usize {
        usize::try_from(pgid).unwrap() * self.page_size + offset
    }

    /// A little-endian number.
    pub(crate) fn get(&self, pgid: u64, offset: usize, len: usize) -> u64 {
        let at = self.at(pgid, offset);
        self.bytes[at..at + len].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    pub(crate) fn put(&mut self, pgid: u64, offset: usize, bytes: &[u8]) -> &mut Self {
        let at = self.at(pgid, offset);
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Sets a number of `len` bytes.
    pub(crate) fn set(&mut self, pgid: u64, offset: usize, len: usize, value: u64) -> &mut Self {
        self.put(pgid, offset, &value.to_le_bytes()[..len])
    }

    /// Sets a field of one meta page and puts its checksum right.
    pub(crate) fn set_meta(&mut self, slot: u64, field: usize, value: u64) -> &mut Self {
        let len = if field < meta::ROOT { 4 } else { 8 };
        self.set(slot, field, len, value).refit(slot)
    }

    /// Sets a field of both.
    pub(crate) fn set_metas(&mut self, field: usize, value: u64) -> &mut Self {
        self.set_meta(0, field, value).set_meta(1, field, value)
    }

    /// FNV-1a over the meta's bytes.
    pub(crate) fn refit(&mut self, slot: u64) -> &mut Self {
        let at = self.at(slot, 0);
        let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        let sum = self.bytes[at + 16..at + 72].iter().fold(0xcbf2_9ce4_8422_2325, fnv);
        self.set(slot, meta::CHECKSUM, 8, sum)
    }

    /// Where an element of the branch page begins.
    pub(crate) fn element(index: u64) -> usize {
        16 + 16 * usize::try_from(index).unwrap()
    }

    /// The page that an element of the branch page leads to.
    pub(crate) fn child(&self, index: u64) -> u64 {
        self.get(self.branch, Self::element(index) + 8, 8)
    }

    pub(crate) fn set_child(&mut self, index: u64, child: u64) -> &mut Self {
        self.set(self.branch, Self::element(index) + 8, 8, child)
    }

    /// Sets the page at which bucket `key` begins.
    pub(crate) fn set_root_of_key(&mut self, pgid: u64) -> &mut Self {
        let page = self.bytes.chunks(self.page_size).nth(usize::try_from(self.root).unwrap()).unwrap();
        let Some(at) = page.windows(11).position(|bytes| bytes[..3] == *b"key" && bytes[3..] == self.branch.to_le_bytes()) else {
            return self;
        };
        self.set(self.root, at + 3, 8, pgid)
    }

    /// Copies one page over another.
    pub(crate) fn copy(&mut self, from: u64, to: u64) -> &mut Self {
        let (from, to) = (self.at(from, 0), self.at(to, 0));
        self.bytes.copy_within(from..from + self.page_size, to);
        self
    }

    /// Cuts the trailer off, where there is one, so that only what a test changes is wrong.
    pub(crate) fn without_trailer(mut self) -> Self {
        self.bytes.truncate(self.bytes.len() / self.page_size * self.page_size);
        self
    }

    /// Puts the trailer right.
    pub(crate) fn with_right_trailer(&mut self) -> &mut Self {
        let at = self.bytes.len() / self.page_size * self.page_size;
        self.bytes.truncate(at);
        self.bytes.extend(Sha256Digest::of(&self.bytes).0);
        self
    }

    pub(crate) fn pages(&self) -> u64 {
        (self.bytes.len() / self.page_size) as u64
    }

    pub(crate) fn offset(&self, pgid: u64) -> u64 {
        self.at(pgid, 0) as u64
    }

    /// The retained values that stand in the undamaged fixture, on runs whose first page `holds` accepts.
    pub(crate) fn retained(&self, holds: impl Fn(u64) -> bool) -> BTreeSet<Identity> {
        self.true_values("retained", holds)
    }

    /// The values that stand elsewhere in it, whole, on such runs.
    pub(crate) fn elsewhere(&self, holds: impl Fn(u64) -> bool) -> BTreeSet<Identity> {
        self.true_values("elsewhere", holds)
    }

    /// Every value that stands whole anywhere in it: nothing else may be found of a fixture whose content was not changed.
    pub(crate) fn known(&self) -> BTreeSet<Identity> {
        self.retained(|_| true).union(&self.elsewhere(|_| true)).cloned().collect()
    }

    /// The slot of the meta that counts.
    pub(crate) fn active(&self) -> u64 {
        u64::from(self.get(1, meta::TXID, 8) > self.get(0, meta::TXID, 8))
    }

    fn true_values(&self, list: &str, holds: impl Fn(u64) -> bool) -> BTreeSet<Identity> {
        let writes = self.truth["writes"].as_array().unwrap();
        let rows = self.truth[list].as_array().unwrap().iter().filter(|row| row["length"].as_u64().is_some_and(|length| length > 0));
        let on = |row: &&Value| {
            let page = row["offset"].as_u64().unwrap() / self.page_size as u64;
            holds(self.head.get(&page).copied().unwrap_or(page))
        };
        rows.filter(on)
            .map(|row| (row, &writes[usize::try_from(row["w"].as_u64().unwrap()).unwrap()]))
            .filter(|(row, write)| row["length"] == write["value_len"])
            .map(|(_, write)| write)
            .map(|write| {
                let text = |field: &str| write[field].as_str().map(|text| text.as_bytes().to_vec());
                let number = |field: &str| write[field].as_u64().unwrap();
                let digest = write["value_sha256"].as_str().unwrap().to_owned();
                (text("key").unwrap_or_default(), number("mod_revision"), number("sub"), digest)
            })
            .filter(|(key, ..)| !key.is_empty())
            .collect()
    }

    /// First pages of leaves whose values stand nowhere else in the file: what is found of them is found there.
    pub(crate) fn unique_leaves(&self) -> Vec<u64> {
        let elsewhere = self.elsewhere(|_| true);
        let is_unique = |page: &&u64| {
            let values = self.retained(|on| on == **page);
            !values.is_empty() && values.is_disjoint(&elsewhere)
        };
        self.leaves.iter().filter(is_unique).copied().collect()
    }

    /// Reads it as it is now.
    pub(crate) fn read(&self) -> Reading {
        read(&self.bytes).unwrap()
    }
}

/// What a run over damaged bytes came to.
pub(crate) struct Reading {
    pub(crate) anomalies: Vec<Anomaly>,
    /// Values in the tree.
    pub(crate) tree: BTreeSet<Identity>,
    /// Values in other places; one that stands in several is in both.
    pub(crate) outside: BTreeSet<Identity>,
    /// Values anywhere, fragments not among them.
    pub(crate) all: BTreeSet<Identity>,
    pub(crate) places: BTreeSet<Place>,
    /// How many pages are what.
    pub(crate) counts: PageCounts,
    /// What `check` says first.
    pub(crate) verdict: String,
    /// All that `check` says.
    pub(crate) check: String,
    page_size: u64,
}

impl Reading {
    /// Whether an anomaly of this class is about this page as a whole: it bears its number and points to its first byte.
    pub(crate) fn has(&self, class: Class, pgid: u64) -> bool {
        self.anomalies.iter().any(|found| (found.class, found.pgid, found.offset) == (class, Some(pgid), Some(pgid * self.page_size)))
    }

    /// Whether an anomaly of this class is about something on this page: it bears its number and points to a byte of it.
    pub(crate) fn has_on(&self, class: Class, pgid: u64) -> bool {
        self.has_within(class, pgid, 1)
    }

    /// The same of a run of several pages.
    pub(crate) fn has_within(&self, class: Class, pgid: u64, pages: u64) -> bool {
        let run = pgid * self.page_size..(pgid + pages) * self.page_size;
        let points = |found: &&Anomaly| found.class == class && found.pgid == Some(pgid);
        self.anomalies.iter().filter(points).any(|found| found.offset.is_some_and(|at| run.contains(&at)))
    }

    /// Where the anomalies of this class point to, in the order of the list.
    pub(crate) fn offsets(&self, class: Class) -> Vec<Option<u64>> {
        self.anomalies.iter().filter(|found| found.class == class).map(|found| found.offset).collect()
    }

    pub(crate) fn classes(&self) -> BTreeSet<&'static str> {
        self.anomalies.iter().map(|anomaly| anomaly.class.name()).collect()
    }
}

/// The pages a run may read for every page there is: runs of nine pages may be made to overlap, and what is outside the tree
/// is read once as a page and once by content.
const WORK: u64 = 12;

/// A whole run, to the records and the text that it prints. `None` where the bytes are no database.
pub(crate) fn read(bytes: &[u8]) -> Option<Reading> {
    let evidence = Evidence::from_bytes("damaged.db", bytes.to_vec());
    let mut store = DatabaseStore::read(&evidence, &ReadOptions::default()).ok()?;
    let pages = store.pages.counts().total();
    assert!(store.pages_read <= WORK * (pages + 1), "{} pages read of {pages}", store.pages_read);
    let context = RowContext { evidence: Numbering::default().evidence(), cluster: None, verdict: None };
    let found = Mutex::new((BTreeSet::new(), BTreeSet::new(), BTreeSet::new()));
    let see = |row: &Row<'_>| {
        let Row::Value(row) = row else { return };
        let (Some(main), Some(sub), false) = (row.written.main, row.written.sub, row.is_fragment()) else { return };
        if row.key.is_empty() || row.bytes.0.is_empty() {
            return;
        }
        let identity = (row.key.to_vec(), main, sub, Sha256Digest::of(row.bytes.0).to_string());
        let (tree, outside, places) = &mut *found.lock().unwrap();
        places.insert(row.place);
        if row.place == Place::Tree { tree } else { outside }.insert(identity);
    };
    let scope = Scope::all();
    let collected = Collector::new(&store, &scope)
        .run(
            |row, lines| {
                see(row);
                row_line(context, row, lines);
            },
            |_| Ok(()),
        )
        .unwrap();
    let (tree, outside, places) = found.into_inner().unwrap();
    let all = tree.union(&outside).cloned().collect();
    store.profile_mut().add_anomalies(collected.anomalies);
    store.settle(Some(&Digests::of(&evidence, &Progress::default())));
    let (counts, page_size) = (store.pages.counts(), store.opened.db.page_size());
    let context = ClusterContext { prefixes: store.prefixes(), existing: store.existing() };
    let mut report = EvidenceReport::new(Numbering::default().evidence(), store.profile(), collected.tally, &context, 20);
    report.status = Some(Status::of(&store.opened.db, &store.tree));
    let anomalies = report.anomalies.clone();
    let check = texts(&store, report).0;
    let verdict = check.lines().next().unwrap().to_owned();
    Some(Reading { anomalies, tree, outside, all, places, counts, verdict, check, page_size })
}

/// What `check`, `scan` and `pages` print: nothing that a terminal would obey.
fn texts(store: &DatabaseStore<'_>, evidence: EvidenceReport) -> (String, String, String) {
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text}");
        text
    };
    let check = text(&|out| CheckText::new(Screen::plain(out), false).evidence_end(&evidence).unwrap());
    let pages = text(&|out| PagesText::new(Screen::plain(out), true).page_map(&PageMapReport::of(evidence.id, store)).unwrap());
    let member = MemberReport {
        id: Numbering::default().member(),
        path: evidence.facts.path.clone(),
        joined: Vec::new(),
        others: 0,
        beside: 0,
        parts: vec![evidence.id],
        whole: None,
    };
    let report = Report { evidences: vec![evidence], ..Report::default() };
    let scan = text(&|out| {
        let mut scan = ScanText::new(Screen::plain(out), false);
        scan.member(&member, &report).unwrap();
        scan.end(&report, &Outcome::default()).unwrap();
    });
    (check, scan, pages)
}
