//! Encryption contexts: what a plugin was told to bind DEKs to, and what must be given again to unwrap them.

use std::collections::{BTreeMap, BTreeSet};

use super::WrappedDek;
use crate::envelope::KmsApi;

/// One encryption context; empty: a plugin that was told none.
pub type EncryptionContext = BTreeMap<String, String>;

/// Which contexts to try for what. Of a DEK source those that are given most narrowly are tried, in the order given: for its key ID,
/// else for its provider and API version, else for its provider, else for everything; without any, an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionContexts {
    of_everything: Vec<EncryptionContext>,
    /// By provider's name or key ID, whichever the text is.
    named: BTreeMap<String, Vec<EncryptionContext>>,
    /// Of the values of one API version under a provider's name.
    of_api: BTreeMap<(KmsApi, String), Vec<EncryptionContext>>,
}

/// How a text begins that is about one API version of a provider.
const APIS: [(&str, KmsApi); 2] = [("v1/", KmsApi::V1Beta1), ("v2/", KmsApi::V2)];
/// The word for an empty context.
const NONE: &str = "none";

impl EncryptionContexts {
    /// Reads `k=v,…`, or `none`.
    ///
    /// # Errors
    /// A part without an equals sign, or with nothing before it.
    pub fn parse(text: &str) -> Result<EncryptionContext, String> {
        if text == NONE {
            return Ok(EncryptionContext::new());
        }
        text.split(',')
            .map(|pair| match pair.split_once('=') {
                Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
                _ => Err("expected key=value,key=value, or none".to_owned()),
            })
            .collect()
    }

    /// One more to try for everything that none is given for more narrowly.
    pub fn add(&mut self, context: EncryptionContext) {
        self.of_everything.push(context);
    }

    /// One more to try for a provider (`aws`), for one of its API versions (`v1/aws`, `v2/aws`), or for a key ID.
    pub fn add_for(&mut self, whose: &str, context: EncryptionContext) {
        let of_api = APIS.iter().find_map(|(word, api)| Some((*api, whose.strip_prefix(word)?.to_owned())));
        match of_api {
            Some(of_api) => self.of_api.entry(of_api).or_default().push(context),
            None => self.named.entry(whose.to_owned()).or_default().push(context),
        }
    }

    /// The contexts to try for a DEK source, in their order: one at least, none twice.
    pub fn of(&self, source: &WrappedDek) -> Vec<EncryptionContext> {
        let of_key = source.id.key_id.as_deref().and_then(|key_id| self.named.get(key_id));
        let name = source.provider_name();
        let of_api = || source.id.provider.kms_api().and_then(|api| self.of_api.get(&(api, name.to_owned())));
        let of_name = of_key.or_else(of_api).or_else(|| self.named.get(name)).unwrap_or(&self.of_everything);
        let mut contexts: Vec<EncryptionContext> = Vec::new();
        for context in of_name {
            if !contexts.contains(context) {
                contexts.push(context.clone());
            }
        }
        if contexts.is_empty() { vec![EncryptionContext::new()] } else { contexts }
    }

    /// Providers and key IDs that contexts are given for.
    pub fn names(&self) -> BTreeSet<&str> {
        self.named.keys().chain(self.of_api.keys().map(|(_, name)| name)).map(String::as_str).collect()
    }
}
