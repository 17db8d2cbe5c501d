//! The API server's own configuration of encryption, with the keys in it.
//!
//! ```text
//! kind: EncryptionConfiguration          (EncryptionConfig before Kubernetes 1.13, and where k3s or OpenShift write it still)
//! resources:                             lists of providers for lists of resources
//!   - resources: [secrets, '*.apps']     a resource, `*.group`, `*.` (the core group), `*.*`
//!     providers:                         the first writes, all read
//!       - aescbc: {keys: [{name, secret}]}   aesgcm, secretbox alike; secret in base64
//!       - kms: {apiVersion: v1 or v2, name, endpoint}
//!       - identity: {}
//! ```
//! Source: k8s.io/apiserver `pkg/apis/apiserver/v1/types_encryption.go`, `pkg/server/options/encryptionconfig/config.go`.
//!
//! What is wrong with one key is a [`Problem`], and the others are still used. Neither errors nor problems hold what stands in the
//! file but names: parsers quote their input, so of their words only line and column are kept.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

use crate::envelope::open::{LocalKey, WrongLength};
use crate::envelope::{Configured, MakeLocalKey, NotConfigured, Provider};
use crate::evidence::limit;

/// Base64 as Go reads it: what is left over in the last character need not be zero.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
/// The provider that leaves objects as they are. No prefix names it.
const IDENTITY: &str = "identity";
const KINDS: [&str; 2] = ["EncryptionConfiguration", "EncryptionConfig"];

/// A configuration, with its keys.
pub struct EncryptionConfig {
    rules: Vec<Rule>,
    problems: Vec<Problem>,
}

/// Providers for a list of resources.
pub struct Rule {
    /// As they stand: `secrets`, `deployments.apps`, `*.apps`, `*.`, `*.*`.
    pub resources: Vec<String>,
    /// In their order.
    pub providers: Vec<ConfiguredProvider>,
}

/// One of a rule's providers.
pub enum ConfiguredProvider {
    /// Objects as they are.
    Identity,
    /// Keys in the file; the first writes.
    Local(Provider, Vec<NamedKey>),
    /// A KMS plugin.
    Kms(KmsProvider),
    /// What cannot be used, in its place: what stands behind it is not the first.
    Unusable,
}

/// A key in the file.
pub struct NamedKey {
    /// Its name.
    pub name: String,
    /// The key; `None`: what stands there is none. Its name is all the same the one that is written.
    pub key: Option<LocalKey>,
}

/// A KMS plugin as the file names it. It is not asked because it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsProvider {
    /// The provider of this `apiVersion`.
    pub provider: Provider,
    /// The provider's name.
    pub name: String,
    /// Where the API server found the plugin.
    pub endpoint: String,
}

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

impl EncryptionConfig {
    /// Reads YAML, of which the first document counts, or JSON where the first character is a brace: as the API server does.
    ///
    /// # Errors
    /// It is no EncryptionConfiguration.
    pub fn read(bytes: &[u8]) -> Result<Self, Unusable> {
        if bytes.len() > limit::CONFIGURATION {
            return Err(Unusable::TooLarge);
        }
        let document = Document::read(bytes)?;
        if !KINDS.contains(&document.kind.as_str()) {
            return Err(Unusable::Kind(word(&document.kind)));
        }
        if document.resources.is_empty() {
            return Err(Unusable::NoResources);
        }
        let mut reader = Reader::default();
        let rules = document.resources.into_iter().enumerate().map(|(index, rule)| reader.rule(index, rule)).collect();
        Ok(Self { rules, problems: reader.problems })
    }

    /// Whether no API server takes it: one that finds a single part wrong does not start.
    pub fn is_refused(&self) -> bool {
        !self.problems.is_empty()
    }

