//! What a run is to find out.

use std::path::PathBuf;

use super::DatabaseFile;
use crate::envelope::Provider;
use crate::evidence::words::shell_word;
use crate::finding::FailOn;
use crate::kms::{EncryptionConfig, EncryptionContexts, SameKeys, Unwrapper};
use crate::row::{Pattern, Resources, Scope};
use crate::store::{KnownNames, ReadOptions};

/// How the inputs are read, and how much is said of them.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which objects are looked at.
    pub scope: Scope,
    /// The words of the option that says which resources: `secrets`, `all`, a list.
    pub resources: String,
    /// Which resources are looked at where nothing is said: to look at fewer is a filter.
    pub usual: Resources,
    /// How each evidence is read.
    pub read: ReadOptions,
    /// Whether files are hashed; without it a trailer cannot be judged.
    pub hash: bool,
    /// Whether files are searched as any bytes, whatever they are.
    pub as_image: bool,
    /// How many Secrets that can be read are listed by name, of each input.
    pub named: usize,
}

/// The question that a run answers.
#[non_exhaustive]
pub enum Question<'a> {
    /// How is every value stored? From this threshold on a plaintext Secret counts as found.
    Storage(FailOn),
    /// Is each file whole, and as it was written?
    Integrity,
    /// What is every page of a database, or one of them?
    Pages(PagesQuestion),
    /// What of a database can be brought back?
    Recover(RecoverQuestion<'a>),
    /// Which keys do values name, and what needs one of them?
    Keys(KeyQuestion),
    /// Which key opens what?
    Verify(VerifyQuestion<'a>),
    /// What is there of one object?
    Object(ObjectQuestion<'a>),
}

/// A question about one key, or about all of them.
#[derive(Clone, Debug, Default)]
pub struct KeyQuestion {
    /// Is this key still needed?
    pub retire: Option<String>,
    /// The key to be retired is meant, although no value names it.
    pub confirm_unseen: bool,
    /// What does this key open?
    pub opens: Option<String>,
    /// Ways to write a key that are known to mean the same one.
    pub same_keys: SameKeys,
}

/// Which key opens what, asked of those who hold keys.
pub struct VerifyQuestion<'a> {
    /// Those who hold keys.
    pub holders: Holders<'a>,
    /// The key that current values are to be under; `None`: that of the configurations.
    pub require_key: Option<String>,
    /// Only say what it takes.
    pub plan_only: bool,
}

/// Which pages are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct PagesQuestion {
    /// This one; `None`: all of them.
    pub page: Option<u64>,
}

/// What is to be brought back, and where it goes.
pub struct RecoverQuestion<'a> {
    /// Also what was deleted, and what the tree does not have.
    pub include_residue: bool,
    /// A file for a new database.
    pub database: Option<&'a mut dyn DatabaseFile>,
}

/// One object, by name or by its whole key.
pub struct ObjectQuestion<'a> {
    /// `namespace/name` of a Secret, `resource/namespace/name`, or a whole key.
    pub object: String,
    /// Its values are to be shown; with the revision that is wanted, if not the newest.
    pub reveal: Option<Reveal<'a>>,
}

/// Showing an object's values.
pub struct Reveal<'a> {
    /// The revision; `None`: the newest that can be read.
    pub revision: Option<u64>,
    /// Those who hold keys.
    pub holders: Holders<'a>,
}

/// Those who hold keys, and how they are asked.
pub struct Holders<'a> {
    /// Configurations with their keys.
    pub configs: &'a [EncryptionConfig],
    /// Those who can be asked, in their order.
    pub unwrappers: &'a mut [Box<dyn Unwrapper>],
    /// Providers that somebody was named for.
    pub named: Vec<String>,
    /// ARNs of keys, for a policy where values do not name theirs.
    pub kms_keys: Vec<String>,
    /// Encryption contexts that AWS is given.
    pub contexts: EncryptionContexts,
    /// Calls a second, to all who are asked together; without a limit where it is not a positive number.
    pub rate: f64,
    /// At most so many calls in all, repeated ones included; `None`: no limit.
    pub max_calls: Option<u64>,
    /// Where every call is noted.
    pub ledger: Option<PathBuf>,
}

/// The core Secrets of each input, whatever their namespace, and everything that the file still holds of them.
impl Default for Plan {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            resources: "secrets".to_owned(),
            usual: Resources::Secrets,
            read: ReadOptions::default(),
            hash: true,
            as_image: false,
            named: 20,
        }
    }
}

impl Plan {
    /// What leaves objects out beyond the usual, in words; `None`: nothing does.
    pub fn filter(&self) -> Option<String> {
        let prefixes = &self.read.prefixes;
        let prefixes = (!prefixes.is_empty()).then(|| format!("prefix {}", prefixes.join(" or ")));
        let words: Vec<String> = self.scope.filter(&self.usual).into_iter().chain(prefixes).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    /// The options of the command line that say which objects are looked at, where they are not the usual ones; each with a blank
    /// before it.
    pub fn scope_options(&self) -> String {
        let Scope { namespace, name, .. } = &self.scope;
        let resources = Some(self.resources.as_str()).filter(|words| *words != "secrets");
        let given = [
            ("resources", resources),
            ("namespace", namespace.as_ref().map(Pattern::as_str)),
            ("name", name.as_ref().map(Pattern::as_str)),
        ];
        let prefixes = self.read.prefixes.iter().map(|prefix| ("etcd-prefix", prefix.as_str()));
        let words = given.into_iter().filter_map(|(option, word)| Some((option, word?))).chain(prefixes);
        words.map(|(option, word)| format!(" --{option} {}", shell_word(word))).collect()
    }
}

/// Names of keys and providers that configurations give.
pub fn names_of(configs: &[EncryptionConfig]) -> KnownNames {
    let local = configs.iter().flat_map(EncryptionConfig::local_keys).map(|(provider, key)| (provider, key.name.clone()));
    let kms = configs.iter().flat_map(EncryptionConfig::kms_providers).map(|kms| (kms.provider, kms.name.clone()));
    KnownNames(local.chain(kms).filter(|(_, name)| !name.is_empty()).collect())
}

impl Holders<'_> {
    /// Names of keys and providers that were given in any way.
    pub fn names(&self) -> KnownNames {
        let of_kms = self.contexts.names().into_iter().chain(self.named.iter().map(String::as_str));
        KnownNames(names_of(self.configs).0.into_iter().chain(of_kms.flat_map(kms_names)).collect())
    }
}

impl Question<'_> {
    /// Whether it can be answered only when everything was read: then all inputs stay open together.
    pub(super) fn needs_everything(&self) -> bool {
        match self {
            Self::Storage(_) | Self::Integrity | Self::Pages(_) | Self::Recover(_) => false,
            Self::Keys(keys) => keys.retire.is_some() || keys.opens.is_some(),
            Self::Object(object) => object.reveal.is_some(),
            Self::Verify(_) => true,
        }
    }
}

/// The name of a KMS plugin, under every version that it may be.
pub(super) fn kms_names(name: &str) -> Vec<(Provider, String)> {
    Provider::all().filter(|provider| provider.is_kms()).map(|provider| (provider, name.to_owned())).collect()
}
