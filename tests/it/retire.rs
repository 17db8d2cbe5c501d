//! `keys --retire`: "nothing names it" is said only where no other way to write the key can mean it. Every input is made here.

use crate::common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::pages::{self, Write};
use common::{of_kind, records, run_in, stderr, text};
use etcd_sleuth::envelope::pb;
use prost::Message;
use serde_json::{Value, json};

const ID: &str = "aaaaaaaa-1111-4aaa-8aaa-000000000001";
const OTHER_ID: &str = "aaaaaaaa-1111-4aaa-8aaa-000000000002";
const MULTI: &str = "mrk-0123456789abcdef0123456789abcdef";

fn arn(region: &str, resource: &str) -> String {
    format!("arn:aws:kms:{region}:111122223333:{resource}")
}

fn key(region: &str, id: &str) -> String {
    arn(region, &format!("key/{id}"))
}

/// A database with one current Secret under each of these KMS v2 key IDs.
fn write(dir: &Path, key_ids: &[&str]) {
    let entries: Vec<_> = (2..)
        .zip(key_ids)
        .map(|(main, key_id)| {
            let object = pb::EncryptedObject {
                encrypted_data: (7..67).collect(),
                key_id: (*key_id).to_owned(),
                encrypted_dek_source: b"1wrapped".to_vec(),
                annotations: BTreeMap::new(),
                encrypted_dek_source_type: 1,
            };
            let value = [b"k8s:enc:kms:v2:aws:".as_slice(), &object.encode_to_vec()].concat();
            Write { main, key: format!("/registry/secrets/prod/s{main}").into_bytes(), value }.entry()
        })
        .collect();
    fs::write(dir.join("a.db"), pages::database(&[pages::root(3), pages::leaf(3, &entries)])).unwrap();
}

/// The exit code, the verdict, and the keys that may be meant.
fn retire(key_ids: &[&str], retired: &str, more: &[&str], files: &[(&str, String)]) -> (i32, String, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), key_ids);
    files.iter().for_each(|(name, text)| fs::write(dir.path().join(name), text).unwrap());
    let args = [&["keys", "a.db", "--retire", retired, "--confirm-unseen"][..], more].concat();
    let (code, shown) = text(&run_in(dir.path(), &args));
    let output = run_in(dir.path(), &[&args[..], &["--format", "jsonl"]].concat());
    let all = records(&output);
    let summary = of_kind(&all, "summary").first().map(|summary| summary["retire"].clone());
    let Some(summary) = summary else { panic!("{}", stderr(&output)) };
    let may_be: Vec<String> = summary["may_be"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap().to_owned()).collect();
    // Whatever it may be is named.
    for key in &may_be {
        assert!(shown.contains(key) && shown.contains("--same-key"), "{shown}");
    }
    (code, summary["verdict"].as_str().unwrap().to_owned(), may_be)
}

