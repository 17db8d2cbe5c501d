//! Findings, and what they are about.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::Rule;
use crate::evidence::count::{Count, Matches};

/// A finding: a rule that an evidence met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How many things met it.
    pub count: Count<Matches>,
    /// Of Secrets that can be read in one place, how many of them cannot be read in a newer one: by that each is counted once.
    pub nowhere_newer: Option<Count<Matches>>,
    /// What they are, in order; the first [`Finding::LISTED`] of them.
    pub about: BTreeSet<About>,
}

/// One thing that met a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum About {
    /// An object, by its whole key in etcd.
    Object(String),
    /// An encryption key, as values name it.
    Key(String),
    /// Something in what was given, by its path.
    Path(PathBuf),
    /// A user of etcd.
    User(String),
    /// A place in the evidence.
    Place {
        /// First byte, from the start of the content; `None` where it is about the whole.
        offset: Option<u64>,
        /// The page.
        pgid: Option<u64>,
    },
}

impl Finding {
    /// Most things that are listed.
    pub const LISTED: usize = 100;

    /// A finding about these things, as many as they are.
    pub fn of(rule: Rule, things: impl IntoIterator<Item = About>) -> Self {
        let mut finding = Self { rule, count: Count::ZERO, nowhere_newer: None, about: BTreeSet::new() };
        things.into_iter().for_each(|thing| finding.add(thing));
        finding
    }

    /// Adds one thing that met the rule.
    pub fn add(&mut self, thing: About) {
        self.count.add_one();
        self.about.insert(thing);
        if self.about.len() > Self::LISTED {
            self.about.pop_last();
        }
    }
}
