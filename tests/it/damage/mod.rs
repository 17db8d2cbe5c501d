//! Damage of every class that the field has seen, made from real fixtures and from small trees: what is broken is said with
//! its place, everything else is read, and nothing is found that was never written.
//!
//! [`Mutant::read`] runs everything up to the text that is printed, and holds the work to the number of pages.

mod alteration;
mod any_change;
mod elements;
mod freelist;
mod keys;
mod length;
mod limits;
mod lost_tree;
mod metas;
mod pages;
mod references;

use crate::common;

use std::collections::BTreeSet;

use common::mutate::{Identity, Mutant, Reading};
use etcd_sleuth::evidence::anomaly::Class;

/// A fixture whose trailer is cut off, so that only what a test changes is wrong.
fn bare(name: &str) -> Mutant {
    Mutant::of(name).without_trailer()
}

/// The tree has these values and no others, nothing foreign is found, and an anomaly of this class is about this page.
fn assert_tree(mutant: &Mutant, class: Class, pgid: u64, wanted: &BTreeSet<Identity>) -> Reading {
    let reading = mutant.read();
    let found = match class {
        // About one key on it.
        Class::KeyOrder | Class::RevisionInvalid => reading.has_on(class, pgid),
        _ => reading.has(class, pgid),
    };
    assert!(found, "{class:?} of page {pgid} is not in {:#?}", reading.anomalies);
    assert_eq!(reading.tree.len(), wanted.len(), "{class:?} of page {pgid}: values in the tree");
    assert!(reading.tree == *wanted, "{class:?} of page {pgid}: other values");
    assert_nothing_foreign(mutant, &reading);
    reading
}

/// The same, and what is missing from the tree is found outside of it.
fn assert_rest(mutant: &Mutant, class: Class, pgid: u64, lost: &[u64]) -> Reading {
    let reading = assert_tree(mutant, class, pgid, &mutant.retained(|page| !lost.contains(&page)));
    let all = mutant.retained(|_| true);
    assert!(all.is_subset(&reading.all), "{class:?} of page {pgid}: {} values are lost", all.difference(&reading.all).count());
    reading
}

/// A change to structure alone makes no values.
fn assert_nothing_foreign(mutant: &Mutant, reading: &Reading) {
    let known = mutant.known();
    let foreign: Vec<_> = reading.all.difference(&known).collect();
    assert!(foreign.is_empty(), "never written: {foreign:?}");
}
