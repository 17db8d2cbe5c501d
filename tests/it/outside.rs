//! What a file holds where no reader decodes it is searched as any bytes are, and told: exit code 0 says that everything was read.

use crate::common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::pages::{self, Entry, PAGE, Write};
use common::raft::{bytes, number, raft_snapshot, segment};
use common::{of_kind, records, run_in, text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const SEGMENT: &str = "0000000000000000-0000000000000000.wal";
const SECRET: &[u8] =
    br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x","namespace":"ns"},"type":"Opaque","data":{"a":"TUFSS0VS"}}"#;
const YAML: &str = "apiVersion: v1\ndata:\n  name: bm8=\nkind: Secret\nmetadata:\n  labels:\n    name: no\n  name: x\n  namespace: ns\n";

/// A Secret as the API server writes it in CBOR: strings are bytes, and bytes are those under tag 22.
fn cbor_secret() -> Vec<u8> {
    let text = |text: &str| [&[0x40 | u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
    let field = |name: &str, value: Vec<u8>| [text(name), value].concat();
    let metadata = [vec![0xa2], field("name", text("x")), field("namespace", text("ns"))].concat();
    let data = [vec![0xa1], text("password"), vec![0xd6], text("MARKER")].concat();
    let fields = [field("data", data), field("kind", text("Secret")), field("metadata", metadata), field("apiVersion", text("v1"))];
    [b"\xd9\xd9\xf7\xa4".to_vec(), fields.concat()].concat()
}

fn sealed(main: u64) -> Write {
    Write { value: b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef".to_vec(), ..Write::at(main) }
}

/// A database with one encrypted Secret, these elements beside it in bucket `key`, and these buckets beside that one.
fn database(beside: Vec<Entry>, buckets: Vec<Entry>) -> Vec<u8> {
    let mut leaf = vec![sealed(2).entry()];
    leaf.extend(beside);
    let mut root = buckets;
    root.extend([Entry::bucket(b"key", 3), Entry::inline_bucket(b"meta", &[])]);
    root.sort_by(|a, b| a.key.cmp(&b.key));
    root.dedup_by(|b, a| a.key == b.key);
    pages::database(&[pages::leaf(2, &root), pages::leaf(3, &leaf)])
}

/// The exit code of a scan where plaintext is no reason, and what it says it did not read.
fn unread(name: &str, bytes: &[u8], command: &str) -> (Option<i32>, Vec<(String, String)>) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(name), bytes).unwrap();
    let output = run_in(dir.path(), &[command, name, "--fail-on", "never", "--format", "jsonl"]);
    let all = records(&output);
    let of = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    (output.status.code(), of_kind(&all, "unread").into_iter().map(|one| (of(one, "reason"), of(one, "of"))).collect())
}

fn secrets(name: &str, bytes: &[u8], command: &str) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(name), bytes).unwrap();
    let all = records(&run_in(dir.path(), &[command, name, "--format", "jsonl"]));
    of_kind(&all, "value").into_iter().filter(|v| v["group_resource"] == "secrets" && v["protection"] == "plaintext").cloned().collect()
}

fn told(form: &str) -> (Option<i32>, Vec<(String, String)>) {
    (Some(3), vec![(form.to_owned(), "secret".to_owned())])
}

