//! Every page of a database by its state, with what of Secrets stands on it.

use std::path::PathBuf;

use crate::bbolt::{HEADER_LEN, PageCounts, PageHeader, PageState, Pgid};
use crate::collect::row_of;
use crate::evidence::{EvidenceId, range};
use crate::row::{Digests, Form, Row, Scope};
use crate::store::{DatabaseStore, Store};

/// The pages of a database.
#[derive(Clone, Debug)]
pub struct PageMapReport {
    /// Which evidence.
    pub evidence: EvidenceId,
    /// Its path, as it was given.
    pub path: PathBuf,
    /// Bytes in a page.
    pub page_size: u64,
    /// Pages by state.
    pub counts: PageCounts,
    /// Pages that are called free, and whose tree is lost: whether they are is not known.
    pub tree_lost: u64,
    /// Each page.
    pub pages: Vec<MappedPage>,
    /// Neighbouring pages that are alike, or of one header and its overflow.
    pub runs: Vec<PageRun>,
}

/// A page as the map shows it.
#[derive(Clone, Copy, Debug)]
pub struct MappedPage {
    /// Its state.
    pub state: PageState,
    /// Whether it is called free, and the part of the tree is lost that may have it.
    pub tree_lost: bool,
    /// What stands on it.
    pub content: PageContent,
}

/// What of Secrets stands on a page. Ordered by how much it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum PageContent {
    /// No Secret.
    #[default]
    None,
    /// Encrypted Secrets only.
    Encrypted,
    /// A Secret in plaintext.
    Plaintext,
}

/// Neighbouring pages of one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRun {
    /// The first of them.
    pub pgid: Pgid,
    /// How many.
    pub count: u64,
    /// Their state.
    pub state: PageState,
    /// Whether they are called free, and the part of the tree is lost that may have them.
    pub tree_lost: bool,
    /// The most urgent thing that stands on one of them.
    pub content: PageContent,
    /// The first page's header, where it bears the page's own number.
    pub header: Option<PageHeader>,
}

impl PageContent {
    /// The word in the records; `None` where no Secret stands there.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Encrypted => Some("encrypted"),
            Self::Plaintext => Some("plaintext"),
        }
    }
}

impl PageMapReport {
    /// Of a database.
    pub fn of(evidence: EvidenceId, store: &DatabaseStore<'_>) -> Self {
        let counts = store.pages.counts();
        let contents = contents(store, counts.total());
        let page = |((pgid, state), content): ((Pgid, PageState), PageContent)| MappedPage {
            state,
            tree_lost: store.lost_tree.may_have(pgid, state),
            content,
        };
        let pages: Vec<MappedPage> = store.pages.iter().zip(contents).map(page).collect();
        let tree_lost = pages.iter().filter(|page| page.tree_lost).count() as u64;
        let runs = runs(store, &pages);
        let (path, page_size) = (store.profile().facts.path.clone(), store.opened.db.page_size());
        Self { evidence, path, page_size, counts, tree_lost, pages, runs }
    }
}

/// What stands on each page of the file.
fn contents(store: &DatabaseStore<'_>, total: u64) -> Vec<PageContent> {
    let mut contents = vec![PageContent::None; usize::try_from(total).unwrap_or(0)];
    let (size, scope, mut digests) = (store.opened.db.page_size(), Scope::default(), Digests::default());
    for task in store.tasks() {
        store.read(&task, &mut |found| {
            let row = row_of(store, &found, &mut digests, |_, _| {}).filter(|row| scope.holds(row, store.prefixes()));
            let Some(Row::Value(value)) = row else { return };
            let Some(offset) = value.offset else { return };
            let content = match value.form() {
                Form::Plaintext => PageContent::Plaintext,
                Form::Encrypted => PageContent::Encrypted,
                Form::Empty | Form::Unknown => return,
            };
            let page = |offset: u64| offset.checked_div(size).and_then(|page| usize::try_from(page).ok());
            let last = page(offset.saturating_add(value.length()).saturating_sub(1));
            if let (Some(first), Some(last)) = (page(offset), last) {
                contents.get_mut(first..=last).into_iter().flatten().for_each(|page| *page = content.max(*page));
            }
        });
    }
    contents
}

/// Pages with one state, or of one header and its overflow.
fn runs(store: &DatabaseStore<'_>, mapped: &[MappedPage]) -> Vec<PageRun> {
    let mut runs = Vec::new();
    let mut pages = (0u64..).zip(mapped).peekable();
    while let Some((pgid, MappedPage { state, tree_lost, .. })) = pages.next() {
        let (state, tree_lost) = (*state, *tree_lost);
        let first = header(store, pgid, state);
        let overflow = first.map_or(0, |header| u64::from(header.overflow));
        let mut count = 1u64;
        while pages.peek().is_some_and(|(next, page)| {
            let is_of_run = *next <= pgid.saturating_add(overflow);
            (page.state, page.tree_lost) == (state, tree_lost) && (is_of_run || first.is_none() && header(store, *next, state).is_none())
        }) {
            pages.next();
            count = count.saturating_add(1);
        }
        let place = |page: u64| usize::try_from(page).unwrap_or(usize::MAX);
        let of_run = mapped.get(place(pgid)..place(pgid.saturating_add(count))).unwrap_or_default();
        let content = of_run.iter().map(|page| page.content).max().unwrap_or_default();
        runs.push(PageRun { pgid, count, state, tree_lost, content, header: first });
    }
    runs
}

/// A page's header where it bears the page's own number.
fn header(store: &DatabaseStore<'_>, pgid: Pgid, state: PageState) -> Option<PageHeader> {
    let db = &store.opened.db;
    let bytes = range::slice(db.bytes(), db.page_offset(pgid), HEADER_LEN)?;
    let is_known = |header: &PageHeader| state == PageState::Meta || header.flags.name().is_some() && pgid > 1;
    PageHeader::parse(bytes).ok().filter(|header| header.id == pgid && is_known(header))
}
