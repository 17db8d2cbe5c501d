//! Rules: what an evidence can be found to have against it, and how each is worded.

/// How bad a finding is. The names are SARIF's levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// To be looked into.
    Warning,
    /// To be acted upon.
    Error,
}

impl Severity {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

macro_rules! rules {
    ($( $variant:ident = $code:literal, $severity:ident, $title:literal, $why:literal, $remedy:literal $(, $reference:literal)*; )+) => {
        /// A rule. Those about keys are met in `verify`, which opens values; all others whatever was asked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule { $( #[doc = $title] $variant, )+ }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant),+];
            /// Its stable code.
            pub fn code(self) -> &'static str { match self { $(Rule::$variant => $code,)+ } }
            /// How bad it is.
            pub fn severity(self) -> Severity { match self { $(Rule::$variant => Severity::$severity,)+ } }
            /// What was found, in a few words.
            pub fn title(self) -> &'static str { match self { $(Rule::$variant => $title,)+ } }
            /// Why it matters.
            pub fn why(self) -> &'static str { match self { $(Rule::$variant => $why,)+ } }
            /// What to do, each step by what it does: it preserves what there is, contains the harm, or cleans up, and then names what is lost
            /// with it; empty where nothing is to be done.
            pub fn remedy(self) -> &'static str { match self { $(Rule::$variant => $remedy,)+ } }
            /// Where more is said of it.
            pub fn references(self) -> &'static [&'static str] { match self { $(Rule::$variant => &[$($reference),*],)+ } }
        }
    };
}

rules! {
    PlaintextCurrent = "plaintext-current", Error,
        "Secrets are stored in plaintext",
        "Whoever has this file reads them.",
        "Contain: configure encryption at rest, rewrite every Secret, and rotate what a copied file held.",
        "https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/";
    PlaintextNewest = "plaintext-newest", Error,
        "The newest revisions that the database has of Secrets are in plaintext",
        "The log goes on behind the database, and writes or deletes them later: whether they are stored so now is not known. Whoever has this file reads them.",
        "Contain: configure encryption at rest, rewrite every Secret, and rotate what a copied file held.",
        "https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/";
    PlaintextSuperseded = "plaintext-superseded", Warning,
        "Older revisions of Secrets are in plaintext",
        "The Secret was written again, but the revision before is still there.",
        "Clean up: compaction takes it out of the tree, not out of the file. Defragment every member; once nothing holds the existing backups, replace them: their restore points are lost.",
        "https://etcd.io/docs/v3.6/op-guide/maintenance/";
    PlaintextDeleted = "plaintext-deleted", Warning,
        "Deleted Secrets are retained in plaintext",
        "A deletion is a tombstone; until compaction the value stays. What it unlocked may still be in use.",
        "Contain: rotate what it unlocked. Clean up: compaction takes it out of the tree, not out of the file; defragment every member.",
        "https://etcd.io/docs/v3.6/op-guide/maintenance/";
    PlaintextResidue = "plaintext-residue", Error,
        "Secrets in plaintext stand where etcd no longer shows them",
        "bbolt never wipes a page: a compaction erases nothing, and a restored database has the residue of its snapshot.",
        "Contain: rotate what a copied file held. Clean up: defragment every member; once nothing holds the existing backups, replace them: their restore points are lost.",
        "https://etcd.io/docs/v3.6/op-guide/maintenance/";
    PlaintextFragments = "plaintext-fragments", Warning,
        "Pieces of Secrets in plaintext stand where etcd no longer shows them",
        "The beginning of these values is lost, so which Secrets they were is not known.",
        "Clean up: defragment every member; once nothing holds the existing backups, replace them: their restore points are lost.";
    PlaintextLog = "plaintext-log", Error,
        "The write-ahead log or a raft snapshot holds Secrets in plaintext",
        "Neither compaction nor defragmentation touches them. They turn over: etcd keeps the five newest of each and purges the others, and what stands in those goes only with further writes. What the v2 API stored is in every raft snapshot.",
        "Contain: rotate what it held. Clean up: once nothing holds the copies of the directory, replace them: their restore points are lost.";
    PlaintextCarved = "plaintext-carved", Error,
        "Bytes hold Secrets in plaintext",
        "Whoever has these bytes reads them. Whether the Secrets still exist, and whether the values are today's, bytes without their database do not say.",
        "Contain: rotate what they held.";
    PlaintextLeftBehind = "plaintext-left-behind", Error,
        "A file that was left behind holds Secrets in plaintext",
        "etcd does not read it any more: neither compaction nor defragmentation touches it, and no write replaces what it holds.",
        "Contain: rotate what it held. Clean up: keep a copy as evidence, then have the file removed from the member, and from what else has a copy of the directory.";
    EtcdPasswordsLog = "etcd-passwords-log", Error,
        "The write-ahead log holds passwords of etcd's users in clear",
        "etcd 3.4 writes them when a user is added or a password changed, older versions at every login too.",
        "Contain: change these passwords after an upgrade. The segments go as others are written.";
    EtcdTokensLog = "etcd-tokens-log", Warning,
        "The write-ahead log holds login tokens of etcd's users",
        "A simple token logs in as its user while it is valid, five minutes after its last use unless etcd was told otherwise.",
        "";
    EtcdPasswordHashes = "etcd-password-hashes", Note,
        "The database holds password hashes of etcd's users",
        "They are bcrypt: short passwords can be guessed from them.",
        "";
    V2Values = "v2-values", Warning,
        "A raft snapshot holds values of the v2 API in clear",
        "Encryption at rest is Kubernetes' own and does not reach what other software stored there.",
        "";
    KeysBesideData = "keys-beside-data", Error,
        "Objects in plaintext hold keys",
        "Whoever has this file has the keys in it too: encryption keys open what else is encrypted here and in every other backup; a kubeconfig or cloud credential may open the cluster or its KMS.",
        "Contain: rotate them first.";
    MovedCiphertext = "moved-ciphertext", Error,
        "Ciphertext stands under another key of etcd than it was sealed for",
        "The trace of a swap by somebody who can write to etcd, or of a restore under another prefix. The API server cannot read it where it stands.",
        "Preserve: keep a copy of the file with its digest. Find out who moved it, or which prefix the cluster had: no key helps against it.";
    OtherKeyThanRequired = "other-key-than-required", Warning,
        "Values that are current are not under the required key",
        "They are unreadable once the key they are under is gone.",
        "Preserve: keep the key they are under. Contain: rewrite them, then take a new snapshot and verify that.";
    UnknownStorage = "unknown-storage", Warning,
        "Secrets are stored in a form not known here",
        "They bear a prefix of no provider this version knows, or are bytes of no known encoding; whether they can be read without a key is not known.",
        "";
    FileAltered = "file-altered", Error,
        "The file is not as it was written",
        "A checksum in it does not match what it stands for, or something stands in it that no writer leaves so: the anomalies say what, and where.",
        "Preserve: keep it as it is, with its digest. Compare it with another copy before trusting it.";
    FileDamaged = "file-damaged", Error,
        "The file's structure is damaged",
        "What hangs from the broken places is missing from this answer.",
        "Preserve: keep it as it is, with its digest. etcd-sleuth check says what is missing, etcd-sleuth recover brings back what can be read, etcd-sleuth carve finds values without the pages around them.";
    FileIncomplete = "file-incomplete", Error,
        "The file is not whole",
        "Something that belongs to it is not there: bytes that its meta page counts, revisions, or entries of its log.",
        "Preserve: keep it as it is, with its digest. etcd-sleuth check says what is missing. Fetch it again, or take another member's.";
    ValuesUndecoded = "values-undecoded", Warning,
        "Values cannot be decoded",
        "They bear an object's or a provider's prefix, and what follows is not of its form: they were written so, or altered. The structure around them is sound.",
        "Preserve: keep the file as it is, with its digest. Compare them with another copy: etcd-sleuth check names their keys and revisions.";
    FileDivergent = "file-divergent", Warning,
        "The file contradicts another one of its cluster",
        "Raft gives all members the same writes. Members diverged, a restored cluster went on from its snapshot, or one of the files was altered; which of them is right the files do not say.",
        "Preserve: keep both, with their digests. Compare them with a third: another member, another backup.",
        "https://github.com/etcd-io/etcd/issues/13766";
    NotRead = "not-read", Warning,
        "A part of what was given was not read",
        "What stands there is not in this answer.",
        "Give it by itself, or together with what it belongs to; carve searches bytes of any form.";
    NoTrailer = "no-trailer", Note,
        "The file has no snapshot trailer",
        "Nothing in it can tell whether it was changed since it was copied. A database taken from a data directory has none.",
        "";
    CompactionUnfinished = "compaction-unfinished", Note,
        "A compaction was in progress",
        "Revisions up to the scheduled one were being removed when the file was taken.",
        "";
    AlarmRaised = "alarm-raised", Warning,
        "A member had raised an alarm",
        "NOSPACE stops all writes; CORRUPT says that members differ.",
        "";
}

