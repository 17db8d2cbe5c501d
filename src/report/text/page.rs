//! What `pages --page` says: one page, as a hex editor shows it that knows the format and no values.

use super::super::escape::terminal_bytes;
use super::object::storage;
use super::pages::explain;
use super::thousands;
use crate::analysis::{List, Row, Scope, Survey, ValueRow};
use crate::bbolt::{Flags, Freelist, HEADER_LEN, Image, PageState, Pgid, image_around, image_at};
use crate::evidence::range;
use crate::mvcc::RevisionKey;

/// Lines before the rest is only counted.
const LINES: usize = 200;

/// Explains a page; `None` where the file has no such page.
pub fn page(survey: &Survey<'_>, pgid: Pgid) -> Option<String> {
    let db = &survey.database.db;
    let state = survey.pages.get(pgid)?;
    let (offset, size) = (db.page_offset(pgid), db.page_size());
    let bytes = range::slice(db.bytes(), offset, size)?;
    let mut out = format!(
        "page {pgid}: bytes {offset} to {} of the content\n{}: {}\n",
        offset.saturating_add(size).saturating_sub(1),
        state.name(),
        explain(state)
    );
    let mut lines = Lines { out: String::new(), count: 0 };
    match (state, image_at(db, &survey.pages, pgid)) {
        (PageState::Meta, _) => meta(survey, pgid, bytes, &mut lines),
        (_, Some(image)) => {
            header(bytes, &mut lines);
            contents(survey, &image, &mut lines);
        }
        (_, None) => headerless(survey, pgid, bytes, &mut out),
    }
    out.push_str(&lines.out);
    if let Some(more) = lines.count.checked_sub(LINES).filter(|more| *more > 0) {
        out.push_str(&format!("  and {} more lines\n", thousands(more as u64)));
    }
    out.push_str(&values(survey, offset, offset.saturating_add(size)));
    Some(out)
}

/// Lines of the form: place in the page, its bytes, what they mean.
struct Lines {
    out: String,
    count: usize,
}

impl Lines {
    fn add(&mut self, bytes: &[u8], at: u64, length: u64, meaning: &str) {
        self.count = self.count.saturating_add(1);
        if self.count > LINES {
            return;
        }
        let shown = range::slice(bytes, at, length.min(8)).unwrap_or_default();
        let hex: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
        let more = if length > 8 { " …" } else { "" };
        self.out.push_str(&format!("  +{at:<7} {:<26} {meaning}\n", format!("{}{more}", hex.join(" "))));
    }

    /// A line whose bytes are of a value, and are not shown.
    fn redact(&mut self, at: u64, meaning: &str) {
        self.count = self.count.saturating_add(1);
        if self.count <= LINES {
            self.out.push_str(&format!("  +{at:<7} {:<26} {meaning}\n", "(not shown)"));
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

fn meta(survey: &Survey<'_>, pgid: Pgid, bytes: &[u8], lines: &mut Lines) {
    let db = &survey.database.db;
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

fn contents(survey: &Survey<'_>, image: &Image<'_>, lines: &mut Lines) {
    let db = &survey.database.db;
    match image.header.flags {
        Flags::LEAF => match image.elements(db.page_size()) {
            Some(elements) => elements.iter().for_each(|element| {
                let key_at = range::offset_within(image.bytes, element.key).unwrap_or(0);
                lines.add(image.bytes, key_at, element.key.len() as u64, &key(element.key, element.is_bucket));
                let length = element.value.len() as u64;
                let value_at = key_at.saturating_add(element.key.len() as u64);
                let lost = if element.missing > 0 { format!(", and {} lost", thousands(element.missing)) } else { String::new() };
                lines.redact(value_at, &format!("  its value: {} bytes{lost}", thousands(length)));
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
        _ if is_bucket => format!("bucket {}", terminal_bytes(key)),
        Some(at) => format!("revision {}{}", at.revision, if at.is_tombstone { ", a deletion" } else { "" }),
        None => format!("key {}", terminal_bytes(key)),
    }
}

fn headerless(survey: &Survey<'_>, pgid: Pgid, bytes: &[u8], out: &mut String) {
    let db = &survey.database.db;
    match image_around(db, &survey.pages, pgid) {
        Some(image) => out.push_str(&format!(
            "no header: it continues page {}, {} with {} elements and {} further pages\n",
            image.pgid, image.header.flags, image.header.count, image.header.overflow
        )),
        None if range::is_zero(bytes) => out.push_str("zeros\n"),
        None => out.push_str("no header: what is left of a run whose first page was written over\n"),
    }
}

/// Values that stand on the page in whole or in part.
fn values(survey: &Survey<'_>, start: u64, end: u64) -> String {
    let scope = Scope::all();
    let mut out = String::new();
    List::new(survey, &scope).rows(|row, _| {
        let Row::Value(value) = row else { return };
        let Some(offset) = value.offset else { return };
        if offset < end && offset.saturating_add(value.length) > start {
            out.push_str(&value_line(&value));
        }
    });
    if out.is_empty() { "no value of bucket \"key\" stands on it\n".to_owned() } else { format!("values on it:\n{out}") }
}

fn value_line(value: &ValueRow<'_>) -> String {
    let name = if value.key.is_empty() { "(key not known)".into() } else { terminal_bytes(value.key) };
    let kind = match (value.fragment, value.duplicate) {
        (true, _) => ", a fragment",
        (false, true) => ", a copy",
        (false, false) => "",
    };
    format!(
        "  {} {name} at revision {}: {} bytes from {}{kind}; {}\n",
        value.retention.name(),
        value.mod_revision.map_or("-".to_owned(), |revision| revision.to_string()),
        thousands(value.length),
        value.offset.unwrap_or(0),
        storage(value),
    )
}
