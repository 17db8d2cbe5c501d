//! What `pages` says: what every page of the file is, or what stands on one.

use std::io::{self, Write};
use std::path::PathBuf;

use super::super::escape::{terminal, terminal_bytes, terminal_path};
use super::check::check_status;
use super::layout::{Screen, Tone};
use super::number::counted;
use super::object::storage;
use super::table::Table;
use super::thousands;
use super::unread;
use crate::evidence::EvidenceId;
use crate::evidence::words::noun;
use crate::finding::Outcome;
use crate::pages::{MappedPage, PageContent, PageLine, PageMapReport, PageReport, PageState};
use crate::report::{Render, Report, not_looked_at};
use crate::row::ValueRow;
use crate::store::Facts;

/// Cells in a line of the map, and where that does not fit.
const COLUMNS: [u64; 2] = [64, 32];
/// Characters before the cells.
const NUMBER: u64 = 11;
/// Lines of the map at most.
const LINES: u64 = 24;

/// The cell of a page whose tree is lost.
const LOST: char = '?';
/// What is said of it.
const TREE_LOST: &str = "a page whose tree is lost: in use or free";

/// What `pages` says.
pub struct PagesText<'o> {
    out: Screen<'o>,
    lists_runs: bool,
    /// The file that is told of.
    file: PathBuf,
}

impl<'o> PagesText<'o> {
    /// `lists_runs`: also a line for every run of pages.
    pub fn new(out: Screen<'o>, lists_runs: bool) -> Self {
        Self { out, lists_runs, file: PathBuf::new() }
    }
}

impl Render for PagesText<'_> {
    fn evidence(&mut self, _id: EvidenceId, facts: &Facts) -> io::Result<()> {
        self.file.clone_from(&facts.path);
        Ok(())
    }

    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        let general = not_looked_at(&report.evidences);
        self.out.write_all(unread::not_looked_at(general, report.unread.iter()).as_bytes())?;
        match outcome.exit_code() {
            0 => Ok(()),
            _ => self.out.write_all(Tone::of_exit(outcome.exit_code()).paint(&check_status(report, outcome)).as_bytes()),
        }
    }

    fn page_map(&mut self, map: &PageMapReport) -> io::Result<()> {
        let width = self.out.width().map_or(u64::MAX, |width| width as u64);
        let columns = COLUMNS.into_iter().find(|columns| columns.saturating_add(NUMBER) <= width).unwrap_or(COLUMNS[1]);
        self.out.write_all(overview(map, columns).as_bytes())?;
        if self.lists_runs {
            self.out.write_all(runs(map).as_bytes())?;
        }
        Ok(())
    }

    fn page(&mut self, page: &PageReport<'_>) -> io::Result<()> {
        write!(self.out, "{}: ", terminal_path(&self.file))?;
        self.out.write_all(one(page).as_bytes())
    }
}

/// How many pages there are of each state, and where.
fn overview(report: &PageMapReport, columns: u64) -> String {
    let PageMapReport { counts, page_size, tree_lost, .. } = report;
    let total = counts.total();
    let path = terminal_path(&report.path);
    let mut out = format!("{path}: {} of {} bytes\n", counted(total, "page"), thousands(*page_size));
    for (state, count) in [
        (PageState::Meta, counts.meta),
        (PageState::Freelist, counts.freelist),
        (PageState::Reachable, counts.reachable),
        (PageState::OtherRoot, counts.other_root),
        (PageState::Free, counts.free.saturating_sub(*tree_lost)),
        (PageState::BeyondHighWater, counts.beyond_high_water),
    ] {
        out.push_str(&of_state(symbol(state), state.name(), count, total, explain(state)));
    }
    if *tree_lost > 0 {
        out.push_str(&of_state(LOST, "not known", *tree_lost, total, TREE_LOST));
    }
    out.push_str(&map(report, total, columns));
    out
}

fn of_state(symbol: char, name: &str, count: u64, total: u64, what: &str) -> String {
    let percent = count.saturating_mul(100).checked_div(total).unwrap_or(0);
    format!("  {symbol}  {name:<18} {:>10}  {percent:>3} %   {what}\n", thousands(count))
}