#[test]
fn buckets_and_elements_that_nobody_reads_are_told() {
    assert_eq!(unread("a.db", &database(Vec::new(), Vec::new()), "scan"), (Some(0), Vec::new()));
    for bucket in ["zzz", "auth", "authRoles", "members_removed", "cluster", "meta", "authUsers", "lease"] {
        for entry in [Entry::value(b"x", SECRET), Entry::value(SECRET, b"x")] {
            let bytes = database(Vec::new(), vec![Entry::inline_bucket(bucket.as_bytes(), &[entry])]);
            assert_eq!(unread("a.db", &bytes, "scan"), told("text"), "{bucket}");
        }
    }
    let bytes = database(vec![Entry::value(b"zz", SECRET)], Vec::new());
    assert_eq!(unread("a.db", &bytes, "scan"), told("text"));
    // What etcd keeps there is no alarm.
    let member = Entry::value(b"7", br#"{"id":7,"name":"a","peerURLs":["http://127.0.0.1:2380"]}"#);
    let lease = Entry::value(&7u64.to_be_bytes(), &number(1, 7));
    let bytes = database(Vec::new(), vec![Entry::inline_bucket(b"lease", &[lease]), Entry::inline_bucket(b"members", &[member])]);
    assert_eq!(unread("a.db", &bytes, "scan"), (Some(0), Vec::new()));
}

#[test]
fn fields_of_a_write_that_do_not_count_are_told() {
    let write = sealed(3);
    let (revision, stored) = (write.stored_under(), write.stored());
    let is_sound = |message: Vec<u8>| unread("a.db", &database(vec![Entry::value(&revision, &message)], Vec::new()), "scan");
    assert_eq!(is_sound(stored.clone()), (Some(0), Vec::new()));
    for message in [
        [&stored[..], &bytes(15, SECRET)].concat(),
        [&bytes(15, SECRET)[..], &stored].concat(),
        // Of a field that stands twice the last one counts.
        [&bytes(5, SECRET)[..], &stored].concat(),
        [&bytes(1, SECRET)[..], &stored].concat(),
    ] {
        assert_eq!(is_sound(message), told("text"));
    }
    let deletion = [&revision[..], b"t"].concat();
    let tombstone = |more: &[u8]| [&bytes(1, b"/registry/secrets/ns/s2")[..], more].concat();
    let of = |message: &[u8]| unread("a.db", &database(vec![Entry::value(&deletion, message)], Vec::new()), "scan");
    assert_eq!(of(&tombstone(&bytes(5, SECRET))), told("text"));
    assert_eq!(of(&tombstone(b"")), (Some(0), Vec::new()));
    // The same on a free page.
    let free = pages::leaf(3, &[Entry::value(&revision, &[&stored[..], &bytes(15, SECRET)].concat())]);
    let bytes = pages::database(&[pages::root(4), free, pages::leaf(4, &[sealed(2).entry()])]);
    assert_eq!(unread("a.db", &bytes, "scan"), told("text"));
}

/// Whatever a request asks for: what of it no reader shows is searched.
#[test]
fn what_a_log_holds_beside_the_values_of_its_writes_is_told() {
    let put = |key: &str, value: &[u8]| [bytes(1, key.as_bytes()), bytes(2, value)].concat();
    let request = |field: u64, body: &[u8]| [number(1, 9), bytes(field, body)].concat();
    let sound = put("/registry/secrets/ns/s", &sealed(2).value);
    let log = |data: Vec<u8>| unread(SEGMENT, &segment(&[data]), "scan");
    assert_eq!(log(request(4, &sound)), (Some(0), Vec::new()));
    let compare = [number(2, 3), bytes(3, b"/registry/secrets/ns/s"), bytes(7, SECRET)].concat();
    let txn = [bytes(1, &compare), bytes(2, &bytes(2, &sound))].concat();
    for data in [
        request(2000, SECRET),
        request(4, &[&sound[..], &bytes(15, SECRET)].concat()),
        request(4, &[&bytes(2, SECRET)[..], &sound].concat()),
        request(3, &bytes(1, SECRET)),
        request(6, &txn),
        request(1100, &[bytes(1, b"user"), bytes(2, SECRET)].concat()),
        [number(1, 9), bytes(100, &bytes(2, SECRET)), bytes(4, &sound)].concat(),
        [common::raft::member_added(9), bytes(4, SECRET)].concat(),
    ] {
        assert_eq!(log(data), told("text"));
    }
}

/// Under whatever key a Secret stands, and in whatever encoding, it is one: in a database, in a log, in a store of the v2 API.
#[test]
fn a_secret_of_any_encoding_is_one_under_any_key() {
    for value in [SECRET, YAML.as_bytes(), &cbor_secret()] {
        for key in ["/app/x", "/registry/configmaps/ns/x"] {
            let write = Write { main: 3, key: key.as_bytes().to_vec(), value: value.to_vec() };
            let put = [number(1, 9), bytes(4, &[bytes(1, key.as_bytes()), bytes(2, value)].concat())].concat();
            for (name, bytes) in [("a.db", database(vec![write.entry()], Vec::new())), (SEGMENT, segment(&[put]))] {
                let found = secrets(name, &bytes, "scan");
                let is_it = |row: &Value| (&row["namespace"], &row["name"]) == (&json!("ns"), &json!("x"));
                assert!(found.len() == 1 && is_it(&found[0]), "{name} {key} {}: {found:?}", value.escape_ascii());
            }
        }
    }
    let store = json!({ "Root": { "Path": "/", "Dir": true, "Children": { "1": { "Path": "/1", "Dir": true, "Children": {
        "x": { "Path": "/1/x", "Value": YAML, "Dir": false },
    } } } } });
    let found = secrets("0000000000000002-0000000000000009.snap", &raft_snapshot(&store.to_string(), 9), "scan");
    assert_eq!(found.len(), 1, "{found:?}");
}

/// A value that is no object itself may hold some: a list of them, or one in another form. `carve` says the same of it.
#[test]
fn what_begins_in_a_value_that_is_no_object_is_told() {
    let object = std::str::from_utf8(SECRET).unwrap();
    let list = format!(r#"{{"kind":"List","apiVersion":"v1","items":[{object}]}}"#);
    let yaml = format!("apiVersion: v1\nitems:\n- {}kind: List\n", YAML.replace('\n', "\n  ").trim_end_matches(' '));
    for (form, value) in [("text", list), ("base64", STANDARD.encode(SECRET)), ("text", yaml)] {
        for key in ["/app/x", "/registry/configmaps/ns/x"] {
            let write = Write { main: 3, key: key.as_bytes().to_vec(), value: value.clone().into_bytes() };
            let bytes = database(vec![write.entry()], Vec::new());
            for command in ["scan", "carve"] {
                assert_eq!(unread("a.db", &bytes, command), told(form), "{command} {key} {value}");
            }
        }
    }
    // Under the key of a Secret it is told as one, whatever it holds.
    let write = Write { main: 3, key: b"/registry/secrets/ns/x".to_vec(), value: STANDARD.encode(SECRET).into_bytes() };
    let bytes = database(vec![write.entry()], Vec::new());
    for command in ["scan", "carve"] {
        assert_eq!((unread("a.db", &bytes, command).1, secrets("a.db", &bytes, command).len()), (Vec::new(), 1), "{command}");
    }
    for value in [&b"a few words"[..], b"12345", br#"{"a":"b"}"#] {
        let write = Write { main: 3, key: b"/app/x".to_vec(), value: value.to_vec() };
        assert_eq!(unread("a.db", &database(vec![write.entry()], Vec::new()), "scan"), (Some(0), Vec::new()));
    }
}

#[test]
fn a_secret_in_cbor_is_found_where_nothing_frames_it() {
    let secret = cbor_secret();
    let found = secrets("image", &[&[0x1b; 5000][..], &secret, &[0x1b; 500]].concat(), "carve");
    assert!(found.len() == 1 && found[0]["length"] == json!(secret.len()) && found[0]["name"] == "x", "{found:?}");
    // Behind the pages that were ever used, and of one that is cut its beginning is told.
    let mut behind = [&[0; 100][..], &secret].concat();
    behind.resize(PAGE, 0);
    let bytes = [database(Vec::new(), Vec::new()), behind].concat();
    assert_eq!(secrets("a.db", &bytes, "scan").len(), 1);
    assert_eq!(unread("image", &secret[..secret.len() - 4], "carve"), told("no-end"));
    // The three bytes alone are no beginning.
    assert_eq!(unread("image", &b"\xd9\xd9\xf7 and more \xd9\xd9\xf7\xa4\x44\0\0\0\0".repeat(50), "carve").1, Vec::new());
}

/// What is packed without a sign, as raw deflate has none, stands where no reader takes it for anything.
#[test]
fn opaque_bytes_where_nobody_reads_are_told_by_every_command() {
    let deflated = |bytes: &[u8]| {
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut deflate, bytes).unwrap();
        deflate.finish().unwrap()
    };
    let random = |count: u64| (0..count).flat_map(|n| Sha256::digest(n.to_le_bytes())).collect::<Vec<u8>>();
    let (small, large) = (deflated(&SECRET.repeat(2)), deflated(&[SECRET, STANDARD.encode(random(300)).as_bytes()].concat()));
    assert!(small.len() < 200 && large.len() > 8000);
    let sent = pages::snapshot_with_freelist(&[pages::root(3), pages::leaf(3, &[sealed(2).entry()]), pages::freelist(4, &[])], 4);
    let member = database(Vec::new(), Vec::new());
    let pages_of = |bytes: &[u8]| [bytes, &vec![0; bytes.len().next_multiple_of(PAGE) - bytes.len()]].concat();
    let opaque = (Some(3), vec![("opaque".to_owned(), "stream".to_owned())]);
    for packed in [&small, &large] {
        let behind_pages = [&member[..], &pages_of(packed)].concat();
        for bytes in [[&sent[..], packed].concat(), [&sent[..], &[0; 100], packed].concat(), behind_pages] {
            let (code, mut told) = unread("a.db", &bytes, "scan");
            told.dedup();
            assert_eq!((code, told), opaque, "{}", packed.len());
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("a.db"), &bytes).unwrap();
            let plain = [&["scan", "a.db", "--residue", "off"][..], &["check", "a.db"], &["keys", "a.db"], &["recover", "a.db"]];
            for args in plain.into_iter().chain([&["keys", "a.db", "--retire", "aescbc/key2", "--confirm-unseen"][..]]) {
                let output = run_in(dir.path(), args);
                let shown = [output.stdout, output.stderr].map(|part| String::from_utf8(part).unwrap()).concat();
                assert_eq!(output.status.code(), Some(3), "{args:?}: {shown}");
                assert!(shown.contains("as even as compressed or encrypted ones"), "{args:?}: {shown}");
            }
        }
    }
    let bytes = [&sent[..], &large].concat();
    assert_eq!(unread("a.db", &bytes, "carve"), opaque);
    // In a field of a log that nobody knows.
    let field = [number(1, 9), common::raft::bytes(2000, &large)].concat();
    assert_eq!(unread(SEGMENT, &segment(&[field]), "scan"), opaque);
    // Digests and values are nothing of the kind.
    let value = [&b"k8s:enc:aescbc:v1:key1:"[..], &random(16)].concat();
    let many: Vec<_> = (3..9).map(|main| Write { value: value.clone(), ..Write::at(main) }.entry()).collect();
    let many = database(many, Vec::new());
    for command in ["scan", "carve"] {
        assert_eq!(unread("a.db", &many, command), (Some(0), Vec::new()), "{command}");
    }
}

