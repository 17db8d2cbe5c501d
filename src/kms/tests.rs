use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{
    ConfiguredProvider, EncryptionConfig, EncryptionContexts, Failure, NotTaken, PLACE_TO_FILL, Reason, Unusable, UsedKey, Wrong,
    decrypt_policy,
};
use crate::envelope::Provider;

const SECRET: &str = "pxEGS8c90NbQtX4tLGMoXcteBO8vQ15xaFikr3nn938=";

fn config(text: &str) -> Result<EncryptionConfig, Unusable> {
    EncryptionConfig::read(text.as_bytes())
}

fn problems(text: &str) -> Vec<String> {
    config(text).unwrap_or_else(|e| panic!("{e}")).problems().iter().map(ToString::to_string).collect()
}

fn rule(resources: &str, providers: &str) -> String {
    format!(
        "kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources:\n- resources: {resources}\n  providers: {providers}\n"
    )
}

/// Providers as text, to compare.
fn shown(providers: &[&ConfiguredProvider]) -> Vec<String> {
    let shown = |provider: &&ConfiguredProvider| match provider {
        ConfiguredProvider::Identity => "identity".to_owned(),
        ConfiguredProvider::Local(provider, keys) => {
            format!("{provider:?} {}", keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(","))
        }
        ConfiguredProvider::Kms(kms) => format!("{:?} {}", kms.provider, kms.name),
        ConfiguredProvider::Unusable => "unusable".to_owned(),
    };
    providers.iter().map(shown).collect()
}

#[test]
fn the_configuration_of_a_fixture_is_read_in_yaml_and_json() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys/migration.encryption-config.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let wanted = [
        "KmsV2 aws-b",
        "KmsV2 aws-a",
        "KmsV1 aws:v1-a",
        "Secretbox secretboxkey-2026-02-01T00:00:00-07:00",
        "AesGcm key1",
        "AesCbc aescbckey-2026-01-01T00:00:00Z,aescbckey",
        "identity",
    ];
    let Ok(yaml) = config(&text) else { panic!("not read") };
    assert_eq!(shown(&yaml.providers_of("secrets")), wanted);
    assert!(yaml.problems().is_empty() && yaml.providers_of("configmaps").is_empty());
    let value: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    for json in [serde_json::to_string(&value).unwrap(), format!("\n\t{}", serde_json::to_string_pretty(&value).unwrap())] {
        let json = json.replace("EncryptionConfiguration", "EncryptionConfig").replace("apiserver.config.k8s.io/v1", "v1");
        let Ok(json) = config(&json) else { panic!("not read") };
        assert_eq!(shown(&json.providers_of("secrets")), wanted);
    }
    assert_eq!(yaml.local_keys().count(), 4);
    assert_eq!(yaml.kms_providers().map(|kms| kms.endpoint.as_str()).next(), Some("unix:///var/run/kmsplugin/aws-b.sock"));
}

#[test]
fn a_resource_is_looked_up_by_its_name_then_its_group_then_everything() {
    let provider = |name: &str| format!("[{{kms: {{name: {name}, apiVersion: v2, endpoint: 'unix:///a'}}}}]");
    let rules =
        [("[secrets, deployments.apps]", "named"), ("[secrets]", "again"), ("['*.apps']", "apps"), ("['*.']", "core"), ("['*.*']", "all")];
    let text = rules
        .iter()
        .enumerate()
        .map(|(index, (resources, name))| {
            let rule = rule(resources, &provider(name));
            if index == 0 { rule } else { rule.split_once("resources:\n").unwrap().1.to_owned() }
        })
        .collect::<String>();
    let Ok(config) = config(&text) else { panic!("not read") };
    assert_eq!(config.problems(), []);
    let of = |resource: &str| shown(&config.providers_of(resource)).join(" ");
    assert_eq!(of("secrets"), "KmsV2 named KmsV2 again");
    assert_eq!(of("deployments.apps"), "KmsV2 named");
    assert_eq!(of("daemonsets.apps"), "KmsV2 apps");
    assert_eq!(of("configmaps"), "KmsV2 core");
    assert_eq!(of("widgets.example.com"), "KmsV2 all");
}

