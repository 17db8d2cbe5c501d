//! Pages that refer to others: classes 5, 6 and 8.

use std::collections::BTreeSet;

use etcd_sleuth::evidence::anomaly::Class;

use super::common::mutate::{Identity, header, read};
use super::common::pages::{self, Write};
use super::{assert_nothing_foreign, assert_rest, assert_tree, bare};

#[test]
fn class_5_a_page_with_two_parents_is_entered_once() {
    let mut mutant = bare("migration");
    let (twice, lost) = (mutant.leaves[2], mutant.leaves[9]);
    mutant.set_child(9, twice);
    let reading = assert_rest(&mutant, Class::PageReferencedTwice, twice, &[lost]);
    assert_eq!(reading.offsets(Class::PageReferencedTwice).len(), 1);
}

#[test]
fn class_6_cycles_end() {
    // To itself.
    let mut mutant = bare("migration");
    let (branch, lost) = (mutant.branch, mutant.leaves[4]);
    mutant.set_child(4, branch);
    assert_rest(&mutant, Class::PageReferencedTwice, branch, &[lost]);
    // A branch page over its own descendant: it leads to all leaves again, itself among them.
    let mut mutant = bare("migration");
    mutant.copy(branch, lost).set(lost, header::ID, 8, lost);
    let reading = assert_tree(&mutant, Class::PageReferencedTwice, lost, &mutant.retained(|page| page != lost));
    assert!(reading.verdict.contains("DAMAGED"), "{}", reading.verdict);
    // The root of the bucket is the page that names it.
    let mut mutant = bare("migration");
    let root = mutant.root;
    mutant.set_root_of_key(root);
    let reading = mutant.read();
    assert!(reading.has(Class::PageReferencedTwice, root), "{:?}", reading.anomalies);
    assert!(reading.tree.is_empty() && mutant.retained(|_| true).is_subset(&reading.all));
    assert_nothing_foreign(&mutant, &reading);
}

/// A bucket with four levels of branch pages, each with two children, and a write on each of sixteen leaves.
///
/// Nodes are numbered level by level, the first is 1 and has 2 and 3 below it; node `n` stands on page `n + 2`.
struct Tower {
    /// The children of each branch page, by node.
    children: Vec<[u64; 2]>,
}

impl Tower {
    const BRANCHES: u64 = 16;

    fn sound() -> Self {
        Self { children: (0..Self::BRANCHES).map(|node| [2 * node, 2 * node + 1]).collect() }
    }

    fn page(node: u64) -> u64 {
        node + 2
    }

    /// The leftmost leaf below a node, as the tree was before anything was changed.
    fn first_leaf(mut node: u64) -> u64 {
        while node < Self::BRANCHES {
            node *= 2;
        }
        node
    }

    /// The leaves below a node, in the same tree.
    fn leaves(node: u64) -> Vec<u64> {
        let (mut from, mut to) = (node, node);
        while from < Self::BRANCHES {
            (from, to) = (2 * from, 2 * to + 1);
        }
        (from..=to).collect()
    }

    /// What stands on a leaf: the first revision of all on the first.
    fn write(leaf: u64) -> Write {
        Write::at(leaf - Self::BRANCHES + 2)
    }

    fn values(leaves: impl IntoIterator<Item = u64>) -> BTreeSet<Identity> {
        leaves.into_iter().map(|leaf| Self::write(leaf).identity()).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        let separator = |node| Self::write(Self::first_leaf(node)).stored_under();
        let branches = (1..Self::BRANCHES).map(|node| {
            let [left, right] = self.children[usize::try_from(node).unwrap()];
            // The separators stay as they were, whatever the page below is.
            let below = [(separator(2 * node), Self::page(left)), (separator(2 * node + 1), Self::page(right))];
            pages::branch(Self::page(node), &below)
        });
        let leaves = (Self::BRANCHES..2 * Self::BRANCHES).map(|node| pages::leaf(Self::page(node), &[Self::write(node).entry()]));
        let all: Vec<_> = [pages::root(Self::page(1))].into_iter().chain(branches).chain(leaves).collect();
        pages::database(&all)
    }
}

/// Class 6: cycles of every length through levels of branch pages end.
#[test]
fn class_6_cycles_of_every_length_end() {
    let everything = Tower::values(Tower::BRANCHES..2 * Tower::BRANCHES);
    let sound = read(&Tower::sound().bytes()).unwrap();
    assert!(sound.anomalies.is_empty() && sound.tree == everything, "{:?}", sound.anomalies);
    let mut lengths = BTreeSet::new();
    for from in 1..Tower::BRANCHES {
        for side in [0, 1] {
            // To itself, to the page above it, and so on up to the root of the bucket.
            let mut to = from;
            for length in 1.. {
                let mut tower = Tower::sound();
                let lost = Tower::leaves(std::mem::replace(&mut tower.children[usize::try_from(from).unwrap()][side], to));
                let reading = read(&tower.bytes()).unwrap();
                let what = format!("page {} leads to page {}: {:?}", Tower::page(from), Tower::page(to), reading.anomalies);
                assert_eq!(reading.classes(), BTreeSet::from(["page-referenced-twice"]), "{what}");
                assert!(reading.anomalies.len() == 1 && reading.has(Class::PageReferencedTwice, Tower::page(to)), "{what}");
                assert_eq!(reading.tree, everything.difference(&Tower::values(lost)).cloned().collect(), "{what}");
                assert_eq!(reading.all, everything, "{what}");
                lengths.insert(length);
                to /= 2;
                if to == 0 {
                    break;
                }
            }
        }
    }
    assert_eq!(lengths, BTreeSet::from([1, 2, 3, 4]));
}

#[test]
fn class_8_pages_that_cannot_be() {
    let sound = bare("migration");
    for child in [8_314_893_338_927_566_090, u64::MAX, 0, 1, sound.pages()] {
        let mut mutant = bare("migration");
        let (branch, lost) = (mutant.branch, mutant.leaves[7]);
        mutant.set_child(7, child);
        let reading = assert_rest(&mutant, Class::PgidOutOfBounds, branch, &[lost]);
        assert_eq!(reading.classes(), BTreeSet::from(["pgid-out-of-bounds"]), "{child}");
    }
    // A free page whose header still stands is read as part of the tree, out of order, and takes nothing from it.
    let mut mutant = bare("migration");
    let lost = mutant.leaves[7];
    let old = (2..mutant.pages())
        .find(|page| mutant.get(*page, header::ID, 8) == *page && !mutant.elsewhere(|on| on == *page).is_empty())
        .unwrap();
    mutant.set_child(7, old);
    let reading = mutant.read();
    assert!(reading.has_on(Class::KeyOrder, old), "{:?}", reading.anomalies);
    let wanted = mutant.retained(|page| page != lost).union(&mutant.elsewhere(|page| page == old)).cloned().collect();
    assert_eq!(reading.tree, wanted);
    assert!(mutant.retained(|_| true).is_subset(&reading.all));
    assert_nothing_foreign(&mutant, &reading);
}
