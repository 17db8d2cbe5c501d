//! What people read: the first screen and its tables.

use crate::common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;

use common::pages::Write;
use common::{Fixture, of_kind, pages, records, run_in, stderr, text, unpack_directory};
use serde_json::json;

#[test]
fn no_line_ends_in_blanks_and_no_name_takes_the_line() {
    let dir = tempfile::tempdir().unwrap();
    for fixture in Fixture::all() {
        fixture.write_to(dir.path());
        let file = format!("{}.db", fixture.name);
        for args in [&["scan", &file, "--resources", "all"][..], &["check", &file], &["carve", &file], &["pages", &file, "--list"]] {
            let (_, shown) = text(&run_in(dir.path(), args));
            for line in shown.lines() {
                assert_eq!(line.trim_end(), line, "{args:?}");
                assert!(line.chars().count() < 200, "{args:?}: {line}");
            }
        }
    }
    let (_, shown) = text(&run_in(dir.path(), &["scan", "kinds.db"]));
    assert!(shown.contains("000…  kubernetes.io/tls"), "{shown}");
}

#[test]
fn a_filter_that_nothing_matches_is_said_and_is_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    unpack_directory("killed", dir.path());
    for (input, what) in [("migration.db", "THIS FILE"), ("killed", "THIS DIRECTORY")] {
        for (filter, words) in [
            (["--namespace", "nope*"], "namespace nope*"),
            (["--name", "nope*"], "name nope*"),
            (["--resources", "secret"], "resources secret"),
        ] {
            let (code, shown) = text(&run_in(dir.path(), &[&["scan", input][..], &filter].concat()));
            assert_eq!(code, 3, "{shown}");
            assert!(shown.starts_with(&format!("NOTHING IN {what} MATCHES: {words}\n  So nothing was looked at; ")), "{shown}");
            assert!(shown.ends_with(&format!("\n{input}: nothing matches: {words}; nothing-in-scope (exit 3)\n")), "{shown}");
            assert!(!shown.contains("0 Secrets exist") && !shown.contains("no plaintext Secret found"), "{shown}");
            let all = records(&run_in(dir.path(), &[&["scan", input, "--format", "jsonl"][..], &filter].concat()));
            assert_eq!(of_kind(&all, "summary")[0]["conditions"], json!(["nothing-in-scope"]));
        }
    }
    let (_, shown) = text(&run_in(dir.path(), &["scan", "migration.db", "--namespace", "nope*"]));
    assert!(shown.contains("; 73 objects are outside of it.\n"), "{shown}");
    let (code, shown) = text(&run_in(dir.path(), &["scan", "migration.db", "killed", "--namespace", "ci"]));
    assert!(code == 2 && !shown.contains("nothing-in-scope"), "one of several inputs is enough: {shown}");
}

/// What a provider that is not known holds is not counted as encrypted.
#[test]
fn an_unknown_provider_is_not_counted_as_encrypted() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("kinds").write_to(dir.path());
    let (_, shown) = text(&run_in(dir.path(), &["scan", "kinds.db"]));
    let rows = |title: &str| -> Vec<(String, u64)> {
        let below = shown.lines().skip_while(|line| !line.starts_with(title)).skip(1).take_while(|line| line.starts_with("  "));
        let row = |line: &str| {
            let mut words = line.split_whitespace().rev();
            let current = words.nth(2).unwrap();
            (line[2..].split("  ").next().unwrap().trim().to_owned(), current.parse().unwrap_or(0))
        };
        below.map(row).collect()
    };
    let known = rows("The 5 encrypted now need ");
    assert_eq!(known.iter().map(|(_, current)| current).sum::<u64>(), 5, "{shown}");
    assert!(known.iter().all(|(name, _)| ["aes", "kms/", "secretbox"].iter().any(|known| name.starts_with(known))), "{known:?}");
    let unknown: Vec<String> = rows("Under providers not known to this version").into_iter().map(|(name, _)| name).collect();
    assert_eq!(unknown, ["kms/(name not readable) (v9)", "tpm/(name not readable) (v3)"], "{shown}");
}

