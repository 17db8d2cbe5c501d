//! Anomalies: facts about bytes that a sound file would not show.
//!
//! Damage is data. A parser that meets it notes an [`Anomaly`] with its place and goes on; what it means
//! for the answer is judged elsewhere.

use std::collections::BTreeMap;

/// One fact about the bytes of one evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anomaly {
    /// First byte it is about, from the start of the content.
    pub offset: Option<u64>,
    /// What kind of fact.
    pub class: Class,
    /// The page it is about.
    pub pgid: Option<u64>,
    /// What was expected and what was found. Never holds value bytes.
    pub detail: String,
}

macro_rules! classes {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $name:literal, $kind:ident $(, doubts $($doubt:ident),+)?; )+) => {
        /// The kinds of anomaly, each with the word that the records use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Class { $( $(#[doc = $doc])+ $variant, )+ }

        impl Class {
            /// Every class, in the order of declaration.
            pub const ALL: &'static [Class] = &[$(Class::$variant),+];

            /// The word in the records.
            pub fn name(self) -> &'static str {
                match self { $(Class::$variant => $name,)+ }
            }

            /// What the class says about the file as a whole.
            pub fn bearing(self) -> Bearing {
                match self { $(Class::$variant => Bearing::$kind,)+ }
            }

            /// What it puts in doubt, whatever it says about the file.
            pub fn doubts(self) -> &'static [Doubt] {
                match self { $(Class::$variant => &[$($(Doubt::$doubt),+)?],)+ }
            }

            /// One sentence on the class, as the documentation has it.
            pub fn description(self) -> &'static str {
                match self { $(Class::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

/// What an anomaly says about the file it was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Bearing {
    /// Worth knowing; nothing is missing or wrong.
    Note,
    /// What stands in one value cannot be decoded; the structure around it is sound.
    Undecoded,
    /// The bytes are not those that were written.
    Altered,
    /// Something in the structure is broken; what hangs from it may be missing.
    Damaged,
    /// Bytes that should be there are not.
    Incomplete,
    /// It contradicts another file; which of them is right is not known.
    Divergent,
}

/// What an anomaly leaves unknown. Whoever rests on such a thing asks for the doubt and never for a class, so that a new class
/// says here what it bears on, and changes no judgement elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doubt {
    /// Whether a page shows all that stood on it: it may have had more.
    Extent,
    /// Whether bytes of a page that none of its elements has hold something.
    Slack,
    /// Whether writes stand in the order of their revisions, in bucket `key` alone.
    Order,
    /// Which writes the tree has: some cannot be told, do not stand where their revision belongs, or have two.
    Writes,
    /// Which revision is the newest.
    Revision,
    /// Whether the retained writes are those of one history.
    History,
    /// What was compacted.
    Compaction,
    /// Whether the file is as it was at one moment.
    Moment,
}

