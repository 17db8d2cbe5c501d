//! One write of a key, in as few bytes as say what all others must know of it.

use std::cmp::Ordering;

use super::fingerprint::Fingerprint;
use super::succession::KeyState;
use super::{KeyValue, Revision, RevisionKey};

/// One write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Write {
    fingerprint_high: u64,
    pub main: u64,
    fingerprint_low: u32,
    pub sub: u32,
    /// 0: a deletion.
    version: u32,
    created: u32,
}

impl Write {
    /// Of a write at a revision that is possible, and whether all of it fits into so few bytes.
    pub(super) fn of(at: RevisionKey, kv: &KeyValue<'_>) -> (Self, bool) {
        let Fingerprint { high, low } = Fingerprint::of(kv.key);
        let (version, created) = match at.is_tombstone {
            true => (Some(0), Some(0)),
            false => (u32::try_from(kv.version).ok().filter(|version| *version > 0), u32::try_from(kv.create_revision).ok()),
        };
        let sub = u32::try_from(at.revision.sub).ok();
        let write = Self {
            fingerprint_high: high,
            main: at.revision.main,
            fingerprint_low: low,
            sub: sub.unwrap_or(u32::MAX),
            // A value, of whichever version: not a deletion.
            version: version.unwrap_or(u32::MAX),
            created: created.unwrap_or(u32::MAX),
        };
        (write, version.is_some() && created.is_some() && sub.is_some())
    }

    /// By key, and of each key by revision. Mostly the first number tells.
    pub(super) fn in_order(&self, other: &Self) -> Ordering {
        let rest = |write: &Self| (write.fingerprint_low, write.main, write.sub, write.is_tombstone());
        self.fingerprint_high.cmp(&other.fingerprint_high).then_with(|| rest(self).cmp(&rest(other)))
    }

    pub(super) fn fingerprint(self) -> Fingerprint {
        Fingerprint { high: self.fingerprint_high, low: self.fingerprint_low }
    }

    pub(super) fn revision(self) -> Revision {
        Revision { main: self.main, sub: u64::from(self.sub) }
    }

    pub(super) fn is_tombstone(self) -> bool {
        self.version == 0
    }

    pub(super) fn at(self) -> RevisionKey {
        RevisionKey { revision: self.revision(), is_tombstone: self.is_tombstone() }
    }

    pub(super) fn state(self) -> KeyState {
        match self.version {
            0 => KeyState::Deleted,
            version => KeyState::Value { version: i64::from(version), created: i64::from(self.created) },
        }
    }
}
