//! What `pages` says: what every page of the file is.

use super::super::escape::terminal;
use super::table::Table;
use super::thousands;
use crate::analysis::{List, Protection, Row, Scope, Survey};
use crate::bbolt::{PageHeader, PageState, Pgid};
use crate::evidence::range;

/// Cells in a line of the map.
const COLUMNS: u64 = 64;
/// Lines of the map at most.
const LINES: u64 = 24;

/// A map of the file by state, and with `list` a line per run of pages.
pub fn pages(survey: &Survey<'_>, list: bool) -> String {
    let facts = &survey.facts;
    let counts = survey.pages.counts();
    let (total, page_size) = (counts.total(), survey.database.db.page_size());
    let mut out = format!("{}: {} pages of {} bytes\n", terminal(&facts.path.to_string_lossy()), thousands(total), thousands(page_size));
    for (state, count) in [
        (PageState::Meta, counts.meta),
        (PageState::Freelist, counts.freelist),
        (PageState::Reachable, counts.reachable),
        (PageState::OtherRoot, counts.other_root),
        (PageState::Free, counts.free),
        (PageState::BeyondHighWater, counts.beyond_high_water),
    ] {
        let percent = count.saturating_mul(100).checked_div(total).unwrap_or(0);
        out.push_str(&format!("  {}  {:<18} {:>10}  {percent:>3} %   {}\n", symbol(state), state.name(), thousands(count), explain(state)));
    }
    out.push_str(&map(survey, total));
    if list {
        out.push_str(&runs(survey));
    }
    out
}

/// What of Secrets stands on a page. Ordered by how much it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    #[default]
    None,
    Encrypted,
    Plaintext,
}

/// What stands on each page of the file.
fn held(survey: &Survey<'_>, total: u64) -> Vec<Held> {
    let mut held = vec![Held::None; usize::try_from(total).unwrap_or(0)];
    let size = survey.database.db.page_size();
    List::new(survey, &Scope::default()).rows(|row, _| {
        let Row::Value(value) = row else { return };
        let (Some(offset), kind) = (value.offset, value.protection) else { return };
        let kind = match kind {
            Protection::Plaintext => Held::Plaintext,
            Protection::Encrypted => Held::Encrypted,
            Protection::Empty | Protection::Unknown => return,
        };
        let page = |offset: u64| offset.checked_div(size).and_then(|page| usize::try_from(page).ok());
        let last = page(offset.saturating_add(value.length).saturating_sub(1));
        if let (Some(first), Some(last)) = (page(offset), last) {
            held.get_mut(first..=last).into_iter().flatten().for_each(|page| *page = kind.max(*page));
        }
    });
    held
}

/// One cell stands for as many pages as it takes to fit the screen. It shows a plaintext Secret where there is one, else what
/// most of its pages are.
fn map(survey: &Survey<'_>, total: u64) -> String {
    let per_cell = total.div_ceil(COLUMNS.saturating_mul(LINES)).max(1);
    let mut out = String::from("  P  in use, with a Secret in plaintext    p  the same on a page that etcd no longer shows\n");
    out.push_str("  E  in use, with encrypted Secrets only   e  the same on a page that etcd no longer shows\n");
    out.push_str(&match per_cell {
        1 => "one cell: 1 page\n".to_owned(),
        n => format!("one cell: {} pages; P and p where there is one, else what most of them are\n", thousands(n)),
    });
    let held = held(survey, total);
    let pages: Vec<char> = survey.pages.iter().zip(&held).map(|((_, state), held)| symbol_with(state, *held)).collect();
    let mut column = 0u64;
    let mut first = 0u64;
    for cell in pages.chunks(usize::try_from(per_cell).unwrap_or(usize::MAX)) {
        let mut counts = std::collections::BTreeMap::<char, u64>::new();
        for symbol in cell {
            let count = counts.entry(*symbol).or_default();
            *count = count.saturating_add(1);
        }
        let most = counts.iter().max_by_key(|(symbol, count)| (matches!(symbol, 'P' | 'p'), **count)).map(|(symbol, _)| *symbol);
        if column == 0 {
            out.push_str(&format!("{first:>10} "));
        }
        out.extend(most);
        column = column.saturating_add(1);
        first = first.saturating_add(per_cell);
        if column == COLUMNS {
            out.push('\n');
            column = 0;
        }
    }
    if column != 0 {
        out.push('\n');
    }
    out
}

fn symbol_with(state: PageState, held: Held) -> char {
    match (state, held) {
        (PageState::Reachable, Held::Plaintext) => 'P',
        (PageState::Reachable, Held::Encrypted) => 'E',
        (PageState::Free | PageState::OtherRoot | PageState::BeyondHighWater, Held::Plaintext) => 'p',
        (PageState::Free | PageState::OtherRoot | PageState::BeyondHighWater, Held::Encrypted) => 'e',
        (state, _) => symbol(state),
    }
}

/// A line per run of pages with one state, or one header and its overflow.
fn runs(survey: &Survey<'_>) -> String {
    let mut table = Table::new(&["page", "pages", "state", "header"]);
    let mut pages = survey.pages.iter().peekable();
    while let Some((pgid, state)) = pages.next() {
        let header = header(survey, pgid, state);
        let overflow = header.map_or(0, |header| u64::from(header.overflow));
        let mut count = 1u64;
        while pages.peek().is_some_and(|(next, next_state)| {
            *next_state == state
                && (*next <= pgid.saturating_add(overflow) || header.is_none() && self::header(survey, *next, state).is_none())
        }) {
            pages.next();
            count = count.saturating_add(1);
        }
        let what = header.map_or("-".to_owned(), |header| format!("{}, {} elements", header.flags, header.count));
        table.add_row([pgid.to_string(), count.to_string(), state.name().to_owned(), what]);
    }
    format!("{table}\n")
}

/// A page's header where it bears the page's own number.
fn header(survey: &Survey<'_>, pgid: Pgid, state: PageState) -> Option<PageHeader> {
    let db = &survey.database.db;
    let bytes = range::slice(db.bytes(), db.page_offset(pgid), crate::bbolt::HEADER_LEN)?;
    PageHeader::parse(bytes)
        .ok()
        .filter(|header| header.id == pgid && (state == PageState::Meta || header.flags.name().is_some() && pgid > 1))
}

fn symbol(state: PageState) -> char {
    match state {
        PageState::Meta => 'M',
        PageState::Freelist => 'F',
        PageState::Reachable => '#',
        PageState::OtherRoot => 'o',
        PageState::Free => '.',
        PageState::BeyondHighWater => '-',
    }
}

pub(super) fn explain(state: PageState) -> &'static str {
    match state {
        PageState::Meta => "which tree is the active one",
        PageState::Freelist => "which pages may be overwritten",
        PageState::Reachable => "what etcd shows",
        PageState::OtherRoot => "only in the tree of the commit before",
        PageState::Free => "may be overwritten; still holds what was written there last",
        PageState::BeyondHighWater => "never used by a commit",
    }
}
