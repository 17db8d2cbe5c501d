//! The CRC chain: CRC-32C running over the data of successive records, from segment to segment.
//!
//! Every record stores the running value after its own data; a record of type `crc` stores it without data, at the
//! beginning of a segment. After a record that does not agree, two values are possible: the one it stores (then its data
//! were altered) and the one computed (then its stored value was). The next record tells which.

/// Whether a record's CRC is that of the data up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It is.
    Matches,
    /// It is not.
    Differs,
    /// It cannot be checked: what stands before is not known.
    Unchecked,
}

/// The running value, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Chain {
    /// Not known: at the beginning, or after damage.
    #[default]
    Unknown,
    /// This value.
    At(u32),
    /// One of two, after a record that does not agree.
    Either {
        /// What the record stores.
        stored: u32,
        /// What its data give.
        computed: u32,
    },
}

/// What a record said of the one before it, when that did not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// Its stored value goes on: its data were altered.
    DataAltered,
    /// Its data go on: its stored value was altered.
    CrcAltered,
}

impl Chain {
    /// The value at the beginning of a log.
    pub const START: Self = Self::At(0);

    /// Goes on by a record with data.
    pub(super) fn step(&mut self, stored: u32, data: &[u8]) -> (Verdict, Option<Resolved>) {
        let (candidates, resolutions) = match *self {
            Self::Unknown => {
                *self = Self::At(stored);
                return (Verdict::Unchecked, None);
            }
            Self::At(value) => ([Some(value), None], [None, None]),
            Self::Either { stored, computed } => {
                ([Some(stored), Some(computed)], [Some(Resolved::DataAltered), Some(Resolved::CrcAltered)])
            }
        };
        for (candidate, resolution) in candidates.into_iter().zip(resolutions) {
            if candidate.is_some_and(|value| crc32c::crc32c_append(value, data) == stored) {
                *self = Self::At(stored);
                return (Verdict::Matches, resolution);
            }
        }
        let [first, _] = candidates;
        *self = Self::Either { stored, computed: crc32c::crc32c_append(first.unwrap_or_default(), data) };
        (Verdict::Differs, None)
    }

    /// Begins anew at a record of type `crc`. Like etcd it does not check when the value is not known.
    pub(super) fn restart(&mut self, stored: u32) -> (Verdict, Option<Resolved>) {
        let verdict = match *self {
            Self::Unknown => (Verdict::Unchecked, None),
            Self::At(value) if value == stored => (Verdict::Matches, None),
            Self::Either { stored: value, .. } if value == stored => (Verdict::Matches, Some(Resolved::DataAltered)),
            Self::Either { computed, .. } if computed == stored => (Verdict::Matches, Some(Resolved::CrcAltered)),
            Self::At(_) | Self::Either { .. } => (Verdict::Differs, None),
        };
        *self = Self::At(stored);
        verdict
    }
}