/// Ciphertext is bytes as if they were drawn: whatever else stands in its place is told, and a Secret in it.
#[test]
fn what_is_plainly_no_ciphertext_is_an_invalid_envelope() {
    let gzip = |bytes: &[u8]| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut gzip, bytes).unwrap();
        gzip.finish().unwrap()
    };
    let drawn = |count: u64| (0..count).flat_map(|n| Sha256::digest(n.to_le_bytes())).collect::<Vec<u8>>();
    let kms = |data: &[u8]| [bytes(1, data), bytes(2, b"key"), bytes(3, &[7; 40]), number(5, 1)].concat();
    let invalid = |prefix: &str, body: &[u8]| {
        let value = [prefix.as_bytes(), body].concat();
        let write = Write { main: 3, key: b"/registry/secrets/ns/x".to_vec(), value };
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.db"), database(vec![write.entry()], Vec::new())).unwrap();
        let output = run_in(dir.path(), &["scan", "a.db", "--format", "jsonl"]);
        let all = records(&output);
        let anomalies = of_kind(&all, "anomaly").into_iter().filter(|one| one["class"] == "envelope-invalid").count();
        let secrets = of_kind(&all, "unread").into_iter().filter(|one| one["reason"] == "within").count();
        (output.status.code(), anomalies, secrets)
    };
    let list = SECRET.repeat(3);
    for body in [gzip(&list), vec![0; 64], STANDARD.encode(drawn(3)).into_bytes(), zstd::encode_all(&list[..], 3).unwrap()] {
        for prefix in ["k8s:enc:aesgcm:v1:key1:", "k8s:enc:secretbox:v1:key1:"] {
            assert_eq!(invalid(prefix, &body), (Some(3), 1, 0), "{prefix}{}", body.escape_ascii());
        }
        assert_eq!(invalid("k8s:enc:kms:v2:kms1:", &kms(&body)), (Some(3), 1, 0), "{}", body.escape_ascii());
    }
    assert_eq!(invalid("k8s:enc:kms:v2:kms1:", &kms(SECRET)), (Some(3), 1, 1));
    assert_eq!(invalid("k8s:enc:aesgcm:v1:key1:", STANDARD.encode(SECRET).as_bytes()), (Some(3), 1, 1));
    for length in [32, 64, 320, 3200] {
        let body = &drawn(100)[..length];
        for prefix in ["k8s:enc:aescbc:v1:key1:", "k8s:enc:aesgcm:v1:key1:"] {
            assert_eq!(invalid(prefix, body), (Some(0), 0, 0), "{prefix} {length}");
        }
        assert_eq!(invalid("k8s:enc:kms:v2:kms1:", &kms(body)), (Some(0), 0, 0), "{length}");
    }
}

