//! One page, as a hex editor shows it that knows the format and no values.

use crate::bbolt::{Flags, Freelist, HEADER_LEN, Image, PageState, Pgid, image_around, image_at};
use crate::collect::row_of;
use crate::evidence::range;
use crate::mvcc::RevisionKey;
use crate::row::{Digests, Row, ValueRow};
use crate::store::{DatabaseStore, Store};

/// Lines before the rest is only counted.
const LINES: u64 = 200;

/// What stands on one page.
#[derive(Clone, Debug)]
pub struct PageReport<'data> {
    /// Its number.
    pub pgid: Pgid,
    /// Its first byte in the content.
    pub offset: u64,
    /// Bytes in a page.
    pub size: u64,
    /// What it is.
    pub state: PageState,
    /// Whether it is called free, and the part of the tree is lost that may have it.
    pub tree_lost: bool,
    /// Its structure, line by line.
    pub lines: Vec<PageLine>,
    /// How many more lines there would be.
    pub more_lines: u64,
    /// What is said of a page without a header of its own.
    pub headerless: Option<String>,
    /// Values that stand on it in whole or in part.
    pub values: Vec<ValueRow<'data>>,
}

/// A line: place in the page, its bytes, what they mean.
#[derive(Clone, Debug)]
pub struct PageLine {
    /// First byte, from the start of the page.
    pub at: u64,
    /// The first bytes; `None` where they are a value's, and are not shown.
    pub bytes: Option<Vec<u8>>,
    /// Whether there are more than are shown.
    pub is_cut: bool,
    /// What they mean.
    pub meaning: String,
}

impl<'data> PageReport<'data> {
    /// Explains a page; `None` where the file has no such page.
    pub fn of(store: &DatabaseStore<'data>, pgid: Pgid) -> Option<Self> {
        let db = &store.opened.db;
        let state = store.pages.get(pgid)?;
        let (offset, size) = (db.page_offset(pgid), db.page_size());
        let bytes = range::slice(db.bytes(), offset, size)?;
        let (mut lines, mut headerless) = (Lines::default(), None);
        match (state, image_at(db, &store.pages, pgid)) {
            (PageState::Meta, _) => meta(store, pgid, bytes, &mut lines),
            (_, Some(image)) => {
                header(bytes, &mut lines);
                contents(store, &image, &mut lines);
            }
            (_, None) => headerless = Some(without_header(store, pgid, bytes)),
        }
        let values = values(store, offset, offset.saturating_add(size));
        let (tree_lost, more_lines) = (store.lost_tree.may_have(pgid, state), lines.count.saturating_sub(LINES));
        Some(Self { pgid, offset, size, state, tree_lost, lines: lines.shown, more_lines, headerless, values })
    }
}

#[derive(Default)]
struct Lines {
    shown: Vec<PageLine>,
    count: u64,
}

impl Lines {
    fn add(&mut self, bytes: &[u8], at: u64, length: u64, meaning: &str) {
        let shown = range::slice(bytes, at, length.min(8)).unwrap_or_default();
        self.push(PageLine { at, bytes: Some(shown.to_vec()), is_cut: length > 8, meaning: meaning.to_owned() });
    }

    /// A line whose bytes are of a value, and are not shown.
    fn redact(&mut self, at: u64, meaning: &str) {
        self.push(PageLine { at, bytes: None, is_cut: false, meaning: meaning.to_owned() });
    }

    fn push(&mut self, line: PageLine) {
        self.count = self.count.saturating_add(1);
        if self.count <= LINES {
            self.shown.push(line);
        }
    }
}

fn header(bytes: &[u8], lines: &mut Lines) {
    let number = |at: u64, length: u64| {
        range::slice(bytes, at, length).map_or(0, |bytes| bytes.iter().rev().fold(0u64, |n, byte| n << 8 | u64::from(*byte)))
    };
    lines.add(bytes, 0, 8, &format!("id {}: the page's own number", number(0, 8)));
    let flags = u16::try_from(number(8, 2)).map(Flags);
    lines.add(bytes, 8, 2, &format!("flags: {}", flags.map_or(String::new(), |flags| flags.to_string())));
    lines.add(bytes, 10, 2, &format!("count: {} elements", number(10, 2)));
    lines.add(bytes, 12, 4, &format!("overflow: {} further pages of this run", number(12, 4)));
}

