//! What `pages` calls a page, where a part of the tree is lost: that nothing reaches it is then no reason to call it free.

use crate::common;

use common::pages::{self, Write};
use common::{of_kind, records, run_in, text};

/// A database whose branch page can be read or not: its leaves, and the pages that no tree has.
struct Given {
    dir: tempfile::TempDir,
}

const BRANCH: u64 = 3;
const LEAVES: [u64; 2] = [4, 5];
const FREE: u64 = 6;
const FREELIST: u64 = 7;

impl Given {
    fn new(is_broken: bool, has_freelist: bool) -> Self {
        let leaf = |page: u64, main: u64| pages::leaf(page, &[Write::at(main).entry()]);
        let children = [(Write::at(2).stored_under(), LEAVES[0]), (Write::at(3).stored_under(), LEAVES[1])];
        let mut all = vec![pages::root(BRANCH), pages::branch(BRANCH, &children), leaf(LEAVES[0], 2), leaf(LEAVES[1], 3), leaf(FREE, 1)];
        if is_broken {
            all[1].fill(0xff);
        }
        let bytes = match has_freelist {
            true => pages::snapshot_with_freelist(&[&all[..], &[pages::freelist(FREELIST, &[FREE])]].concat(), FREELIST),
            false => pages::database(&all),
        };
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.db"), bytes).unwrap();
        Self { dir }
    }

    fn said(&self, args: &[&str]) -> String {
        text(&run_in(self.dir.path(), &[&["pages", "a.db"], args].concat())).1
    }

    /// Pages that are called free, and those of them of which it is said that their tree is lost.
    fn free(&self) -> (Vec<u64>, Vec<u64>) {
        let records = records(&run_in(self.dir.path(), &["pages", "a.db", "--format", "jsonl"]));
        let pages = |lost: bool| {
            let runs = of_kind(&records, "page-run").into_iter().filter(|run| run["state"] == "free" && run["tree_lost"] == lost);
            let number = |run: &serde_json::Value, name: &str| run[name].as_u64().unwrap();
            runs.flat_map(|run| number(run, "pgid")..number(run, "pgid") + number(run, "count")).collect()
        };
        (pages(false), pages(true))
    }
}

#[test]
fn a_page_below_a_lost_part_of_the_tree_is_not_called_free() {
    let lost: Vec<u64> = [BRANCH].into_iter().chain(LEAVES).collect();
    let everything_but_root: Vec<u64> = lost.iter().copied().chain([FREE]).collect();
    for (has_freelist, free, lost) in [(false, vec![], everything_but_root), (true, vec![FREE], lost)] {
        let given = Given::new(true, has_freelist);
        assert_eq!(given.free(), (free.clone(), lost.clone()));
        let overview = given.said(&[]);
        let shown = |name: &str| -> u64 {
            let row =
                overview.lines().find(|line| line.get(5..).is_some_and(|rest| rest.starts_with(&format!("{name} ")))).unwrap_or_default();
            row[5 + name.len()..].split_whitespace().next().unwrap().parse().unwrap()
        };
        assert_eq!((shown("free"), shown("not known")), (free.len() as u64, lost.len() as u64), "{overview}");
        for command in ["scan", "check"] {
            let shown = text(&run_in(given.dir.path(), &[command, "a.db"])).1;
            assert!(shown.contains(&format!("{} not known, since their tree is lost", lost.len())), "{command}: {shown}");
            assert_eq!(shown.contains(&format!("{} free,", free.len())), !free.is_empty(), "{command}: {shown}");
        }
        let list = given.said(&["--list"]);
        for page in (2..=FREE).filter(|page| lost.contains(page) || free.contains(page)) {
            let explained = given.said(&["--page", &page.to_string()]);
            assert_eq!(explained.contains("a page whose tree is lost"), lost.contains(&page), "{explained}");
            assert_eq!(explained.contains("\nfree: "), free.contains(&page), "{explained}");
            if let Some(row) = list.lines().find(|line| line.split_whitespace().next() == Some(&page.to_string()) && line.contains("leaf"))
            {
                assert_eq!(row.contains("its tree is lost"), lost.contains(&page), "{list}");
            }
        }
    }
}

#[test]
fn where_the_tree_is_whole_what_nothing_reaches_is_free() {
    for has_freelist in [false, true] {
        let given = Given::new(false, has_freelist);
        assert_eq!(given.free(), (vec![FREE], vec![]));
        assert!(![&[][..], &["--list"], &["--page", "6"]].iter().any(|args| given.said(args).contains("tree is lost")));
    }
}
