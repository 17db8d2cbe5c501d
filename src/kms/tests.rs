use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use prost::Message;

use super::{
    Asking, Budget, ConfiguredProvider, EncryptionConfig, EncryptionContexts, Failure, Held, KeyState, Ledger, PLACE_TO_FILL, Pace,
    Patience, Plan, Reason, Ring, Unusable, Unwrapped, Unwrapper, UsedKey, WrappedDek, Wrong, decrypt_policy,
};
use crate::envelope::open::DataKey;
use crate::envelope::{KmsEnvelope, Provider, pb};

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
        [("[secrets, deployments.apps]", "named"), ("['*.apps']", "apps"), ("['*.']", "core"), ("['*.*']", "all"), ("[secrets]", "again")];
    let text = rules
        .iter()
        .enumerate()
        .map(|(index, (resources, name))| {
            let rule = rule(resources, &provider(name));
            if index == 0 { rule } else { rule.split_once("resources:\n").unwrap().1.to_owned() }
        })
        .collect::<String>();
    let Ok(config) = config(&text) else { panic!("not read") };
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
        "kind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - aescbc:\n      keys:\n      - name: a\n        \
         secret: |\n          {head}\n          {tail}\n"
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
        Wrong::Resource("*".into()),
        Wrong::Resource("pods.*".into()),
        Wrong::Resource("Secrets".into()),
        Wrong::Length(length),
        Wrong::Base64,
        Wrong::DuplicateName("good".into()),
        Wrong::NoName,
        Wrong::UnknownProvider("rot13".into()),
        Wrong::NoKeys,
        Wrong::Providers(0),
        Wrong::Providers(2),
        Wrong::NoKeys,
        Wrong::ColonInName,
        Wrong::DuplicateName("a:b".into()),
        Wrong::KmsVersion,
        Wrong::NoName,
    ];
    assert_eq!(found, wanted.iter().collect::<Vec<_>>());
    let keys: Vec<_> = config.local_keys().map(|(provider, key)| (provider, key.name.as_str(), key.key.is_some())).collect();
    // The names of what is no key stand in their places: the first is the one that is written.
    assert_eq!(
        keys,
        [("short", false), ("bad", false), ("good", true), ("", false)].map(|(name, is_key)| (Provider::AesCbc, name, is_key))
    );
    let unknown = Wrong::UnknownProvider("rot13".into()).to_string();
    assert_eq!(unknown, "provider rot13 is not known; known are aescbc, aesgcm, secretbox, kms, identity");
    assert_eq!(Wrong::KmsVersion.to_string(), "its apiVersion is none of v1, v2");
    assert_eq!(config.problems()[4].to_string(), "resources[0].providers[0].aescbc.keys[1]: the secret is not base64");
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

#[test]
fn problems_of_a_sound_file_are_none() {
    assert!(problems(&rule("[secrets, '*.apps', '*.', widgets.example.com]", "[{identity: {}}]")).is_empty());
}

fn v2(key_id: &str, source: &[u8], annotation: &[u8], kind: i32) -> Vec<u8> {
    pb::EncryptedObject {
        encrypted_data: vec![1],
        key_id: key_id.into(),
        encrypted_dek_source: source.to_vec(),
        annotations: [("a.example.com".to_owned(), annotation.to_vec())].into(),
        encrypted_dek_source_type: kind,
    }
    .encode_to_vec()
}

/// Five distinct DEK sources in eight values.
fn plan() -> Plan {
    let mut plan = Plan::default();
    for (key_id, source, annotation, kind) in [
        ("k", b"one", b"1", 1),
        ("k", b"one", b"1", 1),
        ("k", b"one", b"2", 1),
        ("k", b"one", b"1", 0),
        ("l", b"one", b"1", 1),
        ("k", b"one", b"1", 1),
    ] {
        let message = v2(key_id, source, annotation, kind);
        assert!(plan.add("two", &KmsEnvelope::parse(Provider::KmsV2, &message).unwrap()).is_some());
    }
    let v1 = [&[0, 3][..], b"one", &[0; 28]].concat();
    plan.add("one", &KmsEnvelope::parse(Provider::KmsV1, &v1).unwrap()).unwrap();
    plan.add("one", &KmsEnvelope::parse(Provider::KmsV1, &v1).unwrap()).unwrap();
    plan
}

