//! Spellings that are known to mean one key: what the user says, and what `aws kms list-aliases` and `aws kms describe-key` have said.
//!
//! Offline nobody can be asked what an alias points to, or what a plugin means by its own words. An alias that AWS lists is known to mean
//! its key today: that is what somebody means who asks about the alias. What it meant when a value was sealed AWS does not list: one that
//! was deleted and made again has the dates of a new one, and etcd does not store when a value was written.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use serde::Deserialize;

use super::key_spelling::{Likeness, Spelling};
use crate::envelope::KeyPattern;

/// Spellings that are known to mean one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SameKeys {
    /// Each spelling with the number of its key.
    numbers: BTreeMap<String, usize>,
    /// The keys by number; of one that was joined to another nothing is left.
    keys: Vec<KnownKey>,
    /// Aliases that AWS has listed, each with the key that it means today.
    today: BTreeMap<String, String>,
    /// Key ARNs that AWS itself has listed: two of them that are not joined are two keys, but for replicas.
    described: BTreeSet<String>,
}

/// What is known of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct KnownKey {
    /// Every spelling.
    spellings: Vec<String>,
    /// Those that say most exactly which key is meant: they decide.
    exact: Vec<String>,
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

impl SameKeys {
    /// Takes note of `A=B`, each a key ID or a key as it is printed, `PROVIDER/NAME/KEYID`.
    ///
    /// # Errors
    /// It is no pair.
    pub fn add_pair(&mut self, text: &str) -> Result<(), NoSpelling> {
        match text.split_once('=').map(|(one, other)| (one.trim(), other.trim())) {
            Some((one, other)) if !one.is_empty() && !other.is_empty() => {
                self.join(&key_id(one), &key_id(other));
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
        self.today.insert(alias.alias_arn.clone(), key.clone());
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

    /// The smaller of two keys is joined to the larger, so that a spelling is moved few times.
    fn join(&mut self, one: &str, other: &str) {
        let (one, other) = (self.number(one), self.number(other));
        let count = |number: usize| self.keys.get(number).map_or(0, |key| key.spellings.len());
        let (into, from) = if count(one) < count(other) { (other, one) } else { (one, other) };
        if into == from {
            return;
        }
        let joined = self.keys.get_mut(from).map(mem::take).unwrap_or_default();
        for spelling in &joined.spellings {
            self.numbers.insert(spelling.clone(), into);
        }
        if let Some(key) = self.keys.get_mut(into) {
            key.add(joined);
        }
    }

    fn number(&mut self, spelling: &str) -> usize {
        if let Some(number) = self.numbers.get(spelling) {
            return *number;
        }
        let number = self.keys.len();
        self.keys.push(KnownKey { spellings: vec![spelling.to_owned()], exact: vec![spelling.to_owned()] });
        self.numbers.insert(spelling.to_owned(), number);
        number
    }

    /// How two spellings stand to each other.
    pub fn likeness(&self, one: &str, other: &str) -> Likeness {
        let (one, other) = (one.trim(), other.trim());
        let (number, other_number) = (self.numbers.get(one), self.numbers.get(other));
        if one == other || (number.is_some() && number == other_number) {
            return Likeness::Same;
        }
        let exact =
            |number: Option<&usize>| number.and_then(|number| self.keys.get(*number)).map(|key| key.exact.iter().map(String::as_str));
        let ones: Vec<&str> = exact(number).map_or_else(|| vec![one], Iterator::collect);
        let others: Vec<&str> = exact(other_number).map_or_else(|| vec![other], Iterator::collect);
        let pairs = || ones.iter().flat_map(|one| others.iter().map(move |other| (*one, *other)));
        let are_described = [&ones, &others].iter().all(|all| all.iter().any(|spelling| self.described.contains(*spelling)));
        let all_likenesses = pairs().map(|(one, other)| (Spelling::of(one), Spelling::of(other))).map(|(one, other)| {
            // AWS lists replicas each in its own region, and says of one where the others are only where it describes it.
            match one.likeness(other) {
                Likeness::MayBe(_) if are_described && !one.is_multi_region() => Likeness::Other,
                likeness => likeness,
            }
        });
        all_likenesses.fold(Likeness::Other, |known, likeness| if known == Likeness::Other { likeness } else { known })
    }

    /// The key that an alias means today, where AWS has listed it and the user does not say which it is.
    pub fn meaning_today(&self, alias: &str) -> Option<&str> {
        let alias = alias.trim();
        let joined = self.numbers.get(alias).and_then(|number| self.keys.get(*number));
        let is_said = joined.and_then(|key| key.exact.first()).is_some_and(|exact| matches!(Spelling::of(exact), Spelling::Key { .. }));
        let spellings = joined.into_iter().flat_map(|key| &key.spellings).map(String::as_str);
        let meaning = std::iter::once(alias).chain(spellings).find_map(|spelling| self.today.get(spelling));
        meaning.filter(|_| !is_said).map(String::as_str)
    }
}

impl KnownKey {
    fn add(&mut self, other: Self) {
        self.spellings.extend(other.spellings);
        let exactness = |spellings: &[String]| spellings.first().map(|spelling| Spelling::of(spelling).exactness());
        match exactness(&self.exact).cmp(&exactness(&other.exact)) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => self.exact.extend(other.exact),
            std::cmp::Ordering::Greater => self.exact = other.exact,
        }
    }
}

/// The key ID of a key as it is printed; else the text itself.
fn key_id(text: &str) -> String {
    let pattern = KeyPattern::parse(text).filter(|pattern| pattern.provider.is_some());
    pattern.and_then(|pattern| pattern.key_id).unwrap_or_else(|| text.to_owned())
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
        assert_eq!(known.meaning_today(&alias), Some(here.as_str()));
        for key in [&here, &other] {
            assert!(matches!(known.likeness(&alias, key), Likeness::MayBe(_)), "{key}");
        }
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
        // But for replicas, which AWS lists each in its own region.
        let mut known = SameKeys::default();
        for region in ["eu-west-1", "us-east-1"] {
            let alias = arn(region, "alias/eks");
            let listed = format!(r#"{{"Aliases": [{{"AliasName": "alias/eks", "AliasArn": "{alias}", "TargetKeyId": "{MULTI}"}}]}}"#);
            known.add_saved(listed.as_bytes()).unwrap();
        }
        assert!(matches!(known.likeness(&one, &two), Likeness::MayBe(_)));
        for none in [&b"{}"[..], b"[]", b"x", b""] {
            assert_eq!(known.add_saved(none), Err(NoSpelling::Form));
        }
        for none in ["a", "=b", "a="] {
            assert_eq!(known.add_pair(none), Err(NoSpelling::Pair));
        }
    }

    /// What an alias points to today says nothing of what it pointed to before, whatever its dates are.
    #[test]
    fn what_an_alias_means_today_it_need_not_have_meant_before() {
        let (alias, here, other) = (arn("eu-west-1", "alias/eks"), key("eu-west-1", ID), key("eu-west-1", &ID.replace("0001", "0002")));
        for dates in ["", r#", "CreationDate": 7, "LastUpdatedDate": 7"#, r#", "CreationDate": 7, "LastUpdatedDate": "8""#] {
            let mut known = SameKeys::default();
            let json = format!(r#"{{"Aliases": [{{"AliasName": "alias/eks", "AliasArn": "{alias}", "TargetKeyId": "{ID}"{dates}}}]}}"#);
            known.add_saved(json.as_bytes()).unwrap();
            for key in [&here, &other] {
                assert!(matches!(known.likeness(key, &alias), Likeness::MayBe(_)), "{key}");
            }
            known.add_pair(&format!("alias/eks={alias}")).unwrap();
            assert_eq!(
                ["alias/eks", &alias, &here].map(|text| known.meaning_today(text)),
                [Some(here.as_str()), Some(here.as_str()), None]
            );
            // What the user says goes before it.
            known.add_pair(&format!("{alias}={other}")).unwrap();
            assert_eq!((known.meaning_today("alias/eks"), known.likeness("alias/eks", &other)), (None, Likeness::Same));
        }
    }

    /// A slip in a key's name is no other key.
    #[test]
    fn what_cannot_be_a_key_id_may_be_any() {
        let here = key("eu-west-1", ID);
        let none = SameKeys::default();
        for same in [
            here.to_uppercase().replace("ARN:AWS:KMS:EU-WEST-1", "arn:aws:kms:eu-west-1").replace("KEY", "key"),
            format!("{here} "),
            format!("{here}\n"),
        ] {
            assert_eq!(none.likeness(&here, &same), Likeness::Same, "{same:?}");
        }
        for slip in
            [here[..here.len() - 1].to_owned(), here.replace(ID, &ID.replace('-', "")), here.to_uppercase(), here.replace("key/", "")]
        {
            assert!(matches!(none.likeness(&here, &slip), Likeness::MayBe(_)), "{slip}");
        }
    }

    /// The work is linear in the spellings, however they are joined: in a second, not in minutes.
    #[test]
    fn many_spellings_of_one_key_are_joined() {
        let mut known = SameKeys::default();
        let count = 50_000;
        for number in 0..count {
            known.add_pair(&format!("alias/{number}={ID}")).unwrap();
        }
        assert!((0..count).all(|number| known.likeness(&format!("alias/{number}"), ID) == Likeness::Same));
        assert!((0..count).all(|number| known.likeness(&format!("alias/{number}"), &ID.replace("0001", "0002")) == Likeness::Other));
    }
}