    /// What is wrong with parts of it.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The rules in their order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The providers of a resource in the order in which the API server tries them; the first writes. Lists that name the
    /// resource itself go before those with `*.GROUP`, and these before `*.*`; several lists of one kind are joined. None:
    /// the resource is not encrypted.
    pub fn providers_of<'a>(&'a self, group_resource: &str) -> Vec<&'a ConfiguredProvider> {
        let group = group_resource.split_once('.').map_or("", |(_, group)| group);
        let group_wide = format!("*.{group}");
        // A dot at the end names the core group.
        let without_dot = |resource: &'a str| resource.strip_suffix('.').filter(|word| *word != "*").unwrap_or(resource);
        self.providers_where(|resource| without_dot(resource) == group_resource)
            .or_else(|| self.providers_where(|resource| resource == group_wide))
            .or_else(|| self.providers_where(|resource| resource == "*.*"))
            .unwrap_or_default()
    }

    /// The same of a resource whose group is not known: it is taken for the one that a list names with any group.
    pub fn providers_of_word<'a>(&'a self, word: &str) -> Vec<&'a ConfiguredProvider> {
        let is_of_word = |resource: &str| resource.strip_prefix(word).is_some_and(|rest| rest.starts_with('.'));
        self.providers_where(is_of_word).unwrap_or_else(|| self.providers_of(word))
    }

    fn providers_where<'a>(&'a self, fits: impl Fn(&'a str) -> bool) -> Option<Vec<&'a ConfiguredProvider>> {
        let rules = self.rules.iter().filter(|rule| rule.resources.iter().any(|resource| fits(resource)));
        let providers: Vec<_> = rules.flat_map(|rule| &rule.providers).collect();
        (!providers.is_empty()).then_some(providers)
    }

    /// Every local key with its provider, in the order of the file.
    pub fn local_keys(&self) -> impl Iterator<Item = (Provider, &NamedKey)> {
        self.rules.iter().flat_map(|rule| &rule.providers).flat_map(|provider| match provider {
            ConfiguredProvider::Local(provider, keys) => keys.iter().map(|key| (*provider, key)).collect(),
            ConfiguredProvider::Identity | ConfiguredProvider::Kms(_) | ConfiguredProvider::Unusable => Vec::new(),
        })
    }

    /// Every KMS provider, in the order of the file.
    pub fn kms_providers(&self) -> impl Iterator<Item = &KmsProvider> {
        self.rules.iter().flat_map(|rule| &rule.providers).filter_map(|provider| match provider {
            ConfiguredProvider::Kms(kms) => Some(kms),
            ConfiguredProvider::Identity | ConfiguredProvider::Local(..) | ConfiguredProvider::Unusable => None,
        })
    }
}

/// Turns the document into rules and notes what is wrong.
#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
    kms_names: BTreeSet<String>,
}

impl Reader {
    fn wrong(&mut self, at: &str, what: Wrong) {
        self.problems.push(Problem { at: at.to_owned(), what });
    }

    fn rule(&mut self, index: usize, rule: RuleText) -> Rule {
        let at = format!("resources[{index}]");
        for resource in &rule.resources {
            if !is_pattern(resource) {
                self.wrong(&at, Wrong::Resource(word(resource)));
            }
        }
        let providers = rule.providers.into_iter().enumerate();
        let mut provider =
            |(index, entry)| self.provider(&format!("{at}.providers[{index}]"), entry).unwrap_or(ConfiguredProvider::Unusable);
        let providers = providers.map(&mut provider).collect();
        Rule { resources: rule.resources, providers }
    }

    fn provider(&mut self, at: &str, entry: BTreeMap<String, Option<ProviderText>>) -> Option<ConfiguredProvider> {
        if entry.len() != 1 {
            self.wrong(at, Wrong::Providers(entry.len()));
        }
        let (kind, body) = entry.into_iter().next()?;
        let body = body.unwrap_or_default();
        let at = format!("{at}.{}", word(&kind));
        if kind == IDENTITY {
            return Some(ConfiguredProvider::Identity);
        }
        match Provider::configured(&kind, body.api_version.as_deref()) {
            Ok(Configured::Local(provider, make)) => Some(self.local(&at, provider, make, body)),
            Ok(Configured::Kms(provider)) => self.kms(&at, provider, body).map(ConfiguredProvider::Kms),
            Err(NotConfigured::Word) => {
                self.wrong(&at, Wrong::UnknownProvider(word(&kind)));
                None
            }
            Err(NotConfigured::Version) => {
                self.wrong(&at, Wrong::KmsVersion);
                None
            }
        }
    }

    fn local(&mut self, at: &str, provider: Provider, make: MakeLocalKey, body: ProviderText) -> ConfiguredProvider {
        if body.keys.is_empty() {
            self.wrong(at, Wrong::NoKeys);
        }
        let mut keys: Vec<NamedKey> = Vec::new();
        for (index, key) in body.keys.into_iter().enumerate() {
            let at = format!("{at}.keys[{index}]");
            let what = match secret_of(&key.secret.0) {
                _ if key.name.is_empty() => Wrong::NoName,
                _ if keys.iter().any(|known| known.name == key.name) => Wrong::DuplicateName(word(&key.name)),
                Err(_) => Wrong::Base64,
                Ok(secret) => match make(&secret) {
                    Err(length) => Wrong::Length(length),
                    Ok(made) => {
                        keys.push(NamedKey { name: key.name, key: Some(made) });
                        continue;
                    }
                },
            };
            if !matches!(what, Wrong::DuplicateName(_)) {
                keys.push(NamedKey { name: key.name, key: None });
            }
            self.wrong(&at, what);
        }
        ConfiguredProvider::Local(provider, keys)
    }