classes! {
    /// A branch or leaf points at a page that cannot be: a meta page, or one past the high-water mark.
    PgidOutOfBounds = "pgid-out-of-bounds", Damaged;
    /// Two places refer to the same page.
    PageReferencedTwice = "page-referenced-twice", Damaged;
    /// The page's header bears another page's number.
    PageIdMismatch = "page-id-mismatch", Damaged;
    /// The page is of another type than its place asks for.
    PageType = "page-type", Damaged;
    /// A page's overflow count runs past the end of the file or the high-water mark.
    OverflowPastEnd = "overflow-past-end", Damaged;
    /// An element's key or value lies outside its page, or overlaps its neighbour.
    ElementOutOfBounds = "element-out-of-bounds", Damaged, doubts Slack;
    /// A key that is not larger than its predecessor, or outside what the parent page allows.
    KeyOrder = "key-order", Damaged, doubts Order, Writes, History;
    /// A key of no bytes, which bbolt forbids.
    EmptyKey = "empty-key", Damaged;
    /// Bytes behind the last element of a page in use are not zero, as every writer leaves them.
    SlackNotZero = "slack-not-zero", Altered, doubts Extent, Slack;
    /// Bytes stand between the elements of a page, which every writer packs one behind the other.
    ElementGap = "element-gap", Altered, doubts Extent, Slack;
    /// A page below a branch page has no elements, where every writer takes such a page out of the tree.
    EmptyPage = "empty-page", Altered, doubts Extent;
    /// A page's run is longer than what stands on it needs, and than any writer makes it.
    OverflowTooLong = "overflow-too-long", Altered;
    /// A bucket within an inline bucket, which bbolt never writes.
    NestedInlineBucket = "nested-inline-bucket", Damaged;
    /// A bucket's header or inline page cannot be read.
    BucketInvalid = "bucket-invalid", Damaged;
    /// A meta page fails its checksum or holds impossible numbers.
    MetaInvalid = "meta-invalid", Damaged;
    /// Neither meta page is valid: no tree can be walked, and the file was read as a set of pages.
    NoValidMeta = "no-valid-meta", Damaged;
    /// The two meta pages contradict each other in a way no writer produces.
    MetaContradiction = "meta-contradiction", Altered;
    /// The freelist page cannot be read.
    FreelistInvalid = "freelist-invalid", Damaged;
    /// The freelist names a page twice, or one that cannot be free.
    FreedTwice = "freed-twice", Damaged;
    /// A page in use is on the freelist.
    ReachableFreed = "reachable-freed", Damaged;
    /// A page that is neither in use nor on the freelist.
    UnreachableUnfreed = "unreachable-unfreed", Damaged;
    /// The file ends before what it says it holds, or is a segment without its beginning.
    FileTruncated = "file-truncated", Incomplete;
    /// The container (gzip, zstd, zip, tar, base64) ends early or is damaged; what came out was read.
    ContainerDamaged = "container-damaged", Incomplete;
    /// Bytes after the last page that are no snapshot trailer.
    TrailingBytes = "trailing-bytes", Altered;
    /// More stands behind a snapshot's trailer, which matches what is before it.
    TrailerFollowed = "trailer-followed", Note;
    /// The SHA-256 at the end is not that of the bytes before it.
    TrailerMismatch = "trailer-mismatch", Altered;
    /// A key in etcd's `key` bucket that is no revision.
    RevisionInvalid = "revision-invalid", Damaged, doubts Writes, History;
    /// A revision of a key stands in another bucket than `key`.
    RevisionMisplaced = "revision-misplaced", Damaged, doubts Order, Writes, History;
    /// The revision inside a KeyValue is not the one it is stored under.
    RevisionMismatch = "revision-mismatch", Altered, doubts Writes, Revision;
    /// Revisions are missing behind the last compaction, where each transaction takes the next one and none is removed.
    RevisionGap = "revision-gap", Incomplete, doubts History;
    /// A write that does not follow what stands before it of its key: a write is missing, or one is there that a compaction removed.
    SuccessionBroken = "succession-broken", Damaged, doubts History;
    /// No revision is newer than the last compaction. All that was written up to it may have been deleted; the API server goes on writing.
    CompactionAhead = "compaction-ahead", Note;
    /// The finished compaction is past the scheduled one, which every writer sets first.
    CompactionContradiction = "compaction-contradiction", Altered;
    /// The value stored under a revision is no KeyValue.
    KeyValueInvalid = "key-value-invalid", Damaged, doubts Writes;
    /// A bucket that every etcd database has is not there.
    BucketMissing = "bucket-missing", Damaged;
    /// An entry of one of etcd's own buckets (meta, members, lease …) cannot be read.
    SchemaInvalid = "schema-invalid", Damaged, doubts Compaction;
    /// A value bears a known provider's prefix, but what follows is not of that provider's form, or plainly no ciphertext.
    EnvelopeInvalid = "envelope-invalid", Undecoded;
    /// A value bears an object's prefix, but the object cannot be read.
    ObjectInvalid = "object-invalid", Undecoded;
    /// An object's own namespace or name is not that of the key it is stored under.
    ObjectMisplaced = "object-misplaced", Note;
    /// A record of the write-ahead log does not match the CRC over the data up to it.
    WalCrcMismatch = "wal-crc-mismatch", Altered;
    /// The last write to the log was interrupted: the record is cut, or a sector of it is still zero.
    WalTornRecord = "wal-torn-record", Incomplete;
    /// Bytes in the log that are no record, or a record whose data are not of its type.
    WalRecordInvalid = "wal-record-invalid", Damaged;
    /// The padding of a record is not zero, as every writer leaves it.
    WalPaddingNotZero = "wal-padding-not-zero", Altered;
    /// Bytes behind the last record of a log that are neither zero nor a record.
    WalTailNotZero = "wal-tail-not-zero", Altered;
    /// A segment or entries of the log are not there.
    WalGap = "wal-gap", Incomplete;
    /// The log in a member's place is another member's: the member's own is not there, and nothing of this one is joined to the database.
    WalOfAnotherMember = "wal-of-another-member", Incomplete;
    /// The newest raft snapshot stands for entries that the database has not applied, and did not come with one that has: etcd does not start
    /// on such a directory.
    RaftSnapshotAhead = "raft-snapshot-ahead", Incomplete;
    /// The newest raft snapshot came with a database of its own, which etcd puts in this one's place when it starts: this one is not what the
    /// member goes on with.
    DatabaseReplaced = "database-replaced", Note;
    /// The database has applied entries that the log beside it does not have, nor a raft snapshot stands for.
    IndexPastLog = "index-past-log", Incomplete;
    /// A segment's name does not fit those before it or what it holds.
    WalSegmentOrder = "wal-segment-order", Damaged;
    /// A record that cannot follow those before it: an index, a term, a commit or a type out of order.
    WalSequence = "wal-sequence", Altered;
    /// The data of an entry are no request that is known.
    WalRequestInvalid = "wal-request-invalid", Damaged;
    /// A process holds a lock on the file: it is being written, and this is what it held at one moment or several.
    InUse = "in-use", Note, doubts Moment;
    /// A raft snapshot does not match its CRC.
    RaftSnapshotCrcMismatch = "raft-snapshot-crc-mismatch", Altered;
    /// A raft snapshot cannot be read.
    RaftSnapshotInvalid = "raft-snapshot-invalid", Damaged;
    /// A database of the same cluster, earlier in this run, has other writes at the same revisions.
    MemberDivergence = "member-divergence", Divergent;
    /// A write outside the tree with larger numbers than are kept here; `check --limits` lists all limits.
    LimitPassed = "limit-passed", Incomplete;
    /// More anomalies of one class than are listed.
    NotListed = "not-listed", Note;
}

