//! The API server's own configuration of encryption, with the keys in it.
//!
//! ```text
//! kind: EncryptionConfiguration          (EncryptionConfig before Kubernetes 1.13, and where k3s or OpenShift write it still)
//! resources:                             lists of providers for lists of resources
//!   - resources: [secrets, '*.apps']     a resource, `*.group`, `*.` (the core group), `*.*`
//!     providers:                         the first writes, all read
//!       - aescbc: {keys: [{name, secret}]}   aesgcm, secretbox alike; secret in base64
//!       - kms: {apiVersion: v1 or v2, name, endpoint, timeout, cachesize}
//!       - identity: {}
//! ```
//! Source: k8s.io/apiserver `pkg/apis/apiserver/v1/types_encryption.go`, `pkg/server/options/encryptionconfig/config.go`.
//!
//! What is wrong with one key is a [`Problem`], and the others are still used. Neither errors nor problems hold what stands in the
//! file but names: parsers quote their input, so of their words only line and column are kept.

mod document;
mod problem;
mod reader;
mod refusal;
mod rule;

use self::document::Document;
use self::problem::word;
pub use self::problem::{NotTaken, Problem, Unusable, Wrong};
use self::reader::Reader;
pub use self::rule::{ConfiguredProvider, KmsProvider, NamedKey, Rule};
use crate::envelope::Provider;
use crate::evidence::limit;

/// The names of the form, each with the only version in which API servers know it.
/// Source: k8s.io/apiserver `pkg/apis/apiserver/v1/register.go`.
const KINDS: [(&str, &str); 2] = [("EncryptionConfiguration", "apiserver.config.k8s.io/v1"), ("EncryptionConfig", "v1")];

/// A configuration, with its keys.
pub struct EncryptionConfig {
    rules: Vec<Rule>,
    problems: Vec<Problem>,
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
        let mut document = Document::read(bytes)?;
        let Some((_, version)) = KINDS.into_iter().find(|(kind, _)| *kind == document.kind) else {
            return Err(Unusable::Kind(word(&document.kind)));
        };
        let rules = document.rules();
        if rules.is_empty() {
            return Err(Unusable::NoResources);
        }
        let mut reader = Reader::default();
        reader.head(&document, version);
        let rules = rules.into_iter().enumerate().map(|(index, rule)| reader.rule(index, rule)).collect();
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
        self.rules.iter().flat_map(|rule| &rule.providers).flat_map(ConfiguredProvider::local_keys)
    }

    /// Every KMS provider, in the order of the file.
    pub fn kms_providers(&self) -> impl Iterator<Item = &KmsProvider> {
        self.rules.iter().flat_map(|rule| &rule.providers).filter_map(|provider| match provider {
            ConfiguredProvider::Kms(kms) => Some(kms),
            ConfiguredProvider::Identity | ConfiguredProvider::Local(..) | ConfiguredProvider::Unusable => None,
        })
    }
}