#[test]
fn two_keys_of_two_regions_with_one_id_are_two_rows_on_every_screen() {
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = Fixture::named("migration").bytes.to_vec();
    let [at, other] = [&b"eu-west-1:111122223333:key/"[..], b"us-west-1:111122223333:key/"];
    // Every second value under the key moves to another region: the same length, so everything else stays where it is.
    let places: Vec<usize> = (0..bytes.len() - at.len()).filter(|index| bytes[*index..].starts_with(at)).collect();
    assert!(places.len() > 8, "{}", places.len());
    for place in places.iter().step_by(2) {
        bytes[*place..*place + other.len()].copy_from_slice(other);
    }
    fs::write(dir.path().join("regions.db"), bytes).unwrap();
    fs::write(dir.path().join("enc.yaml"), common::NOBODY).unwrap();
    let verify = ["verify", "regions.db", "--encryption-config", "enc.yaml"];
    let key_ids: BTreeSet<String> = of_kind(&records(&run_in(dir.path(), &["keys", "regions.db", "--format", "jsonl"])), "key")
        .iter()
        .filter_map(|key| Some(format!("kms/{}/{}", key["provider_name"].as_str()?, key["key_id"].as_str()?)))
        .collect();
    for (args, title) in [
        (&["scan", "regions.db"][..], "encrypted now need "),
        (&["keys", "regions.db"], "resources"),
        (&["carve", "regions.db"], "Values"),
        (&verify, "opened / all"),
    ] {
        let (_, shown) = text(&run_in(dir.path(), args));
        let below = shown.lines().skip_while(|line| !line.contains(title));
        let labels = below.flat_map(str::split_whitespace).filter(|word| word.starts_with("kms/aws-"));
        // `keys` names them whole, to be given back.
        let labels: BTreeSet<&str> =
            labels.filter(|label| label.contains('…') != (args[0] == "keys") && !label.ends_with("(KMS")).collect();
        assert_eq!(labels.len(), key_ids.len(), "{args:?}: {key_ids:?} are {labels:?} in\n{shown}");
        assert!(["eu-west-1", "us-west-1"].iter().all(|region| labels.iter().any(|label| label.contains(region))), "{labels:?}");
    }
    // In a sentence a key is whole, so that it can be given back.
    let (_, shown) = text(&run_in(dir.path(), &verify));
    assert!(key_ids.iter().any(|key| shown.contains(key)), "{shown}");
}

#[test]
fn each_finding_says_what_removes_it() {
    let dir = tempfile::tempdir().unwrap();
    unpack_directory("killed", dir.path());
    let (_, shown) = text(&run_in(dir.path(), &["scan", "killed"]));
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "NEXT etcd-sleuth scan killed --rotate-list rotate.csv",
        "a compaction erases nothing",
        "Clean up: defragment every member; once nothing holds the existing backups, replace them: their restore points are lost.",
        "They turn over",
    ] {
        assert!(words.contains(said), "{said:?} is missing in\n{shown}");
    }
}

/// Words that end in an s and are no plural.
const NO_PLURALS: [&str; 12] = ["is", "was", "has", "this", "its", "opens", "needs", "names", "exists", "does", "stands", "less"];

/// Lines in which a one stands before a plural.
fn wrong_plurals(shown: &str) -> Vec<&str> {
    let is_wrong = |line: &&str| {
        let words: Vec<&str> = line.split(|c: char| c.is_whitespace() || "(),;:/".contains(c)).filter(|word| !word.is_empty()).collect();
        words.windows(2).any(|pair| {
            let noun = pair[1].to_lowercase();
            let is_plural = noun.len() > 2 && noun.ends_with('s') && !noun.ends_with("ss") && noun.chars().all(char::is_alphabetic);
            pair[0] == "1" && (noun == "are" || noun == "were" || is_plural && !NO_PLURALS.contains(&noun.as_str()))
        })
    };
    // Behind the rows of tables other columns follow.
    shown.lines().filter(|line| !line.trim_start().contains("  ")).filter(is_wrong).collect()
}

