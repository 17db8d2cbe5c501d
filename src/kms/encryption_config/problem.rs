//! What is wrong with a configuration: with all of it, or with a part.

use crate::envelope::Provider;
use crate::envelope::open::WrongLength;
use crate::evidence::limit;

/// Why a file cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Too large to be one.
    #[error("more than {limit} bytes, which no EncryptionConfiguration has", limit = limit::CONFIGURATION)]
    TooLarge,
    /// Neither YAML nor JSON of the form.
    #[error("not an EncryptionConfiguration: {syntax} that does not fit at line {line}, column {column}")]
    Syntax {
        /// What it was read as.
        syntax: &'static str,
        /// Line, from 1; 0 where the parser names none.
        line: u64,
        /// Column, from 1.
        column: u64,
    },
    /// Another kind of object.
    #[error("kind {0}, expected EncryptionConfiguration or EncryptionConfig")]
    Kind(String),
    /// No rules.
    #[error("it lists no resources")]
    NoResources,
}

/// What is wrong with one part of a configuration; the rest of it is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct Problem {
    /// Such as `resources[0].providers[1].aescbc.keys[0]`.
    pub at: String,
    /// What is wrong.
    pub what: Wrong,
}

/// A kind of problem.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// A provider that no API server has.
    #[error("provider {0} is not known; known are {known}, identity", known = known_words())]
    UnknownProvider(String),
    /// Not exactly one provider in an entry.
    #[error("{0} providers in one entry, expected one")]
    Providers(usize),
    /// Not base64.
    #[error("the secret is not base64")]
    Base64,
    /// A key that its cipher cannot have.
    #[error("{0}")]
    Length(WrongLength),
    /// No name.
    #[error("it has no name")]
    NoName,
    /// No keys.
    #[error("it has no keys")]
    NoKeys,
    /// Two of one name.
    #[error("the name {0} stands there twice")]
    DuplicateName(String),
    /// A KMS version that no API server has.
    #[error("its apiVersion is none of {known}", known = known_kms_versions())]
    KmsVersion,
    /// A name that this version of a KMS provider may not have.
    #[error("a provider's name may not hold a colon in this apiVersion")]
    ColonInName,
    /// A pattern that no API server takes.
    #[error("resource {0} is no resource, and none of *.GROUP, *. and *.*")]
    Resource(String),
}

fn known_words() -> String {
    let mut words: Vec<&str> = Provider::all().filter_map(Provider::words).map(|(word, _)| word).collect();
    words.dedup();
    words.join(", ")
}

fn known_kms_versions() -> String {
    let versions = Provider::all().filter(|provider| provider.is_kms()).filter_map(Provider::words).map(|(_, version)| version);
    versions.collect::<Vec<_>>().join(", ")
}

/// A word of the file that may be shown: short, and of the characters that names have. A secret that slipped into the place of a
/// name is not repeated.
pub(super) fn word(text: &str) -> String {
    let shown = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '*' | '/');
    match text.len() {
        0 => "(empty)".to_owned(),
        1..=40 if text.chars().all(shown) => text.to_owned(),
        length => format!("({length} bytes)"),
    }
}