#[test]
fn nothing_names_a_key_only_where_no_other_way_to_write_it_can_mean_it() {
    let here = key("eu-west-1", ID);
    let cannot_say = |named: &str| (3, "cannot-say".to_owned(), vec![format!("kms/aws/{named}")]);
    for (what, named, retired) in [
        ("an alias against a key", here.clone(), arn("eu-west-1", "alias/eks-secrets")),
        ("a key against an alias", arn("eu-west-1", "alias/eks-secrets"), here.clone()),
        ("an alias without region", here.clone(), "alias/eks-secrets".to_owned()),
        (
            "an alias of another region or account, or with a slip in it",
            here.clone(),
            arn("us-east-1", "alias/eks").replace("1111", "9999"),
        ),
        ("another alias", arn("eu-west-1", "alias/a"), arn("eu-west-1", "alias/b")),
        ("the same ID in another region", here.clone(), key("us-east-1", ID)),
        ("the ID alone", here.clone(), format!("kms/other/{ID}")),
        ("a replica", key("eu-west-1", MULTI), key("us-east-1", MULTI)),
        ("an alias of a replica", key("eu-west-1", MULTI), arn("us-east-1", "alias/eks")),
        ("a plugin's own word", "projects/p/cryptoKeys/k/cryptoKeyVersions/1".to_owned(), here.clone()),
        ("against a plugin's own word", here.clone(), "kms/vault/key-3".to_owned()),
        ("a provider alone", here.clone(), "kms/other".to_owned()),
        // A slip in an ID names no other key.
        ("a digit too few", here.clone(), here[..here.len() - 1].to_owned()),
        ("no dashes", here.clone(), here.replace(ID, &ID.replace('-', ""))),
        ("all in capitals", here.clone(), here.to_uppercase()),
        ("a key with a slip in it", format!("kms/aws/{}", &here[..here.len() - 2]), here.clone()),
    ] {
        let named = named.trim_start_matches("kms/aws/").to_owned();
        assert_eq!(retire(&[&named], &retired, &[], &[]), cannot_say(&named), "{what}");
    }
    // Blanks around it, and capitals in its ID, make no other key.
    let still = (2, "still-needed".to_owned(), vec![]);
    for same in [format!("{here} "), format!("{here}\n"), here.replace(ID, &ID.to_uppercase()), format!("kms/aws/{here}\n")] {
        assert_eq!(retire(&[&here], &same, &[], &[]), still, "{same:?}");
    }
    let nothing = (0, "nothing-names-it".to_owned(), vec![]);
    for (what, named, retired) in [
        ("another key", here.clone(), key("eu-west-1", OTHER_ID)),
        ("another key of another region", here.clone(), key("us-east-1", OTHER_ID)),
        ("another key of another account", here.clone(), key("eu-west-1", OTHER_ID).replace("1111", "9999")),
        ("a local key", here.clone(), "aesgcm/none".to_owned()),
    ] {
        assert_eq!(retire(&[&named], &retired, &[], &[]), nothing, "{what}");
    }
}

/// A local key is found by its name alone, where only one provider has it. What does not say which key it needs may need any.
#[test]
fn a_name_alone_is_a_key_and_a_value_that_names_none_may_need_it() {
    let dir = tempfile::tempdir().unwrap();
    let write = |values: &[&[u8]]| {
        let entries = (2..).zip(values).map(|(main, value)| {
            Write { main, key: format!("/registry/secrets/prod/s{main}").into_bytes(), value: value.to_vec() }.entry()
        });
        fs::write(dir.path().join("a.db"), pages::database(&[pages::root(3), pages::leaf(3, &entries.collect::<Vec<_>>())])).unwrap();
    };
    let ask = |args: &[&str]| {
        let output = run_in(dir.path(), &[&["keys", "a.db"], args].concat());
        (output.status.code().unwrap(), format!("{}{}", text(&output).1, stderr(&output)))
    };
    let cbc = |name: &str| format!("k8s:enc:aescbc:v1:{name}:\x01123456789abcdef0123456789abcdef0123456789abcdef").into_bytes();
    let gcm = |name: &str| format!("k8s:enc:aesgcm:v1:{name}:\x01123456789abcdef0123456789abcdef0123456789abcdef").into_bytes();
    write(&[&cbc("old"), &cbc("two"), &gcm("two")]);
    for spelling in ["old", "aescbc/old"] {
        let (code, said) = ask(&["--retire", spelling]);
        assert!(code == 2 && said.contains("1 current Secret in a.db names this key"), "{spelling}: {said}");
    }
    let (code, said) = ask(&["--retire", "two", "--confirm-unseen"]);
    assert!(code == 1 && said.contains("aescbc/two, aesgcm/two"), "{said}");

    // Without its prefix, and with one that is cut.
    for bare in [&[0x9c; 48][..], b"k8s:enc:\xff\xfe", b"\x80\x81\x82\x83\x84\x85\x86\x87"] {
        write(&[&cbc("new"), bare]);
        let (code, said) = ask(&[]);
        assert_eq!(code, 3, "{}: {said}", String::from_utf8_lossy(bare));
        let (code, said) = ask(&["--retire", "aescbc/old", "--confirm-unseen"]);
        assert!(code == 3 && said.starts_with("CANNOT SAY"), "{bare:?}: {said}");
    }
}