#[test]
fn one_of_anything_is_told_in_the_singular() {
    assert_eq!(wrong_plurals("1 Secrets exist\n1 Secret exists\n1 are stored\nof 1 SECRETS\n1 is left").len(), 3);
    let write = |main: u64, value: &str| Write { value: value.as_bytes().to_vec(), ..Write::at(main) };
    let secret = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s2","namespace":"ns"},"data":{"a":"YQ=="},"type":"Opaque"}"#;
    let sealed = "k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef";
    let of = |writes: &[Write]| {
        let entries: Vec<_> = writes.iter().map(Write::entry).collect();
        pages::snapshot_with_freelist(&[pages::root(3), pages::leaf(3, &entries), pages::freelist(4, &[])], 4)
    };
    let dir = tempfile::tempdir().unwrap();
    let plain = of(&[write(2, secret)]);
    for (name, bytes) in [
        ("plain", plain.clone()),
        ("followed", [&plain[..], b"x"].concat()),
        ("sealed", of(&[write(2, sealed)])),
        ("both", of(&[write(2, secret), write(3, sealed)])),
        ("unknown", of(&[write(2, "a value of no known form")])),
        ("other", of(&[Write { key: b"/registry/pods/ns/p".to_vec(), ..write(2, sealed) }])),
        ("foreign", of(&[Write { key: b"/other".to_vec(), ..write(2, "x") }])),
        ("image", [&[0xa5; 700][..], secret.as_bytes()].concat()),
    ] {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    fs::write(dir.path().join("nobody.yaml"), common::NOBODY).unwrap();
    let files = ["plain", "followed", "sealed", "both", "unknown", "other", "foreign"];
    let mut commands: Vec<Vec<&str>> = vec![vec!["carve", "image"], vec!["scan", "image"], vec!["check", "plain", "sealed"]];
    for file in files {
        let of_file = [
            &["scan", file][..],
            &["scan", file, "--resources", "all"],
            &["scan", file, "-q"],
            &["check", file],
            &["keys", file],
            &["keys", file, "--retire", "aescbc/key1"],
            &["keys", file, "--opens", "aescbc/key1"],
            &["verify", file, "--encryption-config", "nobody.yaml"],
            &["pages", file, "--list"],
            &["carve", file],
            &["show", file, "ns/s2"],
        ];
        commands.extend(of_file.map(<[&str]>::to_vec));
    }
    for command in &commands {
        let output = run_in(dir.path(), command);
        let (_, shown) = text(&output);
        let all = shown + &stderr(&output);
        assert!(!all.trim().is_empty(), "{command:?}");
        assert_eq!(wrong_plurals(&all), Vec::<&str>::new(), "{command:?}\n{all}");
    }
    let (_, shown) = text(&run_in(dir.path(), &["keys", "plain"]));
    assert!(shown.starts_with("NO KEY IS NAMED IN 1 FILE\n") && !shown.contains("NEXT"), "{shown}");
}

/// The one line of a quiet run says that keys stand beside the data, and a headline says where not all was read.
#[test]
fn keys_beside_the_data_and_parts_that_were_not_read_are_said_where_one_line_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let config = r#"{"kind":"EncryptionConfiguration","resources":[{"providers":[{"aescbc":{"keys":[{"name":"k","secret":"QUFBQUFBQUFBQUFBQUFBQQ=="}]}}]}]}"#;
    let map = |data: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": data}}).to_string();
    for (name, data) in [("plain.db", "nothing"), ("keys.db", config)] {
        let write = Write { main: 2, key: b"/registry/configmaps/prod/m".to_vec(), value: map(data).into_bytes() };
        fs::write(dir.path().join(name), pages::database_of(&[write])).unwrap();
    }
    let quiet = |name: &str| text(&run_in(dir.path(), &["scan", "-q", name])).1;
    assert!(quiet("keys.db").contains("; 1 object in plaintext holds keys (exit 0)"), "{}", quiet("keys.db"));
    assert!(!quiet("plain.db").contains("holds keys"), "{}", quiet("plain.db"));
    let gzip = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&fs::read(dir.path().join("plain.db")).unwrap()).unwrap();
        gzip.finish().unwrap()
    };
    fs::write(dir.path().join("whole.gz"), &gzip).unwrap();
    fs::write(dir.path().join("broken.gz"), [&gzip[..gzip.len() - 8], &[0; 8]].concat()).unwrap();
    for command in ["scan", "carve"] {
        for (name, code) in [("whole.gz", 0), ("broken.gz", 3)] {
            let (found, shown) = text(&run_in(dir.path(), &[command, name]));
            assert_eq!((found, shown.contains("IN WHAT COULD BE READ OF")), (code, code == 3), "{command} {name}: {shown}");
        }
    }
}

/// Whoever is warned of what is printed sees it printed.
#[test]
fn a_warning_of_what_is_revealed_stands_before_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    // Another kind than is decoded here, as protobuf.
    let value = b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x04\x0a\x02\x0a\x00".to_vec();
    fs::write(dir.path().join("a.db"), pages::database_of(&[Write { main: 2, key: b"/registry/configmaps/prod/m".to_vec(), value }]))
        .unwrap();
    let output = run_in(dir.path(), &["show", "a.db", "/registry/configmaps/prod/m", "--reveal"]);
    assert!(output.stdout.is_empty() && stderr(&output).contains("is not decoded here"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("warning: printing"), "{}", stderr(&output));
}

/// Whatever form objects are stored in, the columns of their row are all of them.
#[test]
fn the_columns_of_a_resource_add_up() {
    for name in ["kinds", "migration", "openshift"] {
        let dir = tempfile::tempdir().unwrap();
        Fixture::named(name).write_to(dir.path());
        let screen = text(&run_in(dir.path(), &["scan", &format!("{name}.db"), "--resources", "all"])).1;
        let rows = screen.lines().skip_while(|line| *line != "Objects looked at").skip(2).take_while(|line| line.starts_with(' '));
        let mut count = 0;
        for row in rows.filter(|row| !row.starts_with("  and ")) {
            let cells: Vec<u64> = row.split_whitespace().rev().map_while(|cell| cell.replace(',', "").parse().ok()).collect();
            let (objects, parts) = cells.split_last().unwrap();
            assert_eq!(parts.iter().sum::<u64>(), *objects, "{name}: {row}");
            count += 1;
        }
        assert!(count > 3, "{screen}");
    }
}