/// One cell stands for as many pages as it takes to fit the screen. It shows a plaintext Secret where there is one, else what
/// most of its pages are.
fn map(report: &PageMapReport, total: u64, columns: u64) -> String {
    let per_cell = total.div_ceil(columns.saturating_mul(LINES)).max(1);
    let elsewhere = match report.tree_lost {
        0 => "the same on a page that etcd no longer shows",
        _ => "the same on a page that etcd no longer shows, or whose tree is lost",
    };
    let mut out = format!("  P  in use, with a Secret in plaintext\n  p  {elsewhere}\n");
    out.push_str(&format!("  E  in use, with encrypted Secrets only\n  e  {elsewhere}\n"));
    out.push_str(&match per_cell {
        1 => "one cell: 1 page\n".to_owned(),
        n => format!("one cell: {} pages; P and p where there is one, else what most of them are\n", thousands(n)),
    });
    let pages: Vec<char> = report.pages.iter().map(symbol_with).collect();
    let (mut column, mut first) = (0u64, 0u64);
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
        if column == columns {
            out.push('\n');
            column = 0;
        }
    }
    if column != 0 {
        out.push('\n');
    }
    out
}

fn symbol_with(page: &MappedPage) -> char {
    match (page.state, page.content) {
        (PageState::Reachable, PageContent::Plaintext) => 'P',
        (PageState::Reachable, PageContent::Encrypted) => 'E',
        (PageState::Free | PageState::OtherRoot | PageState::BeyondHighWater, PageContent::Plaintext) => 'p',
        (PageState::Free | PageState::OtherRoot | PageState::BeyondHighWater, PageContent::Encrypted) => 'e',
        _ if page.tree_lost => LOST,
        (state, _) => symbol(state),
    }
}

/// A line for each run of pages.
fn runs(report: &PageMapReport) -> String {
    let mut table = Table::new(&["page", "pages", "state", "header"]);
    for run in &report.runs {
        let header = run.header.map_or("-".to_owned(), |header| format!("{}, {}", header.flags, counted(header.count.into(), "element")));
        table.add_row([
            run.pgid.to_string(),
            run.count.to_string(),
            if run.tree_lost { "not known: its tree is lost" } else { run.state.name() }.to_owned(),
            header,
        ]);
    }
    format!("{table}\n")
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

fn explain(state: PageState) -> &'static str {
    match state {
        PageState::Meta => "which tree is the active one",
        PageState::Freelist => "which pages may be overwritten",
        PageState::Reachable => "what etcd shows",
        PageState::OtherRoot => "only in the tree of the commit before",
        PageState::Free => "may be overwritten; still holds what was written there last",
        PageState::BeyondHighWater => "never used by a commit",
    }
}

/// One page, as a hex editor shows it that knows the format and no values.
fn one(page: &PageReport<'_>) -> String {
    let PageReport { pgid, offset, size, .. } = page;
    let last = offset.saturating_add(*size).saturating_sub(1);
    let (state, what) = if page.tree_lost { ("not known", TREE_LOST) } else { (page.state.name(), explain(page.state)) };
    let mut out = format!("page {pgid}: bytes {offset} to {last} of the content\n{state}: {what}\n");
    if let Some(headerless) = &page.headerless {
        out.push_str(&format!("{headerless}\n"));
    }
    out.extend(page.lines.iter().map(line));
    if page.more_lines > 0 {
        out.push_str(&format!("  and {} more {}\n", thousands(page.more_lines), noun(page.more_lines, "line")));
    }
    match page.values.as_slice() {
        [] => out.push_str("no value of bucket \"key\" stands on it\n"),
        values => {
            out.push_str("values on it:\n");
            out.extend(values.iter().map(value_line));
        }
    }
    out
}

fn line(PageLine { at, bytes, is_cut, meaning }: &PageLine) -> String {
    let shown = match bytes {
        Some(bytes) => {
            let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{}{}", hex.join(" "), if *is_cut { " …" } else { "" })
        }
        None => "(not shown)".to_owned(),
    };
    format!("  +{at:<7} {shown:<26} {}\n", terminal(meaning))
}

fn value_line(value: &ValueRow<'_>) -> String {
    let name = if value.key.is_empty() { "(key not known)".into() } else { terminal_bytes(value.key) };
    let kind = match (value.is_fragment(), value.is_duplicate) {
        (true, _) => ", a fragment",
        (false, true) => ", a copy",
        (false, false) => "",
    };
    format!(
        "  {} {name} at revision {}: {} from {}{kind}; {}\n",
        value.retention.name(),
        value.written.main.map_or("-".to_owned(), |revision| revision.to_string()),
        counted(value.length(), "byte"),
        value.offset.unwrap_or(0),
        storage(value),
    )
}