/// The API server reads the file with Go's decoders: what they pass over is passed over, what they refuse is refused.
#[test]
fn a_configuration_is_read_as_go_reads_it() {
    let keys = |secret: &str| rule("[secrets]", &format!("[{{aescbc: {{keys: [{{name: a, secret: {secret}}}]}}}}]"));
    let is_read = |text: &str| config(text).is_ok_and(|config| config.problems().is_empty() && config.local_keys().count() == 1);
    let (head, tail) = SECRET.split_at(20);
    let block = format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  \
         - aescbc:\n      keys:\n      - name: a\n        secret: |\n          {head}\n          {tail}\n"
    );
    for (what, text) in [
        ("a block", block.clone()),
        ("a block with CR and LF", block.replace('\n', "\r\n")),
        ("CR and LF within quotes", keys(&format!("\"{head}\\r\\n{tail}\\n\""))),
        ("bits left over", keys("MDEyMzQ1Njc4OWFiY2RlZh==")),
        ("a second document", format!("{block}---\n{block}")),
        ("a second document that is none", format!("# ours\n%YAML 1.2\n---\n{block}--- # old\n{{[\n")),
        ("an end, and more", format!("{block}...\nmore: [\n")),
    ] {
        assert!(is_read(&text), "{what}: {text}");
    }
    for (what, text) in [
        ("a blank within", keys(&format!("'{head} {tail}'"))),
        ("a blank at the end", keys(&format!("'{SECRET} '"))),
        ("no padding", keys(SECRET.trim_end_matches('='))),
        ("an empty first document", format!("---\n---\n{block}")),
    ] {
        assert!(!is_read(&text), "{what}: {text}");
    }
}

#[test]
fn what_is_wrong_with_one_key_leaves_the_others() {
    let text = rule(
        "[secrets, '*', 'pods.*', Secrets]",
        &format!(
            "[{{aescbc: {{keys: [{{name: short, secret: c2hvcnQ=}}, {{name: bad, secret: '{SECRET}!'}}, {{name: good, secret: {SECRET}}}, \
             {{name: good, secret: {SECRET}}}, {{secret: {SECRET}}}]}}}}, {{rot13: {{}}}}, {{secretbox: {{}}}}, {{}}, \
             {{identity: {{}}, aesgcm: {{keys: []}}}}, {{kms: {{name: 'a:b', apiVersion: v2}}}}, {{kms: {{name: 'a:b'}}}}, \
             {{kms: {{name: x, apiVersion: v3}}}}, {{kms: {{}}}}, {{identity: }}]"
        ),
    );
    let Ok(config) = config(&text) else { panic!("not read") };
    let found: Vec<&Wrong> = config.problems().iter().map(|problem| &problem.what).collect();
    let length = crate::envelope::open::WrongLength { found: 5, expected: "16, 24 or 32" };
    let wanted = [
        Wrong::Resource("*".into(), NotTaken::Star),
        Wrong::Resource("pods.*".into(), NotTaken::AnyGroup),
        Wrong::Resource("Secrets".into(), NotTaken::Capitals),
        Wrong::Resource("secrets".into(), NotTaken::Overlaps),
        Wrong::Resource("Secrets".into(), NotTaken::Overlaps),
        Wrong::Length(length),
        Wrong::Base64,
        Wrong::NoName,
        Wrong::UnknownProvider("rot13".into()),
        Wrong::NoKeys,
        Wrong::Providers(0),
        Wrong::Providers(2),
        Wrong::NoKeys,
        Wrong::ColonInName,
        Wrong::Endpoint,
        Wrong::Endpoint,
        Wrong::KmsVersion,
        Wrong::NoName,
        Wrong::Endpoint,
        Wrong::Providers(0),
    ];
    assert_eq!(found, wanted.iter().collect::<Vec<_>>());
    let keys: Vec<_> = config.local_keys().map(|(provider, key)| (provider, key.name.as_str(), key.key.is_some())).collect();
    // The names of what is no key stand in their places: the first is the one that is written.
    assert_eq!(
        keys,
        [("short", false), ("bad", false), ("good", true), ("good", true), ("", false)].map(|(name, is_key)| (
            Provider::AesCbc,
            name,
            is_key
        ))
    );
    let unknown = Wrong::UnknownProvider("rot13".into()).to_string();
    assert_eq!(unknown, "provider rot13 is not known; known are aescbc, aesgcm, secretbox, kms, identity");
    assert_eq!(Wrong::KmsVersion.to_string(), "its apiVersion is none of v1, v2");
    assert_eq!(config.problems()[6].to_string(), "resources[0].providers[0].aescbc.keys[1]: the secret is not base64");
}