/// Anomalies of one evidence, bounded: beyond [`Anomalies::PER_CLASS`] of a class they are only counted.
#[derive(Clone, Debug, Default)]
pub struct Anomalies {
    listed: Vec<Anomaly>,
    counts: BTreeMap<Class, u64>,
}

impl Anomalies {
    /// How many of one class are listed with their places.
    pub const PER_CLASS: u64 = super::limit::LISTED_ANOMALIES;

    /// Notes one.
    pub fn note(&mut self, class: Class, offset: Option<u64>, pgid: Option<u64>, detail: impl FnOnce() -> String) {
        let count = self.counts.entry(class).or_insert(0);
        *count = count.saturating_add(1);
        if *count <= Self::PER_CLASS {
            self.listed.push(Anomaly { offset, class, pgid, detail: detail() });
        }
    }

    /// Takes over those of another part of the same evidence.
    ///
    /// Parts are read in file order, so that each keeps its lowest offsets and the merged list is the
    /// same for any division of the work.
    pub fn merge(&mut self, other: Anomalies) {
        self.listed.extend(other.listed);
        for (class, count) in other.counts {
            let sum = self.counts.entry(class).or_insert(0);
            *sum = sum.saturating_add(count);
        }
    }

    /// How many of a class there are, listed or not.
    pub fn count(&self, class: Class) -> u64 {
        self.counts.get(&class).copied().unwrap_or(0)
    }

    /// Those that are listed, in no particular order.
    pub fn listed(&self) -> &[Anomaly] {
        &self.listed
    }

    /// Every class that occurred, and how often.
    pub fn counts(&self) -> &BTreeMap<Class, u64> {
        &self.counts
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Whether one of them has this bearing.
    pub fn any(&self, bearing: Bearing) -> bool {
        self.counts.keys().any(|class| class.bearing() == bearing)
    }

    /// Whether one of them puts this in doubt.
    pub fn put_in_doubt(&self, doubt: Doubt) -> bool {
        self.counts.keys().any(|class| class.doubts().contains(&doubt))
    }

    /// Whether everything was read in spite of them: nothing is broken or missing, and no page shows that it may have had more on it.
    pub fn leave_all_read(&self) -> bool {
        let is_lacking = |class: &Class| matches!(class.bearing(), Bearing::Undecoded | Bearing::Damaged | Bearing::Incomplete);
        !self.put_in_doubt(Doubt::Extent) && !self.counts.keys().any(is_lacking)
    }

    /// The list by offset, those without a place last, with a closing note per class that was cut.
    pub fn into_sorted(mut self) -> Vec<Anomaly> {
        self.listed.sort_by(|a, b| (a.offset.is_none(), a).cmp(&(b.offset.is_none(), b)));
        let mut kept: BTreeMap<Class, u64> = BTreeMap::new();
        self.listed.retain(|anomaly| {
            let count = kept.entry(anomaly.class).or_insert(0);
            *count = count.saturating_add(1);
            *count <= Self::PER_CLASS
        });
        for (class, count) in &self.counts {
            if let Some(more) = count.checked_sub(Self::PER_CLASS).filter(|n| *n > 0) {
                let detail = format!("{more} more of class {}", class.name());
                self.listed.push(Anomaly { offset: None, class: Class::NotListed, pgid: None, detail });
            }
        }
        self.listed
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_class_is_counted_but_listed_only_up_to_the_limit() {
        let mut anomalies = Anomalies::default();
        for offset in 0..Anomalies::PER_CLASS + 5 {
            anomalies.note(Class::KeyOrder, Some(offset), None, || "x".into());
        }
        assert_eq!(anomalies.count(Class::KeyOrder), Anomalies::PER_CLASS + 5);
        let listed = anomalies.into_sorted();
        assert_eq!(listed.len() as u64, Anomalies::PER_CLASS + 1);
        assert_eq!(listed.last().map(|a| (a.class, a.detail.as_str())), Some((Class::NotListed, "5 more of class key-order")));
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = Class::ALL.iter().map(|c| c.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Class::ALL.len());
    }
}
