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
            /// What removes it, or what to do; empty where nothing is to be done.
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
        "Configure encryption at rest, rewrite every Secret, and rotate what a copied file held.",
        "https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/";
    PlaintextSuperseded = "plaintext-superseded", Warning,
        "Older revisions of Secrets are in plaintext",
        "The Secret was written again, but the revision before is still there.",
        "Compaction takes it out of the tree, not out of the file: defragment every member, and replace existing backups.",
        "https://etcd.io/docs/v3.6/op-guide/maintenance/";
    PlaintextDeleted = "plaintext-deleted", Warning,
        "Deleted Secrets are retained in plaintext",
        "A deletion is a tombstone; until compaction the value stays. What it unlocked may still be in use.",
        "Compaction takes it out of the tree, not out of the file: defragment every member, and rotate what it unlocked.",
        "https://etcd.io/docs/v3.6/op-guide/maintenance/";
    PlaintextResidue = "plaintext-residue", Error,
        "Free pages hold Secrets in plaintext",
        "bbolt never wipes a page: a compaction erases nothing, and a restored database has the residue of its snapshot.",
        "Defragment every member, replace or destroy existing backups, and rotate what a copied file held.",
        "https://etcd.io/docs/v3.6/op-guide/maintenance/";
    PlaintextFragments = "plaintext-fragments", Warning,
        "Pieces of Secrets in plaintext stand on free pages",
        "The beginning of these values is lost, so which Secrets they were is not known.",
        "What removes them is the same: defragment every member, replace existing backups.";
    PlaintextLog = "plaintext-log", Error,
        "The write-ahead log or a raft snapshot holds Secrets in plaintext",
        "Neither compaction nor defragmentation touches them. They turn over: etcd keeps the five newest of each and purges the others, and what stands in those goes only with further writes. What the v2 API stored is in every raft snapshot.",
        "Replace or destroy copies of the directory, and rotate what they held.";
    EtcdPasswordsLog = "etcd-passwords-log", Error,
        "The write-ahead log holds passwords of etcd's users in clear",
        "etcd 3.4 writes them when a user is added or a password changed, older versions at every login too.",
        "Change these passwords after an upgrade; the segments go as others write.";
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
        "Rotate them first.";
    MovedCiphertext = "moved-ciphertext", Error,
        "Ciphertext stands under another key of etcd than it was sealed for",
        "The trace of a swap by somebody who can write to etcd, or of a restore under another prefix. The API server cannot read it where it stands.",
        "Find out who moved it, or which prefix the cluster had: no key helps against it.";
    OtherKeyThanRequired = "other-key-than-required", Warning,
        "Values that are current are not under the required key",
        "They are unreadable once the key they are under is gone.",
        "Rewrite them, then take a new snapshot and verify that.";
    UnknownStorage = "unknown-storage", Warning,
        "Secrets are stored in a form not known here",
        "They bear a prefix of no provider this version knows, or are bytes of no known encoding; whether they can be read without a key is not known.",
        "";
    FileAltered = "file-altered", Error,
        "The file is not as it was written",
        "Its trailer does not match, or bytes stand where every writer leaves zeros.",
        "Compare with another copy before trusting it.";
    FileDamaged = "file-damaged", Error,
        "The file's structure is damaged",
        "What hangs from the broken places is missing from this answer.",
        "See what is missing: etcd-sleuth check. Bring back what can be read: etcd-sleuth recover.";
    FileIncomplete = "file-incomplete", Error,
        "The file is not whole",
        "Something that belongs to it is not there: bytes that its meta page counts, revisions, or entries of its log.",
        "See what is missing: etcd-sleuth check. Fetch it again, or take another member's.";
    ValuesUndecoded = "values-undecoded", Warning,
        "Values cannot be decoded",
        "They bear an object's or a provider's prefix, and what follows is not of its form: they were written so, or altered. The structure around them is sound.",
        "Compare them with another copy: etcd-sleuth check names their keys and revisions.";
    FileDivergent = "file-divergent", Warning,
        "The file contradicts another one of its cluster",
        "Raft gives all members the same writes. Members diverged, a restored cluster went on from its snapshot, or one of the files was altered; which of them is right the files do not say.",
        "Compare with a third: another member, another backup.",
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
            | Self::PlaintextSuperseded
            | Self::PlaintextDeleted
            | Self::PlaintextResidue
            | Self::PlaintextLog
            | Self::KeysBesideData => true,
            Self::PlaintextFragments
            | Self::EtcdPasswordsLog
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

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = Rule::ALL.iter().map(|rule| rule.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Rule::ALL.len());
    }
}