/// A trailer that other bytes stand behind is one: the bytes of no known form are the others.
#[test]
fn of_bytes_behind_a_trailer_the_trailer_is_none() {
    let sent = pages::snapshot_with_freelist(&[pages::root(3), pages::leaf(3, &[sealed(2).entry()]), pages::freelist(4, &[])], 4);
    // As many as a trailer has, and several pages of them, too.
    for behind in [1, 38, 32, 1024 - 32, 1024, 3000] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.db"), [&sent[..], &vec![0xf7; behind]].concat()).unwrap();
        let all = records(&run_in(dir.path(), &["scan", "a.db", "--format", "jsonl"]));
        let summary = of_kind(&all, "summary")[0].clone();
        assert_eq!((&summary["bytes"]["trailer"], &summary["bytes"]["unattributed"]), (&json!(32), &json!(behind)), "{summary}");
        let sum: u64 = summary["bytes"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(sum, (sent.len() + behind) as u64);
        let bytes = if behind == 1 { "1 byte ".to_owned() } else { format!("{behind} bytes ") };
        let shown = text(&run_in(dir.path(), &["scan", "a.db"])).1;
        assert!(shown.contains(&format!("{bytes}outside of the tree that")), "{shown}");
    }
}

/// A free page whose first bytes are of a run that lost its header: a snapshot of an encrypted Secret, with this behind the beginning of a text.
fn with_headless(rest: &[u8]) -> Vec<u8> {
    let mut page = [b"pppp", rest].concat();
    page.resize(page.len().next_multiple_of(PAGE), 0);
    let (count, root) = ((page.len() / PAGE) as u64, [Entry::bucket(b"key", 3), Entry::inline_bucket(b"meta", &[])]);
    let free: Vec<u64> = (4..4 + count).collect();
    let pages = [pages::leaf(2, &root), pages::leaf(3, &[sealed(2).entry()]), page, pages::freelist(4 + count, &free)];
    pages::snapshot_with_freelist(&pages, 4 + count)
}