#[test]
fn what_is_known_of_keys_settles_what_a_name_means() {
    let (alias, here, other) = (arn("eu-west-1", "alias/eks"), key("eu-west-1", ID), key("eu-west-1", OTHER_ID));
    let aliases = |id: &str| json!({ "Aliases": [{ "AliasName": "alias/eks", "AliasArn": alias, "TargetKeyId": id }] }).to_string();
    let replica = key("us-east-1", MULTI);
    let primary = key("eu-west-1", MULTI);
    let described = json!({ "KeyMetadata": { "Arn": primary, "MultiRegion": true, "MultiRegionConfiguration": {
        "MultiRegionKeyType": "PRIMARY", "PrimaryKey": { "Arn": primary, "Region": "eu-west-1" },
        "ReplicaKeys": [{ "Arn": replica, "Region": "us-east-1" }],
    } } });
    let still = (2, "still-needed".to_owned(), vec![]);
    let nothing = (0, "nothing-names-it".to_owned(), vec![]);
    let pair = |one: &str, other: &str| format!("{one}={other}");
    let saved = ["--aws-keys", "saved.json"];
    // The alias is the key that values name, or another one.
    assert_eq!(retire(&[&here], &alias, &["--same-key", &pair(&alias, &here)], &[]), still);
    assert_eq!(retire(&[&here], &alias, &["--same-key", &pair(&other, &alias)], &[]), nothing);
    assert_eq!(retire(&[&here], &alias, &saved, &[("saved.json", aliases(ID))]), still);
    assert_eq!(retire(&[&here], &alias, &saved, &[("saved.json", aliases(OTHER_ID))]), nothing);
    assert_eq!(retire(&[&replica], &primary, &saved, &[("saved.json", described.to_string())]), still);
    assert_eq!(retire(&[&here], "kms/vault/key-3", &["--same-key", &pair("key-3", &other)], &[]), nothing);
    // As it is printed, and as it is written.
    let printed = pair(&format!("kms/vault/{alias}"), &format!("kms/aws/{here}"));
    assert_eq!(retire(&[&here], &alias, &["--same-key", &printed], &[]), still);
    // Aliases of two regions say nothing of replicas.
    let of_region = |region: &str| {
        let alias = arn(region, "alias/eks");
        ("saved.json", json!({ "Aliases": [{ "AliasName": "alias/eks", "AliasArn": alias, "TargetKeyId": MULTI }] }).to_string())
    };
    let (one, two) = (of_region("eu-west-1").1, of_region("us-east-1"));
    let both = ["--aws-keys", "one.json", "--aws-keys", "saved.json"];
    assert_eq!(retire(&[&primary], &replica, &both, &[("one.json", one), two]).0, 3);
    // What is known of one leaves the other open.
    let (code, verdict, may_be) = retire(&[&here, "opaque"], &alias, &["--same-key", &pair(&alias, &other)], &[]);
    assert_eq!((code, verdict.as_str(), may_be), (3, "cannot-say", vec!["kms/aws/opaque".to_owned()]));
    // A key that history names may be needed now by its alias.
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[&here]);
    for (args, wanted) in [
        (vec!["--same-key", "novalue"], "expected A=B"),
        (vec!["--aws-keys", "a.db"], "not the JSON of"),
        (vec!["--aws-keys", "/dev/zero"], "more than"),
    ] {
        let output = run_in(dir.path(), &[&["keys", "a.db", "--retire", here.as_str()][..], &args].concat());
        assert!(output.status.code() == Some(1) && stderr(&output).contains(wanted), "{args:?}: {}", stderr(&output));
    }
}

