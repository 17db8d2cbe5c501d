//! From the document to rules, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::document::{Document, ProviderText, RuleText};
use super::problem::{Problem, Wrong, word};
use super::refusal::{self, Earlier};
use super::rule::{ConfiguredProvider, KmsProvider, NamedKey, Rule};
use crate::envelope::{Configured, MakeLocalKey, NotConfigured, Provider};

/// Base64 as Go reads it: what is left over in the last character need not be zero.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
/// The provider that leaves objects as they are. No prefix names it.
const IDENTITY: &str = "identity";
/// The fields of a provider with keys in the file.
const LOCAL_FIELDS: [&str; 1] = ["keys"];
/// The fields of a KMS provider.
const KMS_FIELDS: [&str; 5] = ["apiVersion", "name", "cachesize", "endpoint", "timeout"];

/// Turns the document into rules and notes what is wrong.
#[derive(Default)]
pub(super) struct Reader {
    pub problems: Vec<Problem>,
    kms_names: BTreeSet<String>,
    earlier: Earlier,
}

impl Reader {
    fn wrong(&mut self, at: &str, what: Wrong) {
        self.problems.push(Problem { at: at.to_owned(), what });
    }

    /// Fields that the form does not have at this place.
    pub(super) fn unknown<'a>(&mut self, at: &str, fields: impl IntoIterator<Item = &'a String>) {
        for field in fields {
            self.wrong(at, Wrong::UnknownField(word(field)));
        }
    }

    /// What the document says of itself.
    pub(super) fn head(&mut self, document: &Document, expected: &'static str) {
        let version = document.api_version.as_deref().unwrap_or_default();
        if version != expected {
            self.wrong("apiVersion", Wrong::ApiVersion(word(version), expected));
        }
        self.unknown("the document", document.unknown.keys());
    }

    /// A rule of this number.
    pub(super) fn rule(&mut self, index: usize, rule: RuleText) -> Rule {
        let at = format!("resources[{index}]");
        let resources = rule.resources.unwrap_or_default();
        let entries = rule.providers.unwrap_or_default();
        self.unknown(&at, rule.unknown.keys());
        let checks = [(resources.is_empty(), Wrong::NoResource), (entries.is_empty(), Wrong::NoProvider)];
        for (_, what) in checks.into_iter().filter(|(is_wrong, _)| *is_wrong) {
            self.wrong(&at, what);
        }
        for (index, what) in [refusal::of_list(&resources), self.earlier.see(&resources)].concat() {
            self.wrong(&format!("{at}.resources[{index}]"), what);
        }
        let providers = entries.into_iter().enumerate();
        let mut provider =
            |(index, entry)| self.provider(&format!("{at}.providers[{index}]"), entry).unwrap_or(ConfiguredProvider::Unusable);
        let providers = providers.map(&mut provider).collect();
        Rule { resources, providers }
    }

    /// An entry has one provider. What is null is not there, as in Go.
    fn provider(&mut self, at: &str, entry: BTreeMap<String, Option<ProviderText>>) -> Option<ConfiguredProvider> {
        let (mut known, mut unknown) = (Vec::new(), 0usize);
        for (kind, body) in entry {
            let is_known = kind == IDENTITY || Provider::configured(&kind, None).is_ok();
            match body {
                _ if !is_known => {
                    unknown = unknown.saturating_add(1);
                    self.wrong(&format!("{at}.{}", word(&kind)), Wrong::UnknownProvider(word(&kind)));
                }
                Some(body) => known.push((kind, body)),
                None => {}
            }
        }
        if known.len() > 1 || known.is_empty() && unknown == 0 {
            self.wrong(at, Wrong::Providers(known.len()));
        }
        let (kind, body) = known.into_iter().next()?;
        let at = format!("{at}.{kind}");
        if kind == IDENTITY {
            self.unknown(&at, &body.others_than(&[]));
            return Some(ConfiguredProvider::Identity);
        }
        match Provider::configured(&kind, body.api_version.as_deref().filter(|version| !version.is_empty())) {
            Ok(Configured::Local(provider, make)) => Some(self.local(&at, provider, make, body)),
            Ok(Configured::Kms(provider)) => self.kms(&at, provider, body).map(ConfiguredProvider::Kms),
            Err(NotConfigured::Word) => None,
            Err(NotConfigured::Version) => {
                self.wrong(&at, Wrong::KmsVersion);
                None
            }
        }
    }

    /// Keys of one name are all kept: a server writes with the first of all, and tries each that has the name of a value.
    fn local(&mut self, at: &str, provider: Provider, make: MakeLocalKey, body: ProviderText) -> ConfiguredProvider {
        self.unknown(at, &body.others_than(&LOCAL_FIELDS));
        let keys = body.keys.unwrap_or_default();
        if keys.is_empty() {
            self.wrong(at, Wrong::NoKeys);
        }
        let mut named = Vec::new();
        for (index, key) in keys.into_iter().enumerate() {
            let at = format!("{at}.keys[{index}]");
            self.unknown(&at, key.unknown.keys());
            if key.name.is_empty() {
                self.wrong(&at, Wrong::NoName);
            }
            let made = secret_of(&key.secret.0).map_err(|_| Wrong::Base64).and_then(|secret| make(&secret).map_err(Wrong::Length));
            let made = made.map_err(|what| self.wrong(&at, what)).ok();
            // A key without a name is none: no value can name it.
            let made = made.filter(|_| !key.name.is_empty());
            named.push(NamedKey { name: key.name, key: made });
        }
        ConfiguredProvider::Local(provider, named)
    }

    fn kms(&mut self, at: &str, provider: Provider, body: ProviderText) -> Option<KmsProvider> {
        self.unknown(at, &body.others_than(&KMS_FIELDS));
        let is_known = body.name.as_ref().is_some_and(|name| self.kms_names.contains(name));
        for what in refusal::of_kms(provider, &body, is_known) {
            self.wrong(at, what);
        }
        let name = body.name.filter(|name| !name.is_empty())?;
        self.kms_names.insert(name.clone());
        Some(KmsProvider { provider, name, endpoint: body.endpoint.unwrap_or_default() })
    }
}

/// The bytes of a secret. Go's decoder passes over line ends, and over nothing else; a block of YAML has them.
fn secret_of(text: &str) -> Result<Zeroizing<Vec<u8>>, base64::DecodeError> {
    let text = Zeroizing::new(text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect::<Vec<u8>>());
    BASE64.decode(text.as_slice()).map(Zeroizing::new)
}