/// What stands in a free page is told in the forms that a search of any bytes tells, by every command.
#[test]
fn what_begins_in_headless_bytes_of_free_pages_is_told() {
    use std::io::Write;
    let escaped = json!({"spec": {"manifest": String::from_utf8_lossy(SECRET)}}).to_string();
    let hex: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
    let dumped: String = (0..).step_by(16).zip(SECRET.chunks(16)).fold(String::new(), |all, (at, line): (usize, _)| {
        all + &format!(
            "{at:08x}: {}\n",
            line.chunks(2).map(|two| two.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + " ").collect::<String>()
        )
    });
    let wide: Vec<u8> = YAML.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(YAML.as_bytes()).unwrap();
    let of_a_config_map = [b"q\x12\x88\x02", YAML.as_bytes(), b"\x12\x06\x0a\x01z\x12\x01q\x1a\0\"\0"].concat();
    for (form, of, rest) in [
        ("text", "secret", &[b"\n", YAML.as_bytes()].concat()[..]),
        ("text", "secret", &of_a_config_map),
        ("escaped", "secret", escaped.as_bytes()),
        ("base64", "secret", STANDARD.encode(SECRET).as_bytes()),
        ("hex", "secret", hex.as_bytes()),
        ("hex", "secret", &[b"\n", dumped.as_bytes()].concat()),
        ("utf-16", "secret", &[&b"\0"[..], &wide].concat()),
        ("compressed", "stream", &gzip.finish().unwrap()),
    ] {
        let bytes = with_headless(rest);
        for command in ["carve", "scan"] {
            let (code, told) = unread("a.db", &bytes, command);
            assert_eq!((code, &told[..]), (Some(3), &[(form.to_owned(), of.to_owned())][..]), "{command} {form}");
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.db"), &bytes).unwrap();
        for command in [&["check"][..], &["keys"], &["verify", "--plan"], &["keys", "--retire", "aescbc/none", "--confirm-unseen"]] {
            let (code, said) = text(&run_in(dir.path(), &[command, &["a.db"]].concat()));
            assert!(code == 3 && said.contains("NOT LOOKED AT: a.db (1 "), "{command:?} {form} {code}: {said}");
        }
    }
    // A piece of another object, and of what is encrypted, hold nothing of the kind.
    for rest in [&b"of a text about the kind Secret and its data\x1a\0\"\0"[..], &Sha256::digest(b"drawn")] {
        assert_eq!(unread("a.db", &with_headless(rest), "scan"), (Some(0), vec![]));
    }
}

/// What a run leaves out as it was asked, it says in the headline and the last line; where a Secret at any place was asked for, the answer is
/// open.
#[test]
fn residue_that_is_left_out_leaves_the_answer_open() {
    let sealed_piece = Sha256::digest(b"drawn");
    let without = {
        let root = [Entry::bucket(b"key", 3), Entry::inline_bucket(b"meta", &[])];
        pages::database(&[pages::leaf(2, &root), pages::leaf(3, &[sealed(2).entry()])])
    };
    for (bytes, options, wanted) in [
        (&with_headless(&sealed_piece), &["--residue", "off"][..], Some(3)),
        (&with_headless(&sealed_piece), &["--residue", "pages"], Some(3)),
        (&with_headless(&sealed_piece), &["--residue", "off", "--fail-on", "retained"], Some(0)),
        (&with_headless(&sealed_piece), &["--residue", "full"], Some(0)),
        (&without, &["--residue", "off"], Some(0)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.db"), bytes).unwrap();
        let run = |more: &[&str]| run_in(dir.path(), &[&["scan", "a.db"][..], options, more].concat());
        let (code, said) = text(&run(&[]));
        let (_, quiet) = text(&run(&["-q"]));
        let is_left_out = wanted == Some(3) || options.contains(&"retained");
        assert_eq!(Some(code), wanted, "{options:?}: {said}");
        assert_eq!(said.contains("RESIDUE WAS NOT SEARCHED"), is_left_out, "{said}");
        let residue: Vec<&str> = options.iter().copied().take(2).collect();
        let (of_keys_code, of_keys) = text(&run_in(dir.path(), &[&["keys", "a.db", "-q"][..], &residue].concat()));
        assert_eq!(of_keys_code == 3, is_left_out, "{of_keys}");
        for quiet in [quiet, of_keys] {
            assert_eq!(quiet.contains("residue was not searched"), is_left_out, "{quiet}");
        }
        let all = records(&run(&["--format", "jsonl"]));
        let conditions = &of_kind(&all, "summary")[0]["conditions"];
        assert_eq!(conditions.as_array().unwrap().contains(&json!("residue-not-searched")), wanted == Some(3), "{conditions}");
    }
}