/// An alias that was made again has the dates of a new one, and a listing may have none: what it meant when values were written nobody
/// lists, and both questions leave it open, about either key.
#[test]
fn what_an_alias_meant_when_values_were_written_is_not_known() {
    let (alias, today, other) = (arn("eu-west-1", "alias/eks"), key("eu-west-1", ID), key("eu-west-1", OTHER_ID));
    for dates in
        [json!({}), json!({ "CreationDate": 7.5, "LastUpdatedDate": 7.5 }), json!({ "CreationDate": 7.5, "LastUpdatedDate": "2026" })]
    {
        let mut listed = json!({ "AliasName": "alias/eks", "AliasArn": alias, "TargetKeyId": ID });
        listed.as_object_mut().unwrap().extend(dates.as_object().unwrap().clone());
        let saved = json!({ "Aliases": [listed] }).to_string();
        for asked in [&today, &other] {
            let (code, verdict, may_be) = retire(&[&alias], asked, &["--aws-keys", "saved.json"], &[("saved.json", saved.clone())]);
            assert_eq!((code, verdict.as_str(), may_be), (3, "cannot-say", vec![format!("kms/aws/{alias}")]), "{asked}");
            let dir = tempfile::tempdir().unwrap();
            write(dir.path(), &[&alias, &alias]);
            fs::write(dir.path().join("saved.json"), &saved).unwrap();
            // The key that values mean by it today is none that nobody names.
            let output = run_in(dir.path(), &["keys", "a.db", "--retire", asked, "--aws-keys", "saved.json"]);
            assert_eq!(output.status.code(), Some(if *asked == today { 3 } else { 1 }), "{}", stderr(&output));
            let (code, shown) = text(&run_in(dir.path(), &["keys", "a.db", "--opens", asked, "--aws-keys", "saved.json"]));
            assert!(code == 3 && shown.contains("2 VALUES MAY BE UNDER IT") && shown.contains("today"), "{shown}");
        }
        // What the user says settles it.
        let pair = format!("{alias}={other}");
        for (asked, code) in [(&today, 0), (&other, 2)] {
            let args = ["--aws-keys", "saved.json", "--same-key", &pair];
            assert_eq!(retire(&[&alias], asked, &args, &[("saved.json", saved.clone())]).0, code, "{asked}");
        }
    }
}

/// KMS v1 does not say which key it used, under whatever provider's name: another one may have wrapped with the same.
#[test]
fn kms_v1_of_another_provider_may_need_the_key_of_this_one() {
    use common::sealed::{kms_v1, secret};
    let dir = tempfile::tempdir().unwrap();
    let of = |main: u64, provider: &str, name: &str| {
        let (key, value) = kms_v1(provider, b"1wrapped", [1; 32], secret(name));
        Write { main, key: key.into_bytes(), value }.entry()
    };
    for (entries, code) in [
        (vec![of(2, "p", "one"), of(3, "q", "one")], 3),
        (vec![of(2, "p", "one"), of(3, "p", "two"), of(4, "q", "one")], 2),
        (vec![of(2, "p", "one"), of(3, "p", "one")], 2),
    ] {
        fs::write(dir.path().join("a.db"), pages::database(&[pages::root(3), pages::leaf(3, &entries)])).unwrap();
        for spelling in ["kms/p", "kms/p (KMS v1)", "p"] {
            let (found, shown) = text(&run_in(dir.path(), &["keys", "a.db", "--retire", spelling]));
            assert_eq!(found, code, "{spelling}: {shown}");
            assert_eq!(shown.contains("KMS v1 does not say which key"), entries.len() == 3 || code == 3, "{shown}");
        }
    }
}

/// What a key opens is asked with the same knowledge.
#[test]
fn what_a_key_opens_is_found_by_what_its_alias_is_known_to_mean() {
    let dir = tempfile::tempdir().unwrap();
    let (alias, here) = (arn("eu-west-1", "alias/eks"), key("eu-west-1", ID));
    write(dir.path(), &[&here, &here]);
    let args = ["keys", "a.db", "--opens", &alias, "--same-key", &format!("{alias}={here}"), "--format", "jsonl"];
    let all = records(&run_in(dir.path(), &args));
    let values: Vec<&Value> = of_kind(&all, "value");
    assert!(values.len() == 2 && values.iter().all(|value| value["key_id"] == here.as_str()));
}

