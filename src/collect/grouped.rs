//! Counts by group.

use std::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// A map that remembers the entry it gave last: neighbouring rows mostly share resource and key.
#[derive(Clone, Debug)]
pub struct Grouped<K, V> {
    groups: Vec<(K, V)>,
    index: HashMap<K, usize, FixedState>,
    last: usize,
}

impl<K, V> Default for Grouped<K, V> {
    fn default() -> Self {
        Self { groups: Vec::new(), index: HashMap::default(), last: 0 }
    }
}

impl<K: Clone + Eq + Hash, V: Default> Grouped<K, V> {
    pub(super) fn entry(&mut self, key: &K) -> Option<&mut V> {
        if self.groups.get(self.last).is_none_or(|(known, _)| known != key) {
            self.last = match self.index.get(key) {
                Some(index) => *index,
                None => {
                    self.index.insert(key.clone(), self.groups.len());
                    self.groups.push((key.clone(), V::default()));
                    self.groups.len().saturating_sub(1)
                }
            };
        }
        self.groups.get_mut(self.last).map(|(_, value)| value)
    }

    pub(super) fn merge(&mut self, other: Self, add: impl Fn(&mut V, V)) {
        for (key, value) in other.groups {
            if let Some(known) = self.entry(&key) {
                add(known, value);
            }
        }
    }

    /// The groups in no particular order.
    pub fn into_groups(self) -> Vec<(K, V)> {
        self.groups
    }
}