impl Rule {
    /// Whether what meets it are objects: in a member's files each of them counts once.
    pub fn is_about_objects(self) -> bool {
        match self {
            Self::PlaintextCurrent
            | Self::PlaintextNewest
            | Self::PlaintextSuperseded
            | Self::PlaintextDeleted
            | Self::PlaintextResidue
            | Self::PlaintextLog
            | Self::KeysBesideData => true,
            Self::PlaintextFragments
            | Self::PlaintextLeftBehind
            | Self::EtcdPasswordsLog
            | Self::PlaintextCarved
            | Self::EtcdTokensLog
            | Self::EtcdPasswordHashes
            | Self::V2Values
            | Self::MovedCiphertext
            | Self::OtherKeyThanRequired
            | Self::UnknownStorage
            | Self::FileAltered
            | Self::FileDamaged
            | Self::FileIncomplete
            | Self::ValuesUndecoded
            | Self::FileDivergent
            | Self::NotRead
            | Self::NoTrailer
            | Self::CompactionUnfinished
            | Self::AlarmRaised => false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    /// Advice does no harm: what removes something is last, waits until nothing holds it, and says what goes with it.
    #[test]
    fn a_remedy_preserves_contains_or_cleans_up() {
        for rule in Rule::ALL.iter().filter(|rule| !rule.remedy().is_empty() && **rule != Rule::NotRead) {
            let remedy = rule.remedy();
            let has = |word: &str| remedy.contains(word);
            assert!(["Preserve: ", "Contain: ", "Clean up: "].iter().any(|word| remedy.starts_with(word)), "{}: {remedy}", rule.code());
            assert!(!["destroy", "delete", "wipe"].iter().any(|word| remedy.to_lowercase().contains(word)), "{}: {remedy}", rule.code());
            assert!(!has("replace them") || has("once nothing holds") && has("restore points are lost"), "{}: {remedy}", rule.code());
        }
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = Rule::ALL.iter().map(|rule| rule.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Rule::ALL.len());
    }
}