/// What may be under a key and does not say so is told by both questions alike: whoever has the key opens at least what names it.
#[test]
fn what_a_key_may_open_is_told_as_what_may_need_it() {
    let here = key("eu-west-1", ID);
    let asked = |key_ids: &[&str], asked: &str| {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), key_ids);
        let run = |more: &[&str]| run_in(dir.path(), &[&["keys", "a.db", "--opens", asked][..], more].concat());
        let (code, shown) = text(&run(&[]));
        let quiet = text(&run(&["-q"]));
        let all = records(&run(&["--format", "jsonl"]));
        let perhaps = of_kind(&all, "summary").first().map(|summary| summary["opens"]["perhaps"].clone());
        assert_eq!(quiet.0, code, "{shown}");
        let retired = run_in(dir.path(), &["keys", "a.db", "--retire", asked, "--confirm-unseen"]).status.code();
        (code, shown, quiet.1, perhaps, retired)
    };
    let alias = arn("eu-west-1", "alias/x");
    let (code, shown, quiet, perhaps, _) = asked(&[&here, &here, &alias, &alias, &alias], &here);
    assert_eq!((code, perhaps), (3, Some(json!(3))));
    assert!(shown.contains("OPENS AT LEAST 2 VALUES IN 1 FILE, 2 OF THEM CURRENT; 3 MORE MAY BE UNDER IT"), "{shown}");
    assert!(shown.contains(&alias) && quiet.contains("at least 2 values in 1 file, 2 of them current; 3 more may be under it"), "{quiet}");
    // A replica of a key, of which no value says that it is this one.
    let (code, shown, _, perhaps, retired) = asked(&[&key("eu-west-1", MULTI)], &key("us-east-1", MULTI));
    assert_eq!((code, perhaps, retired), (3, Some(json!(1)), Some(3)), "{shown}");
    assert!(shown.contains(" OPENS IS NOT KNOWN; IN 1 FILE NO VALUE NAMES IT, AND 1 VALUE MAY BE UNDER IT\n"), "{shown}");
    assert!(!shown.contains("AT LEAST 0") && shown.contains(&key("us-east-1", MULTI)), "{shown}");
    // Another key is another.
    let (code, shown, _, perhaps, _) = asked(&[&here, &key("eu-west-1", OTHER_ID)], &here);
    assert_eq!((code, perhaps), (0, Some(json!(0))));
    assert!(shown.contains("OPENS 1 VALUE IN 1 FILE, 1 OF THEM CURRENT\n"), "{shown}");
    assert_eq!(asked(&[&here], &key("eu-west-1", OTHER_ID)).0, 1);
}

/// The objects that are listed are those whose values are counted: neither copies nor pieces are.
#[test]
fn the_objects_that_a_key_opens_are_those_whose_values_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    for (name, key) in [("fragments", "kms/aws-a"), ("busy", "kms/aws-a"), ("interrupted", "aescbc/aescbckey")] {
        common::Fixture::named(name).write_to(dir.path());
        let file = format!("{name}.db");
        let run = |more: &[&str]| run_in(dir.path(), &[&["keys", &file, "--opens", key][..], more].concat());
        let all = records(&run(&["--format", "jsonl"]));
        let values = of_kind(&all, "value");
        let (pieces, whole): (Vec<&Value>, Vec<&Value>) =
            values.into_iter().filter(|value| value["duplicate"] == false).partition(|value| value["fragment"] == true);
        let objects: std::collections::BTreeSet<_> =
            whole.iter().map(|value| (value["retention"].as_str(), value["key"].as_str())).collect();
        let shown = text(&run(&[])).1;
        assert!(!pieces.is_empty(), "{name}: the fixture has pieces");
        assert!(shown.contains(&format!("each once for every state of its values ({}):\n", objects.len())), "{name}: {shown}");
        let all_retentions = ["current", "newest", "superseded", "deleted", "residue", "log"];
        let (provider, provider_name) = key.split_once('/').unwrap();
        let of_key = |record: &&&Value| record["provider"] == provider && record["provider_name"] == provider_name;
        let counted = |record: &&Value| all_retentions.iter().filter_map(|name| record[*name].as_u64()).sum::<u64>();
        assert_eq!(of_kind(&all, "key").iter().filter(of_key).map(counted).sum::<u64>(), whole.len() as u64, "{name}");
    }
}