fn meta(store: &DatabaseStore<'_>, pgid: Pgid, bytes: &[u8], lines: &mut Lines) {
    let db = &store.opened.db;
    header(bytes, lines);
    let slot = usize::try_from(pgid).unwrap_or(usize::MAX);
    match db.metas().get(slot) {
        Some(Ok(meta)) => {
            lines.add(bytes, 16, 4, "magic");
            lines.add(bytes, 20, 4, "version");
            lines.add(bytes, 24, 4, &format!("page size {}", meta.page_size));
            lines.add(bytes, 32, 8, &format!("root bucket on page {}", meta.root));
            lines.add(bytes, 48, 8, &meta.freelist.map_or("no freelist in the file".to_owned(), |page| format!("freelist on page {page}")));
            lines.add(bytes, 56, 8, &format!("high-water mark: page {} was never allocated", meta.high_water_mark));
            lines.add(bytes, 64, 8, &format!("transaction {}", meta.txid));
            let active = if db.active_slot() == Some(slot) { "this meta is the active one" } else { "the other meta is the active one" };
            lines.add(bytes, 72, 8, &format!("checksum, which matches; {active}"));
        }
        Some(Err(fault)) => lines.add(bytes, 16, 64, &format!("meta {pgid} {fault}")),
        None => {}
    }
}

fn contents(store: &DatabaseStore<'_>, image: &Image<'_>, lines: &mut Lines) {
    let db = &store.opened.db;
    match image.header.flags {
        Flags::LEAF => match image.elements(db.page_size()) {
            Some(elements) => elements.iter().for_each(|element| {
                let key_at = range::offset_within(image.bytes, element.key).unwrap_or(0);
                lines.add(image.bytes, key_at, element.key.len() as u64, &key(element.key, element.is_bucket));
                let length = element.value.len() as u64;
                let value_at = key_at.saturating_add(element.key.len() as u64);
                let lost = if element.missing > 0 { format!(", and {} lost", element.missing) } else { String::new() };
                lines.redact(value_at, &format!("  its value: {} bytes{lost}", length));
            }),
            None => lines.redact(HEADER_LEN, "elements that contradict each other: not the bytes of one page"),
        },
        Flags::BRANCH => {
            for (separator, child) in image.children() {
                let at = range::offset_within(image.bytes, separator).unwrap_or(0);
                lines.add(image.bytes, at, separator.len() as u64, &format!("{} and up: on page {child}", key(separator, false)));
            }
        }
        Flags::FREELIST => {
            let ids: Vec<Pgid> = Freelist::read(db, image.pgid).map(|list| list.ids().collect()).unwrap_or_default();
            for chunk in ids.chunks(16) {
                let list: Vec<String> = chunk.iter().map(ToString::to_string).collect();
                lines.redact(HEADER_LEN, &format!("free: {}", list.join(" ")));
            }
        }
        _ => {}
    }
}

fn key(key: &[u8], is_bucket: bool) -> String {
    match RevisionKey::parse(key) {
        _ if is_bucket => format!("bucket {}", text(key)),
        Some(at) => format!("revision {}{}", at.revision, if at.is_tombstone { ", a deletion" } else { "" }),
        None => format!("key {}", text(key)),
    }
}

fn without_header(store: &DatabaseStore<'_>, pgid: Pgid, bytes: &[u8]) -> String {
    let db = &store.opened.db;
    match image_around(db, &store.pages, pgid) {
        Some(image) => format!(
            "no header: it continues page {}, {} with {} elements and {} further pages",
            image.pgid, image.header.flags, image.header.count, image.header.overflow
        ),
        None if range::is_zero(bytes) => "zeros".to_owned(),
        None => "no header: what is left of a run whose first page was written over".to_owned(),
    }
}

/// Values that stand on the page in whole or in part.
fn values<'data>(store: &DatabaseStore<'data>, start: u64, end: u64) -> Vec<ValueRow<'data>> {
    let (mut values, mut digests) = (Vec::new(), Digests::default());
    for task in store.tasks() {
        store.read(&task, &mut |found| {
            let (offset, length) = (found.offset_in(store.content()), found.content.bytes().len() as u64);
            let is_there = offset.is_some_and(|offset| offset < end && offset.saturating_add(length) > start);
            if let (true, Some(Row::Value(value))) = (is_there, row_of(store, &found, &mut digests, |_, _| {})) {
                values.push(*value);
            }
        });
    }
    values
}

/// A key as text, or byte by byte where it is none.
fn text(key: &[u8]) -> String {
    std::str::from_utf8(key).map_or_else(|_| key.escape_ascii().to_string(), str::to_owned)
}