#[test]
fn files_that_are_none_are_told_without_what_stands_in_them() {
    let bomb = format!(
        "a: &a [x,x,x,x,x,x,x,x,x]\n{}kind: EncryptionConfiguration\nresources: *i\n",
        "bcdefghi"
            .chars()
            .zip("abcdefgh".chars())
            .map(|(name, of)| format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(",")))
            .collect::<String>()
    );
    let cases = [
        ("kind: Secret\ndata: {}".to_owned(), "kind Secret, expected"),
        (format!("kind: {SECRET}\n"), "kind (44 bytes), expected"),
        ("kind: EncryptionConfiguration".to_owned(), "lists no resources"),
        (String::new(), "line"),
        ("\0\u{1}".to_owned(), "line"),
        ("{".to_owned(), "JSON that does not fit at line 1"),
        (format!("{{\"kind\": \"EncryptionConfiguration\", \"resources\": [\"{SECRET}\"]}}"), "JSON that does not fit at line 1"),
        (rule("[secrets]", &format!("[{{aescbc: {{keys: [{SECRET}]}}}}]")), "YAML that does not fit at line 5"),
        (rule("[secrets]", &format!("[{{aescbc: {{keys: [{{name: [a], secret: {SECRET}}}]}}}}]")), "YAML that does not fit at line 5"),
        (format!("kind: EncryptionConfiguration\n\tresources: {SECRET}\n"), "YAML that does not fit at line 1"),
        ("[".repeat(5000), "YAML that does not fit"),
        (bomb, "YAML that does not fit"),
    ];
    for (text, wanted) in cases {
        let began = Instant::now();
        let error = config(&text).err().unwrap_or_else(|| panic!("{wanted}: it is read")).to_string();
        assert!(error.contains(wanted), "{error}, expected {wanted}");
        assert!(!error.contains(&SECRET[..8]), "{error}");
        assert!(began.elapsed() < Duration::from_secs(5), "{error}");
    }
    assert_eq!(EncryptionConfig::read(&vec![b' '; 5 << 20]).err(), Some(Unusable::TooLarge));
}

proptest! {
    #[test]
    fn no_word_of_a_broken_file_holds_its_secret(at in 0usize..700, replacement in "[ -~\\n]{0,4}", cut in 0usize..5) {
        let provider = |name| format!("{{{name}: {{keys: [{{name: k, secret: {SECRET}}}]}}}}");
        let mut text = rule("[secrets]", &format!("[{}, {}, {}]", provider("aescbc"), provider("aesgcm"), provider("secretbox")));
        let at = at % text.len();
        text.replace_range(at..(at + cut).min(text.len()), &replacement);
        let words = match config(&text) {
            Ok(config) => config.problems().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
            Err(error) => error.to_string(),
        };
        for part in SECRET.as_bytes().windows(10) {
            prop_assert!(!words.contains(std::str::from_utf8(part).unwrap()), "{}", words);
        }
    }
}

/// In YAML a number, a boolean and null are no text, unless they are quoted; an API server that meets one in its place does not start.
#[test]
fn what_yaml_has_for_a_number_is_no_name() {
    let named = |name: &str| rule("[secrets]", &format!("[{{aescbc: {{keys: [{{name: {name}, secret: {SECRET}}}]}}}}]"));
    for name in ["20260101", "1", "010", "0x10", "1e3", "+1", ".5", ".inf", "yes", "on", "y", "true", "1_000"] {
        let found = config(&named(name));
        assert!(matches!(found.as_ref().err(), Some(Unusable::NotText { line: 1.., column: 1.. })), "{name}: {:?}", found.err());
        assert!(problems(&named(&format!("\"{name}\""))).is_empty(), "{name}");
    }
    assert!(matches!(config(&rule("[secrets, 1]", "[{identity: {}}]")).err(), Some(Unusable::NotText { .. })));
    for name in ["key1", "2026-01-01", "12:30:45", "1.2.3", "v1", "0key"] {
        assert!(problems(&named(name)).is_empty(), "{name}");
    }
}

/// Files that editors of Windows write begin with a mark that says how their characters stand.
#[test]
fn a_byte_order_mark_says_how_the_text_stands() {
    let text = rule("[secrets]", &format!("[{{aescbc: {{keys: [{{name: k, secret: {SECRET}}}]}}}}]"));
    let units = |to: fn(u16) -> [u8; 2]| "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(to).collect::<Vec<u8>>();
    for bytes in [units(u16::to_le_bytes), units(u16::to_be_bytes), format!("\u{feff}{text}").into_bytes()] {
        let config = EncryptionConfig::read(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:?}"));
        assert_eq!((config.local_keys().count(), config.problems().len()), (1, 0));
    }
}

#[test]
fn problems_of_a_sound_file_are_none() {
    assert!(problems(&rule("['*.apps', '*.', widgets.example.com]", "[{identity: {}}]")).is_empty());
}