#[test]
fn values_are_one_question_where_type_key_source_and_annotations_agree() {
    let plan = plan();
    assert_eq!(plan.len(), 5);
    assert_eq!(plan.sources().map(|source| source.values).collect::<BTreeSet<_>>(), [1, 2, 3].into());
    assert_eq!(plan.sources().map(WrappedDek::digest).collect::<BTreeSet<_>>().len(), 5);
    let mut strange = Plan::default();
    for (key_id, source, kind) in [("k", &b"s"[..], 2), ("", b"s", 1), ("k", b"", 1), (&"k".repeat(1 << 20), b"s", 1), ("k", &[0; 1025], 1)]
    {
        assert_eq!(strange.add("p", &KmsEnvelope::parse(Provider::KmsV2, &v2(key_id, source, b"", kind)).unwrap()), None);
    }
    assert!(strange.is_empty());
}

/// Answers by a list, the last of it again and again.
struct Script {
    claims: &'static str,
    answers: Vec<Result<usize, Reason>>,
    asked: std::rc::Rc<Cell<usize>>,
}

impl Unwrapper for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn claims(&self, source: &WrappedDek) -> bool {
        source.provider_name() == self.claims
    }

    fn describes(&self, _: &str) -> bool {
        true
    }

    fn describe(&mut self, _: &str) -> Result<KeyState, Failure> {
        Ok(KeyState { state: Some("Enabled".to_owned()), ..KeyState::default() })
    }

    fn unwrap(&mut self, source: &WrappedDek) -> Result<Unwrapped, Failure> {
        let number = self.asked.replace(self.asked.get() + 1);
        match self.answers[number.min(self.answers.len() - 1)] {
            Ok(length) => Ok(Unwrapped { key: DataKey::new(source.id.kind, &vec![9; length]).unwrap(), kms_key_id: Some("used".into()) }),
            Err(reason) => Err(reason.into()),
        }
    }
}

