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
    /// A number, a boolean or null where the form has text. In YAML it is text only between quotation marks.
    #[error(
        "line {line}, column {column}: a number, boolean or null where text is expected, which no API server takes: put it in quotation marks"
    )]
    NotText {
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
    /// No resources in a rule.
    #[error("it names no resource")]
    NoResource,
    /// No providers in a rule.
    #[error("it has no provider")]
    NoProvider,
    /// A KMS provider's name that an earlier one has.
    #[error("an earlier KMS provider has the name {0}, too")]
    DuplicateName(String),
    /// A KMS version that no API server has.
    #[error("its apiVersion is none of {known}", known = known_kms_versions())]
    KmsVersion,
    /// A name that this version of a KMS provider may not have.
    #[error("a provider's name may not hold a colon in this apiVersion")]
    ColonInName,
    /// Where it cannot be reached.
    #[error("its endpoint is no unix:// address")]
    Endpoint,
    /// No time at all, or what is none.
    #[error("its timeout is no duration above zero")]
    Timeout,
    /// A cache that its version does not have, or that holds nothing.
    #[error("its cachesize is not for this apiVersion, or zero")]
    CacheSize,
    /// A resource that no API server takes.
    #[error("resource {0} {1}")]
    Resource(String, NotTaken),
    /// A resource that a rule before this one has with all of its group, or with everything.
    #[error("resource {0} is masked by {1} of an earlier rule")]
    Masked(String, String),
    /// A field that the form does not have; the API server decodes strictly.
    #[error("there is no field {0}")]
    UnknownField(String),
    /// A version that the kind never had.
    #[error("apiVersion {0}, expected {1}")]
    ApiVersion(String, &'static str),
}

/// Why an API server does not take a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// A name of capital letters.
    #[error("has capital letters, which no resource has")]
    Capitals,
    /// A star alone.
    #[error("is not how resources are joined: *. is the core group, *.* is everything")]
    Star,
    /// What has no REST API.
    #[error("is no resource of the API: the API server keeps it for itself")]
    NoApi,
    /// The group in which events are served, not stored.
    #[error("is not stored in its group: events are named without it")]
    EventsGroup,
    /// A group that is no longer there.
    #[error("is of the group extensions, which no API server has now")]
    Extensions,
    /// One resource in every group.
    #[error("is one resource of every group, which cannot be asked for")]
    AnyGroup,
    /// It stands twice in a list.
    #[error("stands twice in one list")]
    Twice,
    /// A wildcard of the same list has it.
    #[error("stands in one list with a wildcard that has it, too")]
    Overlaps,
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
