//! How one KMS key may be spelled, and whether two spellings may mean the same key.
//!
//! ```text
//! arn:aws:kms:REGION:ACCOUNT:key/ID        the key
//! arn:aws:kms:REGION:ACCOUNT:alias/NAME    whatever key the alias points to, in that region and account
//! ID, alias/NAME                           the same without region and account
//! mrk-…                                    an ID of a key that may have replicas in other regions
//! anything else                            what another plugin calls its key
//! ```
//! Offline nobody can be asked what an alias points to, or what a plugin means by its own words. What the user knows settles it:
//! pairs that are the same, and what `aws kms list-aliases` and `aws kms describe-key` have said.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// A spelling, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling<'a> {
    /// A key, with its region and account where they are named.
    Key { home: Option<Home<'a>>, id: &'a str },
    /// An alias, alike.
    Alias { home: Option<Home<'a>>, name: &'a str },
    /// Another plugin's word.
    Opaque,
}

/// Where a key lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Home<'a> {
    region: &'a str,
    account: &'a str,
}

/// How two spellings stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// They are one key.
    Same,
    /// They are two keys.
    Other,
    /// They may be one key, for this reason.
    MayBe(&'static str),
}

/// Spellings that are known to mean one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SameKeys {
    /// Each spelling with the number of its key.
    numbers: BTreeMap<String, usize>,
    /// Key ARNs that AWS itself has listed: two of them that are not joined are two keys.
    described: BTreeSet<String>,
}

/// Why text says nothing of keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSpelling {
    /// Not two spellings.
    #[error("expected A=B, two ways to write one key, such as arn:aws:kms:…:alias/NAME=arn:aws:kms:…:key/ID")]
    Pair,
    /// Not the JSON of either command.
    #[error("not the JSON of `aws kms list-aliases` or `aws kms describe-key`")]
    Form,
}

impl<'a> Spelling<'a> {
    fn of(text: &'a str) -> Self {
        if let Some(rest) = text.strip_prefix("arn:") {
            return match rest.splitn(5, ':').collect::<Vec<_>>().as_slice() {
                [_, "kms", region, account, resource] => {
                    Self::of_resource(resource, Some(Home { region, account })).unwrap_or(Self::Opaque)
                }
                _ => Self::Opaque,
            };
        }
        Self::of_resource(text, None).unwrap_or(Self::Opaque)
    }

    fn of_resource(text: &'a str, home: Option<Home<'a>>) -> Option<Self> {
        if let Some(name) = text.strip_prefix("alias/") {
            return Some(Self::Alias { home, name });
        }
        let id = match home {
            Some(_) => text.strip_prefix("key/")?,
            None => text,
        };
        let is_id = |id: &str| id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let is_uuid = id.len() == 36 && is_id(id);
        let is_key = home.is_some() || is_uuid || id.strip_prefix("mrk-").is_some_and(is_id);
        is_key.then_some(Self::Key { home, id })
    }

    /// How exactly it says which key: what is most exact decides.
    fn exactness(self) -> u8 {
        match self {
            Self::Key { home: Some(_), .. } => 0,
            Self::Key { home: None, .. } => 1,
            Self::Alias { home: Some(_), .. } => 2,
            Self::Alias { home: None, .. } => 3,
            Self::Opaque => 4,
        }
    }

    fn home(self) -> Option<Home<'a>> {
        match self {
            Self::Key { home, .. } | Self::Alias { home, .. } => home,
            Self::Opaque => None,
        }
    }

    fn likeness(self, other: Self) -> Likeness {
        const ELSEWHERE: &str = "the same key ID in another region or account, or without one";
        match (self, other) {
            (Self::Opaque, _) | (_, Self::Opaque) => Likeness::MayBe("a plugin's own word for a key may mean any"),
            (Self::Key { id, .. }, Self::Key { id: other_id, .. }) if id == other_id => match self == other {
                true => Likeness::Same,
                false if id.starts_with("mrk-") => Likeness::MayBe("a multi-region key has one ID in every region"),
                false => Likeness::MayBe(ELSEWHERE),
            },
            (Self::Key { .. }, Self::Key { .. }) => Likeness::Other,
            (one, other) if one.is_elsewhere(other) => {
                Likeness::MayBe("an alias may point to it, if its region and account are written right")
            }
            (Self::Alias { .. }, _) | (_, Self::Alias { .. }) => Likeness::MayBe("an alias may point to it"),
        }
    }

    /// Whether both say where they live, and it is not the same place. An alias points to keys of its own place only; but a wrong
    /// letter in an account is no proof that nobody needs a key.
    fn is_elsewhere(self, other: Self) -> bool {
        self.home().zip(other.home()).is_some_and(|(one, other)| one != other)
    }
}