/// Runs the plan with a script for each provider; the outcomes in order, the ring, and how often each script was asked.
fn run(
    scripts: &[(&'static str, &[Result<usize, Reason>])],
    max_calls: Option<u64>,
    ledger: Option<&mut Ledger>,
) -> (Vec<String>, Ring, Vec<usize>) {
    let counters: Vec<std::rc::Rc<Cell<usize>>> = scripts.iter().map(|_| std::rc::Rc::default()).collect();
    let mut unwrappers: Vec<Box<dyn Unwrapper>> = scripts
        .iter()
        .zip(&counters)
        .map(|((claims, answers), asked)| {
            Box::new(Script { claims, answers: answers.to_vec(), asked: asked.clone() }) as Box<dyn Unwrapper>
        })
        .collect();
    let patience = Patience { first: Duration::from_millis(1), longest: Duration::from_millis(2), repeats: 2 };
    let mut budget = Budget::new(Pace::per_second(0.0), max_calls);
    let mut asking = Asking { budget: &mut budget, patience, ledger, is_stopped: &|| false, on_source: &|| {} };
    let ring = Ring::unwrap(&plan(), &mut unwrappers, &mut asking).unwrap();
    let outcome = |held: &Held| match held {
        Held::Key { .. } => "key".to_owned(),
        Held::Nothing { failure, .. } => failure.reason.name().to_owned(),
    };
    (ring.iter().map(|(_, held)| outcome(held)).collect(), ring, counters.iter().map(|asked| asked.get()).collect())
}

#[test]
fn each_dek_source_is_asked_about_once() {
    let (outcomes, ring, asked) = run(&[("two", &[Ok(32)])], None, None);
    assert_eq!(outcomes, ["no-key-given", "key", "key", "key", "key"]);
    assert_eq!((ring.calls(), asked), (4, vec![4]));
    let (outcomes, ring, asked) = run(&[("two", &[Err(Reason::AccessDenied)]), ("one", &[Ok(32)])], None, None);
    assert_eq!(outcomes, ["key", "access-denied", "access-denied", "access-denied", "access-denied"]);
    assert_eq!((ring.calls(), asked), (5, vec![4, 1]));
}

#[test]
fn the_shares_of_a_plan_are_the_calls_that_are_made() {
    let unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(Script { claims: "two", answers: vec![], asked: std::rc::Rc::default() })];
    let (shares, unclaimed) = plan().shares(&unwrappers);
    assert_eq!(shares[0].calls, BTreeMap::from([(Some("k".into()), 3), (Some("l".into()), 1)]));
    assert_eq!((shares[0].total(), shares[0].values), (4, 6));
    assert_eq!((unclaimed.calls, unclaimed.values), (BTreeMap::from([(None, 1)]), 2));
}

#[test]
fn a_kms_that_is_not_there_is_given_up() {
    let (outcomes, ring, _) = run(&[("two", &[Err(Reason::PluginUnavailable)])], None, None);
    assert_eq!(outcomes, ["no-key-given", "plugin-unavailable", "plugin-unavailable", "plugin-unavailable", "plugin-unavailable"]);
    // Three tries for the first, one each for two more, none for the fourth.
    assert_eq!(ring.calls(), 5);
    let passing = [Err(Reason::KmsUnavailable), Err(Reason::Throttled), Ok(32)];
    let (outcomes, ring, _) = run(&[("two", &passing)], None, None);
    assert_eq!((outcomes[1].as_str(), ring.calls()), ("key", 6));
}

#[test]
fn a_budget_ends_the_asking_and_the_ledger_lets_a_later_run_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.jsonl");
    let open = || Ledger::open(&path).unwrap();
    let (outcomes, ring, _) = run(&[("two", &[Ok(32)])], Some(2), Some(&mut open()));
    assert_eq!(outcomes, ["no-key-given", "key", "key", "not-attempted", "not-attempted"]);
    assert!(ring.is_cut_short());
    let (outcomes, ring, asked) = run(&[("two", &[Err(Reason::Disabled), Ok(32)])], None, Some(&mut open()));
    assert_eq!(outcomes, ["no-key-given", "unwrapped-before", "unwrapped-before", "disabled", "key"]);
    assert_eq!((ring.calls(), asked), (2, vec![2]));
    let before = ring.iter().nth(1).unwrap().1;
    assert!(matches!(before, Held::Nothing { kms_key_id: Some(used), .. } if used == "used"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 4);
    // Nothing of a key: neither its bytes nor a digest of them.
    let digest = crate::evidence::digest::Sha256Digest::of(&[9; 32]).to_string();
    assert!(!text.contains(&digest) && !text.contains("CQkJCQ") && !text.contains("090909"));
    // A run that was killed left half a line; the next one goes on behind it.
    std::fs::write(&path, format!("{text}{{\"time\":\"20")).unwrap();
    let (outcomes, ..) = run(&[("two", &[Ok(32)])], None, Some(&mut open()));
    assert_eq!(outcomes, ["no-key-given", "unwrapped-before", "unwrapped-before", "key", "unwrapped-before"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::write(&path, "kind: EncryptionConfiguration\n").unwrap();
    assert!(Ledger::open(&path).err().unwrap().to_string().contains("line 1 is no line of a ledger"));
    assert!(Ledger::open(dir.path()).is_err());
}

#[test]
fn a_broken_off_run_makes_no_further_call() {
    let asked = std::rc::Rc::new(Cell::new(0));
    let mut unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(Script { claims: "two", answers: vec![Ok(32)], asked: asked.clone() })];
    let counter = asked.clone();
    let mut budget = Budget::new(Pace::per_second(0.0), None);
    let mut asking =
        Asking { budget: &mut budget, patience: Patience::default(), ledger: None, is_stopped: &|| counter.get() >= 1, on_source: &|| {} };
    let ring = Ring::unwrap(&plan(), &mut unwrappers, &mut asking).unwrap();
    assert_eq!((ring.calls(), asked.get(), ring.is_cut_short()), (1, 1, true));
}

/// The rate and the number of calls are those of the whole run: repeated calls and those about a key's state are of it.
#[test]
fn one_budget_holds_for_every_call_and_the_first_throttle_halves_the_rate() {
    let mut budget = Budget::new(Pace::per_second(0.0), Some(3));
    let patience = Patience { first: Duration::ZERO, longest: Duration::ZERO, repeats: 1 };
    let mut unwrappers: Vec<Box<dyn Unwrapper>> =
        vec![Box::new(Script { claims: "one", answers: vec![Err(Reason::Throttled), Ok(32)], asked: std::rc::Rc::default() })];
    let mut asking = Asking { budget: &mut budget, patience, ledger: None, is_stopped: &|| false, on_source: &|| {} };
    let ring = Ring::unwrap(&plan(), &mut unwrappers, &mut asking).unwrap();
    assert_eq!((ring.calls(), asking.budget.made()), (2, 2));
    // One call is left for the state of a key, which takes two.
    let state = KeyState::ask("k", &mut unwrappers, &mut asking).unwrap().unwrap();
    assert_eq!((state.state.as_deref(), state.is_rotated, asking.budget.made()), (Some("Enabled"), None, 3));
    assert_eq!(KeyState::ask("k", &mut unwrappers, &mut asking).unwrap(), None);
    let mut pace = Pace::per_second(50.0);
    pace.halve();
    pace.halve();
    let began = Instant::now();
    (0..4).for_each(|_| pace.wait(&|| false));
    // Three waits of 40 ms, and not of 80.
    assert!(began.elapsed() >= Duration::from_millis(120) && began.elapsed() < Duration::from_millis(230), "{:?}", began.elapsed());
}

#[test]
fn calls_are_paced_and_waits_double_up_to_a_limit() {
    let mut pace = Pace::per_second(50.0);
    let began = Instant::now();
    (0..4).for_each(|_| pace.wait(&|| false));
    assert!(began.elapsed() >= Duration::from_millis(60), "{:?}", began.elapsed());
    let patience = Patience { first: Duration::from_secs(1), longest: Duration::from_secs(3), repeats: 3 };
    let waits: Vec<_> = (0..5).map(|number| patience.wait(number).map(|wait| wait.as_secs())).collect();
    assert_eq!(waits, [Some(1), Some(2), Some(3), None, None]);
    assert_eq!(Patience { repeats: u32::MAX, ..patience }.wait(4_000_000_000), Some(Duration::from_secs(3)));
}

#[test]
fn a_policy_allows_what_the_plan_needs_and_no_more() {
    let context: BTreeMap<String, String> = EncryptionContexts::parse("cluster=prod").unwrap();
    let arn = "arn:aws:kms:eu-west-1:1:key/a";
    let keys = [(Some(arn.into()), context), (Some("alias/k".into()), BTreeMap::new()), (None, BTreeMap::new())];
    let keys = keys.map(|(key_id, context)| UsedKey { key_id, context });
    let policy: serde_json::Value = serde_json::from_str(&decrypt_policy(&keys.clone().into_iter().collect(), &[])).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let of = |resource: &str, field: &str| {
        statements.iter().filter(|s| s["Resource"] == resource).map(|s| s[field].to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of(arn, "Condition"), r#"{"StringEquals":{"kms:EncryptionContext:cluster":"prod"}}"#);
    assert_eq!(of(PLACE_TO_FILL, "Condition"), r#"null {"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/k"}}"#);
    // No key but those that values or the user name, and never any key.
    let given = [arn.to_owned(), "arn:aws:kms:eu-west-1:1:key/b".to_owned()];
    let bare = UsedKey { key_id: Some("b".into()), context: BTreeMap::new() };
    for given in [&[][..], &given[..1], &given] {
        let policy = decrypt_policy(&keys.iter().cloned().chain([bare.clone()]).collect(), given);
        assert!(!policy.contains('*'), "{policy}");
        assert_eq!(policy.contains("KEY-ID"), given.is_empty(), "{policy}");
        assert_eq!(policy.contains("arn:aws:kms:REGION:ACCOUNT:key/b"), given.len() < 2, "{policy}");
    }
    let actions: BTreeSet<&str> = statements.iter().flat_map(|s| s["Action"].as_array().unwrap()).map(|a| a.as_str().unwrap()).collect();
    assert_eq!(actions, ["kms:Decrypt", "kms:DescribeKey", "kms:GetKeyRotationStatus"].into());
    assert!(EncryptionContexts::parse("novalue").is_err() && EncryptionContexts::parse("=x").is_err());
}

#[test]
fn every_reason_has_a_word_of_its_own() {
    assert_eq!(Reason::ALL.iter().map(|reason| reason.name()).collect::<BTreeSet<_>>().len(), Reason::ALL.len());
    let failure = Failure::new(Reason::Refused, &format!("a\u{1b}[31m\n{}", "x".repeat(1000)));
    assert!(failure.detail.chars().count() == 300 && !failure.detail.contains(char::is_control));
}
