//! Coverage: per resource and key, what became of the values.

use std::collections::BTreeMap;

use super::Answer;
use crate::envelope::KeyIdentity;
use crate::evidence::count::{Count, Values};
use crate::row::Retention;

/// What became of all values in scope, copies aside.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// By prefix, resource and key; those of files that were left behind apart.
    pub lines: Vec<CoverageLine>,
}

/// Values of one resource under one key.
#[derive(Clone, Debug, Default)]
pub struct CoverageLine {
    /// Of files that were left behind: what is current there is not what the member has now.
    pub is_leftover: bool,
    /// The prefix of their API server; bytes that are no text are replaced. `None`: their keys are no API server's.
    pub prefix: Option<String>,
    /// The resource; empty for keys that are no object's.
    pub group_resource: String,
    /// The key that the values name.
    pub key: KeyIdentity<'static>,
    /// How many, by what became of them in etcd and here.
    pub counts: BTreeMap<(Retention, Answer), Count<Values>>,
}

impl CoverageLine {
    /// Values that fit.
    pub fn count(&self, fits: impl Fn(Retention, Answer) -> bool) -> Count<Values> {
        let fitting = self.counts.iter().filter(|((retention, answer), _)| fits(*retention, *answer));
        fitting.map(|(_, count)| *count).sum()
    }
}

impl Coverage {
    /// Values that fit; those of files that were left behind are not the member's.
    pub fn count(&self, fits: impl Fn(Retention, Answer) -> bool) -> Count<Values> {
        self.count_where(false, fits)
    }

    /// Values that fit in files that were left behind.
    pub fn count_in_leftovers(&self, fits: impl Fn(Retention, Answer) -> bool) -> Count<Values> {
        self.count_where(true, fits)
    }

    fn count_where(&self, is_leftover: bool, fits: impl Fn(Retention, Answer) -> bool) -> Count<Values> {
        self.lines.iter().filter(|line| line.is_leftover == is_leftover).map(|line| line.count(&fits)).sum()
    }

    /// Values under each key that opened, and that did not.
    pub fn by_key(&self) -> BTreeMap<&KeyIdentity<'static>, (Count<Values>, Count<Values>)> {
        let mut keys = BTreeMap::<_, (Count<Values>, Count<Values>)>::new();
        for line in &self.lines {
            let count = |opened: bool| line.count(|_, answer| answer.standing().is_opened() == opened);
            let (opened, failed) = keys.entry(&line.key).or_default();
            opened.add(count(true));
            failed.add(count(false));
        }
        keys
    }

    /// Answers other than an opening, each with its number of values.
    pub fn unopened(&self) -> BTreeMap<Answer, Count<Values>> {
        let mut sums = BTreeMap::new();
        for ((_, answer), count) in self.lines.iter().flat_map(|line| &line.counts) {
            if !answer.standing().is_opened() {
                sums.entry(*answer).or_insert(Count::ZERO).add(*count);
            }
        }
        sums
    }
}