impl SameKeys {
    /// Takes note of `A=B`.
    ///
    /// # Errors
    /// It is no pair.
    pub fn add_pair(&mut self, text: &str) -> Result<(), NoSpelling> {
        match text.split_once('=').map(|(one, other)| (one.trim(), other.trim())) {
            Some((one, other)) if !one.is_empty() && !other.is_empty() => {
                self.join(one, other);
                Ok(())
            }
            _ => Err(NoSpelling::Pair),
        }
    }

    /// Takes note of what `aws kms list-aliases` or `aws kms describe-key` printed.
    ///
    /// # Errors
    /// It is the JSON of neither.
    pub fn add_saved(&mut self, json: &[u8]) -> Result<(), NoSpelling> {
        let saved: Saved = serde_json::from_slice(json).map_err(|_| NoSpelling::Form)?;
        match saved {
            Saved { aliases: None, key_metadata: None } => return Err(NoSpelling::Form),
            Saved { aliases, key_metadata } => {
                aliases.iter().flatten().for_each(|alias| self.add_alias(alias));
                key_metadata.iter().for_each(|key| self.add_key(key));
            }
        }
        Ok(())
    }

    fn add_alias(&mut self, alias: &AliasText) {
        // One that points nowhere yet means no key.
        let Some(id) = &alias.target_key_id else { return };
        let head = alias.alias_arn.strip_suffix(alias.alias_name.as_str());
        let key = head.map_or_else(|| id.clone(), |head| format!("{head}key/{id}"));
        self.join(&alias.alias_arn, &key);
        if head.is_some() {
            self.described.insert(key);
        }
    }

    fn add_key(&mut self, key: &KeyText) {
        self.described.insert(key.arn.clone());
        let regions = key.multi_region_configuration.as_ref();
        let replicas = regions.into_iter().flat_map(|regions| regions.primary_key.iter().chain(&regions.replica_keys));
        for replica in replicas {
            self.join(&key.arn, &replica.arn);
            self.described.insert(replica.arn.clone());
        }
    }

    fn join(&mut self, one: &str, other: &str) {
        let next = self.numbers.len();
        let number = *self.numbers.entry(one.to_owned()).or_insert(next);
        if let Some(old) = self.numbers.insert(other.to_owned(), number) {
            self.numbers.values_mut().filter(|of| **of == old).for_each(|of| *of = number);
        }
    }

    /// Every spelling of a key that is known, itself among them.
    fn spellings<'a>(&'a self, text: &'a str) -> BTreeSet<&'a str> {
        let number = self.numbers.get(text);
        let same = self.numbers.iter().filter(|(_, of)| Some(*of) == number).map(|(spelling, _)| spelling.as_str());
        same.chain([text]).collect()
    }

    /// How two spellings stand to each other.
    pub fn likeness(&self, one: &str, other: &str) -> Likeness {
        let (ones, others) = (self.spellings(one), self.spellings(other));
        if !ones.is_disjoint(&others) {
            return Likeness::Same;
        }
        let (ones, others) = (most_exact(&ones), most_exact(&others));
        let is_described = |spellings: &[&str]| spellings.iter().any(|spelling| self.described.contains(*spelling));
        if is_described(&ones) && is_described(&others) {
            return Likeness::Other;
        }
        let pairs = ones.iter().flat_map(|one| others.iter().map(move |other| (Spelling::of(one), Spelling::of(other))));
        let likenesses = pairs.map(|(one, other)| one.likeness(other));
        likenesses.fold(Likeness::Other, |known, likeness| if known == Likeness::Other { likeness } else { known })
    }
}

/// The spellings that say most exactly which key is meant.
fn most_exact<'a>(spellings: &BTreeSet<&'a str>) -> Vec<&'a str> {
    let best = spellings.iter().map(|spelling| Spelling::of(spelling).exactness()).min();
    spellings.iter().copied().filter(|spelling| Some(Spelling::of(spelling).exactness()) == best).collect()
}