    fn kms(&mut self, at: &str, provider: Provider, body: ProviderText) -> Option<KmsProvider> {
        let name = body.name.unwrap_or_default();
        if name.is_empty() {
            self.wrong(at, Wrong::NoName);
            return None;
        }
        if !provider.has_names_with_colons() && name.contains(':') {
            self.wrong(at, Wrong::ColonInName);
        }
        if !self.kms_names.insert(name.clone()) {
            self.wrong(at, Wrong::DuplicateName(word(&name)));
        }
        Some(KmsProvider { provider, name, endpoint: body.endpoint.unwrap_or_default() })
    }
}

/// The bytes of a secret. Go's decoder passes over line ends, and over nothing else; a block of YAML has them.
fn secret_of(text: &str) -> Result<Zeroizing<Vec<u8>>, base64::DecodeError> {
    let text = Zeroizing::new(text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect::<Vec<u8>>());
    BASE64.decode(text.as_slice()).map(Zeroizing::new)
}

/// The first document of YAML: up to the next line of three hyphens or dots, which end a document wherever they stand.
fn first_document(bytes: &[u8]) -> &[u8] {
    let (mut at, mut has_begun) = (0usize, false);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let is_marker = |marker: &[u8]| text.strip_prefix(marker).is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace));
        match () {
            () if has_begun && (is_marker(b"---") || is_marker(b"...")) => return bytes.get(..at).unwrap_or(bytes),
            // Directives and comments before the document are not the document.
            () if text.is_empty() || text.starts_with(b"#") || text.starts_with(b"%") => {}
            () => has_begun = true,
        }
        at = at.saturating_add(line.len());
    }
    bytes
}

fn is_pattern(resource: &str) -> bool {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '/'));
    match resource.strip_prefix("*.") {
        Some("*") => true,
        Some(group) => plain(group),
        None => !resource.is_empty() && plain(resource),
    }
}

/// A word of the file that may be shown: short, and of the characters that names have. A secret that slipped into the place of a
/// name is not repeated.
fn word(text: &str) -> String {
    let shown = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':' | '*' | '/');
    match text.len() {
        0 => "(empty)".to_owned(),
        1..=40 if text.chars().all(shown) => text.to_owned(),
        length => format!("({length} bytes)"),
    }
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

/// The file's own form.
#[derive(Deserialize)]
struct Document {
    kind: String,
    #[serde(default)]
    resources: Vec<RuleText>,
}

#[derive(Deserialize)]
struct RuleText {
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    providers: Vec<BTreeMap<String, Option<ProviderText>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProviderText {
    #[serde(default)]
    keys: Vec<KeyText>,
    name: Option<String>,
    api_version: Option<String>,
    endpoint: Option<String>,
}

#[derive(Deserialize)]
struct KeyText {
    #[serde(default)]
    name: String,
    #[serde(default)]
    secret: SecretText,
}

#[derive(Default, Deserialize)]
#[serde(transparent)]
struct SecretText(#[serde(deserialize_with = "zeroizing")] Zeroizing<String>);

fn zeroizing<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

impl Document {
    fn read(bytes: &[u8]) -> Result<Self, Unusable> {
        if bytes.trim_ascii_start().starts_with(b"{") {
            return serde_json::from_slice(bytes).map_err(|error| Unusable::Syntax {
                syntax: "JSON",
                line: error.line() as u64,
                column: error.column() as u64,
            });
        }
        // A configuration has a few hundred nodes. Aliases are rare in one, and a bomb is made of them.
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_events: 200_000,
                max_nodes: 100_000,
                max_aliases: 1_000,
                max_anchors: 1_000,
                max_depth: 32,
                max_documents: 1,
                max_total_scalar_bytes: limit::CONFIGURATION,
            },
            alias_limits: serde_saphyr::alias_limits! {
                max_total_replayed_events: 20_000,
                max_replay_stack_depth: 8,
            },
            with_snippet: false,
        };
        serde_saphyr::from_slice_with_options(first_document(bytes), options).map_err(|error| {
            let at = error.location();
            Unusable::Syntax { syntax: "YAML", line: at.map_or(0, |at| at.line()), column: at.map_or(0, |at| at.column()) }
        })
    }
}