#[test]
fn a_policy_allows_what_the_plan_needs_and_no_more() {
    let context: BTreeMap<String, String> = EncryptionContexts::parse("cluster=prod").unwrap();
    let (a, b) = ("aaaaaaaa-1111-4aaa-8aaa-000000000001", "mrk-0000000000000000000000000000000b");
    let arn = &format!("arn:aws:kms:eu-west-1:1:key/{a}");
    let keys = [(Some(arn.as_str().into()), context), (Some("alias/k".into()), BTreeMap::new()), (None, BTreeMap::new())];
    let keys = keys.map(|(key_id, context)| UsedKey { key_id, context });
    let policy: serde_json::Value = serde_json::from_str(&decrypt_policy(&keys.clone().into_iter().collect(), &[])).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let of = |resource: &str, field: &str| {
        statements.iter().filter(|s| s["Resource"] == resource).map(|s| s[field].to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of(arn, "Condition"), r#"{"StringEquals":{"kms:EncryptionContext:cluster":"prod"}}"#);
    assert_eq!(
        of(PLACE_TO_FILL, "Condition"),
        r#"{"Null":{"kms:EncryptionContextKeys":"true"}} {"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/k"},"Null":{"kms:EncryptionContextKeys":"true"}}"#
    );
    // What is allowed without a context is allowed under none: else it would void the condition of the others on the same key.
    let both = [("cluster", "prod")].map(|(key, value)| BTreeMap::from([(key.to_owned(), value.to_owned())])).into_iter();
    let both = both.chain([BTreeMap::new()]).map(|context| UsedKey { key_id: Some(arn.as_str().into()), context });
    let both: serde_json::Value = serde_json::from_str(&decrypt_policy(&both.collect(), &[])).unwrap();
    let allow = both["Statement"].as_array().unwrap().iter().filter(|statement| statement["Action"] == serde_json::json!(["kms:Decrypt"]));
    assert!(allow.clone().count() == 2 && allow.clone().all(|statement| !statement["Condition"].is_null()), "{both}");
    // Where nothing has a context there is nothing to void.
    let bare_alone = UsedKey { key_id: Some(arn.as_str().into()), context: BTreeMap::new() };
    assert!(!decrypt_policy(&[bare_alone].into(), &[]).contains("Condition"));
    // No key but those that values or the user name, and never any key.
    let given = [arn.to_owned(), format!("arn:aws:kms:eu-west-1:1:key/{b}")];
    let bare = UsedKey { key_id: Some(b.into()), context: BTreeMap::new() };
    for given in [&[][..], &given[..1], &given] {
        let policy = decrypt_policy(&keys.iter().cloned().chain([bare.clone()]).collect(), given);
        assert!(!policy.contains('*'), "{policy}");
        assert_eq!(policy.contains("KEY-ID"), given.is_empty(), "{policy}");
        assert_eq!(policy.contains(&format!("arn:aws:kms:REGION:ACCOUNT:key/{b}")), given.len() < 2, "{policy}");
    }
    // What a value names and is no key of AWS is in no policy: whoever writes values could name any key.
    for pattern in ["arn:aws:kms:*:*:key/*", "arn:aws:kms:eu-west-1:1:key/*", "*", "alias/*", "a/key/?"] {
        let used = UsedKey { key_id: Some(pattern.into()), context: BTreeMap::new() };
        let policy: serde_json::Value = serde_json::from_str(&decrypt_policy(&[used].into(), &given[..1])).unwrap();
        let resources = policy["Statement"].as_array().unwrap().iter().map(|statement| &statement["Resource"]);
        assert!(resources.clone().all(|resource| resource == arn || *resource == serde_json::json!([arn])), "{policy}");
    }
    let actions: BTreeSet<&str> = statements.iter().flat_map(|s| s["Action"].as_array().unwrap()).map(|a| a.as_str().unwrap()).collect();
    assert_eq!(actions, ["kms:Decrypt", "kms:DescribeKey", "kms:GetKeyRotationStatus"].into());
    assert!(EncryptionContexts::parse("novalue").is_err() && EncryptionContexts::parse("=x").is_err());
}

#[test]
fn every_reason_has_a_word_of_its_own() {
    assert_eq!(Reason::ALL.iter().map(|reason| reason.name()).collect::<BTreeSet<_>>().len(), Reason::ALL.len());
    let failure = Failure::new(Reason::Refused, &format!("a\u{1b}[31m\n{}", "x".repeat(1000)))
        .without([].into_iter(), &super::sent::AllSent::default());
    assert!(failure.detail.chars().count() == 300 && !failure.detail.contains(char::is_control));
}
