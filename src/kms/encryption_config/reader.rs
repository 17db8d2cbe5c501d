//! From the document to rules, and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::document::{ProviderText, RuleText};
use super::problem::{Problem, Wrong, word};
use super::rule::{ConfiguredProvider, KmsProvider, NamedKey, Rule};
use crate::envelope::{Configured, MakeLocalKey, NotConfigured, Provider};

/// Base64 as Go reads it: what is left over in the last character need not be zero.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
/// The provider that leaves objects as they are. No prefix names it.
const IDENTITY: &str = "identity";

/// Turns the document into rules and notes what is wrong.
#[derive(Default)]
pub(super) struct Reader {
    pub problems: Vec<Problem>,
    kms_names: BTreeSet<String>,
}

impl Reader {
    fn wrong(&mut self, at: &str, what: Wrong) {
        self.problems.push(Problem { at: at.to_owned(), what });
    }

    /// A rule of this number.
    pub(super) fn rule(&mut self, index: usize, rule: RuleText) -> Rule {
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

fn is_pattern(resource: &str) -> bool {
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.' | '/'));
    match resource.strip_prefix("*.") {
        Some("*") => true,
        Some(group) => plain(group),
        None => !resource.is_empty() && plain(resource),
    }
}