/// What either command prints, as far as it names keys.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    aliases: Option<Vec<AliasText>>,
    key_metadata: Option<KeyText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AliasText {
    alias_name: String,
    alias_arn: String,
    target_key_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyText {
    arn: String,
    multi_region_configuration: Option<RegionsText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RegionsText {
    primary_key: Option<ReplicaText>,
    #[serde(default)]
    replica_keys: Vec<ReplicaText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicaText {
    arn: String,
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    const ID: &str = "aaaaaaaa-1111-4aaa-8aaa-000000000001";
    const MULTI: &str = "mrk-0123456789abcdef0123456789abcdef";

    fn arn(region: &str, resource: &str) -> String {
        format!("arn:aws:kms:{region}:111122223333:{resource}")
    }

    fn key(region: &str, id: &str) -> String {
        arn(region, &format!("key/{id}"))
    }

    #[test]
    fn only_what_no_other_spelling_can_mean_is_another_key() {
        let other_id = ID.replace("0001", "0002");
        let likeness = |one: &str, other: &str| {
            let (there, back) = (SameKeys::default().likeness(one, other), SameKeys::default().likeness(other, one));
            assert_eq!(there, back, "{one} {other}");
            there
        };
        let here = key("eu-west-1", ID);
        assert_eq!(likeness(&here, &here), Likeness::Same);
        for other in [key("eu-west-1", &other_id), key("us-east-1", &other_id), other_id.clone()] {
            assert_eq!(likeness(&here, &other), Likeness::Other, "{other}");
        }
        let aliases = [arn("eu-west-1", "alias/eks"), arn("us-east-1", "alias/eks"), "alias/eks".to_owned()];
        for other in [key("us-east-1", ID), ID.to_owned(), "vault/eks".to_owned()].into_iter().chain(aliases) {
            assert!(matches!(likeness(&here, &other), Likeness::MayBe(_)), "{other}");
        }
        // A key with replicas has its ID, and may have an alias, in every region.
        for other in [key("us-east-1", MULTI), arn("us-east-1", "alias/eks"), MULTI.to_owned()] {
            assert!(matches!(likeness(&key("eu-west-1", MULTI), &other), Likeness::MayBe(_)), "{other}");
        }
        assert!(matches!(likeness("alias/one", "alias/two"), Likeness::MayBe(_)));
        assert!(matches!(likeness("kms-key-3", "kms-key-4"), Likeness::MayBe(_)));
    }

    #[test]
    fn what_is_known_settles_it() {
        let (alias, here, other) = (arn("eu-west-1", "alias/eks"), key("eu-west-1", ID), key("eu-west-1", &ID.replace("0001", "0002")));
        let mut known = SameKeys::default();
        known.add_pair(&format!("{alias}={here}")).unwrap();
        known.add_pair(&format!("alias/eks={alias}")).unwrap();
        assert_eq!(known.likeness("alias/eks", &here), Likeness::Same);
        assert_eq!(known.likeness("alias/eks", &other), Likeness::Other);
        let aliases = format!(
            r#"{{"Aliases": [{{"AliasName": "alias/eks", "AliasArn": "{alias}", "TargetKeyId": "{ID}"}}, {{"AliasName": "alias/aws/ebs", "AliasArn": "{}"}}]}}"#,
            arn("eu-west-1", "alias/aws/ebs")
        );
        let mut known = SameKeys::default();
        known.add_saved(aliases.as_bytes()).unwrap();
        assert_eq!(known.likeness(&alias, &here), Likeness::Same);
        assert_eq!(known.likeness(&alias, &other), Likeness::Other);
        // One that points nowhere is still not known to be no key of ours.
        assert!(matches!(known.likeness(&arn("eu-west-1", "alias/aws/ebs"), &here), Likeness::MayBe(_)));
        let (one, two) = (key("eu-west-1", MULTI), key("us-east-1", MULTI));
        let described = format!(
            r#"{{"KeyMetadata": {{"Arn": "{one}", "MultiRegionConfiguration": {{"PrimaryKey": {{"Arn": "{one}"}}, "ReplicaKeys": [{{"Arn": "{two}"}}]}}}}}}"#
        );
        known.add_saved(described.as_bytes()).unwrap();
        assert_eq!(known.likeness(&one, &two), Likeness::Same);
        // Two that AWS has listed and not joined are two.
        let described = format!(r#"{{"KeyMetadata": {{"Arn": "{}"}}}}"#, key("us-east-1", ID));
        known.add_saved(described.as_bytes()).unwrap();
        assert_eq!(known.likeness(&here, &key("us-east-1", ID)), Likeness::Other);
        for none in [&b"{}"[..], b"[]", b"x", b""] {
            assert_eq!(known.add_saved(none), Err(NoSpelling::Form));
        }
        for none in ["a", "=b", "a="] {
            assert_eq!(known.add_pair(none), Err(NoSpelling::Pair));
        }
    }
}
