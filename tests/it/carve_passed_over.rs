//! What `carve` saw begin and did not find is counted, and then the exit code is not 0.

use crate::common;

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::{Fixture, of_kind, records, run_in, text};
use serde_json::{Value, json};

/// A Secret as the API server stores it, with one item of data.
fn secret(name: &str, data: &[u8]) -> Vec<u8> {
    let field = |tag: u8, bytes: &[u8]| {
        let (low, high) = (u8::try_from(bytes.len() & 0x7f).unwrap(), u8::try_from(bytes.len() >> 7).unwrap());
        let length = if high == 0 { vec![low] } else { vec![low | 0x80, high] };
        [&[tag][..], &length, bytes].concat()
    };
    let metadata = [field(0x0a, name.as_bytes()), field(0x1a, b"prod")].concat();
    let item = [field(0x0a, b"password"), field(0x12, data)].concat();
    let object = [field(0x0a, &metadata), field(0x12, &item), field(0x1a, b"Opaque")].concat();
    let type_meta = [field(0x0a, b"v1"), field(0x12, b"Secret")].concat();
    [b"k8s\0".to_vec(), field(0x0a, &type_meta), field(0x12, &object), b"\x1a\0\x22\0".to_vec()].concat()
}

const SEALED: &[u8] = b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef";

struct Carved {
    code: i32,
    all: Vec<Value>,
}

impl Carved {
    fn of(bytes: &[u8], resources: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("image"), bytes).unwrap();
        let output = run_in(dir.path(), &["carve", "image", "--resources", resources, "--format", "jsonl"]);
        Self { code: output.status.code().unwrap(), all: records(&output) }
    }

    /// What was passed over: of each form and kind how many, and where the first one begins.
    fn passed_over(&self) -> BTreeMap<(&str, &str), (u64, u64)> {
        of_kind(&self.all, "unread")
            .into_iter()
            .map(|one| {
                let text = |field: &str| one[field].as_str().unwrap();
                ((text("reason"), text("of")), (one["count"].as_u64().unwrap(), one["offset"].as_u64().unwrap()))
            })
            .collect()
    }
}

fn delta_snapshot() -> Vec<u8> {
    let event = |revision: u64, value: &[u8]| {
        let kv = json!({"key": STANDARD.encode("/registry/secrets/prod/db"), "mod_revision": revision, "value": STANDARD.encode(value)});
        json!({"etcdEvent": {"kv": kv}, "time": "2026-01-02T03:04:00Z"})
    };
    let events = [event(100, &secret("db", b"CANARY-1")), event(101, &secret("db", b"CANARY-2")), event(102, SEALED)];
    [json!(events).to_string().into_bytes(), vec![7; 32]].concat()
}

#[test]
fn a_delta_snapshot_is_not_called_free_of_plaintext() {
    let dir = tempfile::tempdir().unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&delta_snapshot()).unwrap();
    std::fs::write(dir.path().join("Incr"), delta_snapshot()).unwrap();
    std::fs::write(dir.path().join("Incr.gz"), packed.finish().unwrap()).unwrap();
    for name in ["Incr", "Incr.gz"] {
        let (code, screen) = text(&run_in(dir.path(), &["carve", name]));
        assert_eq!(code, 3, "{screen}");
        let lines: Vec<&str> = screen.lines().collect();
        assert_eq!(lines[0], "NO PLAINTEXT SECRET FOUND IN WHAT COULD BE READ OF THESE BYTES");
        let told = format!("2 Secrets in base64 in {name}, 1 encrypted value in base64 in {name}");
        assert!(lines[1].contains("NOT ALL OF IT WAS READ (2)") && lines[1].contains(&told), "{screen}");
        let not_looked_at = lines.iter().find(|line| line.starts_with("NOT LOOKED AT: ")).unwrap();
        assert!(
            not_looked_at.contains("2 Secrets in base64, the first at byte ") && not_looked_at.contains("decode it"),
            "{not_looked_at}"
        );
        let (code, quiet) = text(&run_in(dir.path(), &["carve", "-q", name]));
        assert!(code == 3 && quiet.contains(&format!("not read: {told} (exit 3)")), "{quiet}");
        assert!(!screen.contains("CANARY") && !quiet.contains("CANARY"));
        let output = run_in(dir.path(), &["carve", name, "-f", "jsonl"]);
        let all = records(&output);
        let finding = of_kind(&all, "finding").into_iter().find(|finding| finding["rule"] == "not-read").unwrap();
        assert_eq!((&finding["count"], finding["about"].as_array().map(Vec::len)), (&json!(2), Some(2)), "{finding}");
        assert_eq!(of_kind(&all, "summary")[0]["conditions"], json!(["not-read"]));
        let first = delta_snapshot().windows(6).position(|six| six == b"azhzAA").unwrap() as u64;
        assert_eq!((&of_kind(&all, "unread")[0]["offset"], &of_kind(&all, "unread")[0]["reason"]), (&json!(first), &json!("base64")));
    }
}

/// How many beginnings stand in bytes.
fn count(bytes: &[u8], beginning: &[u8]) -> u64 {
    bytes.windows(beginning.len()).filter(|there| *there == beginning).count() as u64
}

/// How many releases of Helm stand in bytes.
fn releases_of(bytes: &[u8]) -> u64 {
    count(bytes, b"H4sIAAAA")
}

#[test]
fn a_whole_file_in_base64_or_hexadecimal_digits_is_counted_to_the_last_value() {
    let fixture = Fixture::named("migration");
    let json = count(fixture.bytes, br#"{"apiVersion":"v1","data""#);
    let secrets = count(fixture.bytes, b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret") + json;
    let sealed = count(fixture.bytes, b"k8s:enc:");
    assert!(secrets > 50 && sealed > 50);
    let in_lines = |text: &str, width: usize, end: &str| {
        let lines: Vec<&str> = text.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()).collect();
        lines.join(end)
    };
    for before in 0..3 {
        let bytes = [&b"abc"[..before], fixture.bytes].concat();
        let (standard, url) = (STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes));
        let forms = [(true, in_lines(&standard, 76, "\n")), (true, in_lines(&standard, 64, "\r\n")), (true, standard), (false, url)];
        for (is_standard, text) in forms {
            let carved = Carved::of(text.as_bytes(), "secrets");
            let passed_over = carved.passed_over();
            if before == 0 && is_standard {
                // A database from its first byte on is no passage in base64: it is packed in it, and read.
                assert_eq!((carved.code, passed_over.len()), (2, 0));
                continue;
            }
            let counts = [("base64", "secret"), ("base64", "encrypted")].map(|of| passed_over.get(&of).map(|(count, _)| *count));
            // Helm's releases are packed in what is base64 already.
            let releases = passed_over.get(&("base64", "stream")).map(|(count, _)| *count);
            assert_eq!((carved.code, counts, releases), (3, [Some(secrets), Some(sealed)], Some(releases_of(fixture.bytes))), "{before}");
            assert_eq!(passed_over.len(), 3);
        }
    }
    let digits: String = fixture.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    for text in [in_lines(&digits, 60, "\n"), digits.to_ascii_uppercase(), digits] {
        let carved = Carved::of(text.as_bytes(), "secrets");
        let passed_over = carved.passed_over();
        let counts = [("hex", "secret"), ("hex", "encrypted")].map(|of| passed_over.get(&of).map(|(count, _)| *count));
        let others: Vec<_> =
            passed_over.keys().filter(|of| ![("hex", "secret"), ("hex", "encrypted"), ("hex", "stream")].contains(of)).collect();
        assert_eq!((carved.code, counts, others.len()), (3, [Some(secrets), Some(sealed)], 0));
    }
}

#[test]
fn what_begins_and_does_not_end_is_counted() {
    let whole = secret("db", &[b'x'; 300]);
    let json = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db","namespace":"prod"},"data":{"password":"eHh4"#;
    let noise: Vec<u8> = (0..4096u32).map(|at| u8::try_from(at * 7919 % 61).unwrap() | 0x80).collect();
    let after = |value: &[u8]| [&noise[..1000], value, &noise].concat();
    for (value, of) in [
        (&whole[..whole.len() - 1], "secret"),
        (&whole[..60], "secret"),
        (&json[..], "secret"),
        (br#"{"apiVersion":"v1","data":{"password":"eHh4"#, "secret"),
        (SEALED, "encrypted"),
        (b"k8s:enc:kms:v2:plugin:\x0a\x90\x01", "encrypted"),
        (b"k8s:enc:", "encrypted"),
    ] {
        let carved = Carved::of(&after(value), "secrets");
        assert_eq!((carved.code, carved.passed_over()), (3, [(("no-end", of), (1, 1000))].into()), "{}", value.escape_ascii());
        // Also where the image ends within it.
        let carved = Carved::of(&[&noise[..1000], &value[..value.len().min(50)]].concat(), "secrets");
        assert_eq!((carved.code, carved.passed_over()), (3, [(("no-end", of), (1, 1000))].into()), "{}", value.escape_ascii());
    }
    // What says that it is no Secret is no Secret that was passed over.
    for value in [&b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12\x90\x01"[..], br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name"#] {
        let carved = Carved::of(&after(value), "secrets");
        assert_eq!((carved.code, carved.passed_over()), (0, BTreeMap::new()), "{}", value.escape_ascii());
        let carved = Carved::of(&after(value), "all");
        assert_eq!((carved.code, carved.passed_over()), (3, [(("no-end", "object"), (1, 1000))].into()), "{}", value.escape_ascii());
    }
    // Neither is what has its end and is no object, nor bytes that begin alike by chance.
    for value in
        [&br#"{"apiVersion":"v1","fieldsType":"FieldsV1","manager":"kubelet"}"#[..], br#"{"kind":"Secret"}"#, b"k8s\0\x0b\x0c\x0a\x02v1"]
    {
        let carved = Carved::of(&after(value), "all");
        assert_eq!((carved.code, carved.passed_over()), (0, BTreeMap::new()), "{}", value.escape_ascii());
    }
}

#[test]
fn a_row_of_sqlite_that_goes_on_elsewhere_is_counted_as_one() {
    let value = secret("db", &[b'x'; 6000]);
    let mut page = b"SQLite format 3\0\x10\x00\x02\x02\0\x40\x20\x20\0\0\0\x01\0\0\0\x03".to_vec();
    page.resize(4096, 0);
    let leaf = [&[0x0d; 2000][..], &value[..2092], &3u32.to_be_bytes()].concat();
    // The next page begins with the number of the one behind it.
    let overflow = [&0u32.to_be_bytes()[..], &value[2092..]].concat();
    let mut image = [page, leaf, overflow].concat();
    image.resize(3 * 4096, 0);
    for before in [0, 1 << 20] {
        let carved = Carved::of(&[&vec![0; before][..], &image].concat(), "secrets");
        let place = before as u64 + 4096 + 2000;
        assert_eq!((carved.code, carved.passed_over()), (3, [(("sqlite", "secret"), (1, place))].into()), "{before}");
    }
    // No other program reads a path into an archive.
    let dir = tempfile::tempdir().unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(image.len() as u64);
    tar.append_data(&mut header, "state.db", &image[..]).unwrap();
    std::fs::write(dir.path().join("a.tar"), tar.into_inner().unwrap()).unwrap();
    std::fs::write(dir.path().join("state.db"), &image).unwrap();
    let advice = |file: &str| {
        let all = records(&run_in(dir.path(), &["carve", file, "--format", "jsonl"]));
        of_kind(&all, "unread").iter().find(|one| one["reason"] == "sqlite").unwrap()["advice"].as_str().unwrap().to_owned()
    };
    assert!(advice("state.db").contains("sqlite3 state.db "), "{}", advice("state.db"));
    assert!(advice("a.tar").starts_with("unpack it") && !advice("a.tar").contains("!/"), "{}", advice("a.tar"));
}

#[test]
fn text_with_escapes_is_counted() {
    for value in [r#""Value" : "k8s\x00\n\f\n\x02v1\x12\x06Secret\x12""#, r"_binary 'k8s\0\n\f\n\x02v1Secret'"] {
        let carved = Carved::of(value.as_bytes(), "secrets");
        let at = value.find("k8s").unwrap() as u64;
        assert_eq!((carved.code, carved.passed_over()), (3, [(("escaped", "secret"), (1, at))].into()), "{value}");
    }
}

/// What Windows PowerShell writes with `>`, and what each program makes of bytes that it shows as text.
#[test]
fn other_encodings_are_counted() {
    let utf_16 = |text: &str| [&b"\xff\xfe"[..], &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()].concat();
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"password": "Q0FOQVJZ"}});
    let yaml = "apiVersion: v1\r\nkind: Secret\r\nmetadata:\r\n  name: db\r\n";
    let value = secret("db", b"CANARY-1");
    let buffer = json!({"type": "Buffer", "data": value}).to_string();
    let octal: String = value
        .chunks(16)
        .enumerate()
        .map(|(line, bytes)| format!("{:07o}{}\n", line * 16, bytes.iter().map(|byte| format!(" {byte:03o}")).collect::<String>()))
        .collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(yaml.repeat(20).as_bytes()).unwrap();
    let release = STANDARD.encode(STANDARD.encode(gzip.finish().unwrap()));
    let flow = "{apiVersion: v1, kind: Secret, metadata: {name: db}, data: {password: Q0FOQVJZ}}";
    for (bytes, reason, of) in [
        (utf_16(&object.to_string()), "utf-16", "secret"),
        (utf_16(&serde_json::to_string_pretty(&object).unwrap()), "utf-16", "secret"),
        (utf_16(yaml), "utf-16", "secret"),
        (utf_16(&STANDARD.encode(&value)), "utf-16", "secret"),
        (utf_16(&octal), "utf-16", "secret"),
        (buffer.into_bytes(), "numbers", "secret"),
        (octal.into_bytes(), "numbers", "secret"),
        (release.into_bytes(), "base64", "stream"),
        (flow.as_bytes().to_vec(), "text", "secret"),
    ] {
        for bytes in [[&[0; 5000], &bytes[..], &[0; 5000]].concat(), bytes] {
            let carved = Carved::of(&bytes, "secrets");
            let counts: Vec<_> = carved.passed_over().into_iter().map(|(of, (count, _))| (of, count)).collect();
            assert_eq!((carved.code, counts), (3, vec![((reason, of), 1)]), "{}", bytes.escape_ascii());
        }
    }
}

/// Programs, numbers and text hold nothing of the kind: what is told of them would hide what is told of others. Of noise, and of what is
/// compressed or encrypted in a form without a sign, nobody can say what it holds.
#[test]
fn bytes_of_other_programs_are_no_alarm() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let random: Vec<u8> = (0..1 << 20).flat_map(|_| noise().to_le_bytes()).collect();
    let in_base64 = STANDARD.encode(&random[..1 << 20]).into_bytes();
    let numbers: Vec<u8> = (0..1u32 << 18).flat_map(|number| (number % 127).to_le_bytes()).collect();
    let wide: Vec<u8> = (0..1u32 << 18).flat_map(|_| u16::try_from(noise() % 95 + 32).unwrap().to_le_bytes()).collect();
    let digits = random[..1 << 18].iter().map(u8::to_string).collect::<Vec<_>>().join(",").into_bytes();
    let program = std::fs::read("/bin/sh").unwrap();
    let carved = Carved::of(&random, "all");
    assert_eq!((carved.code, carved.passed_over()), (3, BTreeMap::from([(("opaque", "stream"), (1, 0))])));
    for bytes in [in_base64, numbers, wide, digits, program] {
        let carved = Carved::of(&bytes, "all");
        assert_eq!((carved.code, carved.passed_over()), (0, BTreeMap::new()), "{}", bytes[..40].escape_ascii());
    }
}

/// `kubectl get secret -o json` and `-o yaml`, with the fields in any order, alone and in lists.
#[test]
fn secrets_written_for_people_are_counted() {
    let object =
        json!({"apiVersion": "v1", "data": {"password": "Q0FOQVJZ"}, "kind": "Secret", "metadata": {"name": "db"}, "type": "Opaque"});
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let list = pretty(&json!({"apiVersion": "v1", "items": [object, object], "kind": "List", "metadata": {}}));
    let other_order = r#"{"type":"Opaque","metadata":{"name":"db"},"data":{"a":"YQ=="},"apiVersion":"v1","kind":"Secret"}"#;
    let yaml = "apiVersion: v1\ndata:\n  password: Q0FOQVJZ\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\n";
    let without_kinds = r#"{"kind":"SecretList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"db"},"data":{"a":"YQ=="}}]}"#;
    for (text, count) in [
        (pretty(&object), 1),
        (list, 2),
        (other_order.to_owned(), 1),
        (yaml.to_owned(), 1),
        (format!("---\n{yaml}---\n{yaml}"), 2),
        (without_kinds.to_owned(), 1),
    ] {
        let carved = Carved::of(text.as_bytes(), "secrets");
        let counts: Vec<_> = carved.passed_over().into_iter().map(|(of, (count, _))| (of, count)).collect();
        assert_eq!((carved.code, counts), (3, vec![(("text", "secret"), count)]), "{text}");
        let escaped = Carved::of(json!({"log": text}).to_string().as_bytes(), "secrets");
        let counts: Vec<_> = escaped.passed_over().into_iter().map(|(of, (count, _))| (of, count)).collect();
        assert_eq!((escaped.code, counts), (3, vec![(("escaped", "secret"), count)]), "{text}");
    }
    // What is written as the API server writes it is read, in a list too.
    let list = json!({"apiVersion": "v1", "items": [object, object], "kind": "List", "metadata": {}}).to_string();
    let carved = Carved::of(list.as_bytes(), "secrets");
    assert_eq!((carved.code, carved.passed_over(), of_kind(&carved.all, "value").len()), (2, BTreeMap::new(), 2));
    let refers = "involvedObject:\n  apiVersion: v1\n  kind: Secret\n  name: db\nkind: Event\nmetadata:\n  name: e\n";
    assert_eq!(Carved::of(refers.as_bytes(), "secrets").code, 0);
}

#[test]
fn compressed_streams_within_an_image_are_counted() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&secret("db", b"CANARY-1").repeat(10)).unwrap();
    let packed = packed.finish().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("image"), [&vec![0; 5000][..], &packed, &vec![0; 3000], &packed].concat()).unwrap();
    let all = records(&run_in(dir.path(), &["carve", "image", "--format", "jsonl"]));
    let unread = of_kind(&all, "unread");
    let told = |field: &str| unread[0][field].clone();
    assert_eq!((unread.len(), told("reason"), told("of")), (1, json!("compressed"), json!("stream")));
    assert_eq!((told("count"), told("offset")), (json!(2), json!(5000)));
    let (code, screen) = text(&run_in(dir.path(), &["carve", "image"]));
    assert!(code == 3 && screen.contains("2 compressed streams that were not unpacked in image"), "{screen}");
    // From its first byte on it is a container, which is opened.
    let carved = Carved::of(&packed, "secrets");
    assert_eq!((carved.code, carved.passed_over()), (2, BTreeMap::new()));
}

/// What `scan` refuses as packed or encrypted, `carve` names as not looked into: one list, for a whole input and within other bytes.
#[test]
fn what_scan_does_not_open_carve_does_not_call_free_of_secrets() {
    let noise: Vec<u8> = (0..5000u32).map(|at| u8::try_from(at * 7919 % 251).unwrap() | 0x80).collect();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(&secret("db", b"CANARY-1").repeat(10)).unwrap();
    let zlib = zlib.finish().unwrap();
    let squashfs = [&b"hsqs"[..], &[0; 8], &[0, 0, 2, 0], &[0; 12], &[4, 0, 0, 0]].concat();
    for (sign, reason, is_image) in [
        (&b"\x1f\x9d\x90"[..], "compressed", false),
        (&zlib, "compressed", true),
        (b"\x02\x21\x4c\x18\x40\x01\0\0", "compressed", true),
        (b"LZIP\x01", "compressed", true),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "compressed", true),
        (b"Salted__01234567", "encrypted", true),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n", "encrypted", true),
        (b"$ANSIBLE_VAULT;1.1;AES256\n66383133\n", "encrypted", true),
        (b"data: ENC[AES256_GCM,data:abcd,iv:xx,tag:yy,type:str]\nsops:\n  kms: []\n", "encrypted", true),
        (b"LUKS\xba\xbe\0\x02", "encrypted", true),
        (b"\xeb\x58\x90-FVE-FS-", "encrypted", true),
        (b"QFI\xfb\0\0\0\x03", "disk-image", true),
        (b"KDMV\x01\0\0\0", "disk-image", true),
        (b"EVF\x09\r\n\xff\0\x01\x01\0\0\0", "disk-image", true),
        (&squashfs, "disk-image", true),
    ] {
        let name = sign.escape_ascii();
        let bytes = [sign, &noise].concat();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.db"), &bytes).unwrap();
        let (code, said) = text(&run_in(dir.path(), &["scan", "a.db"]));
        assert!(code == 3 && said.contains("not read: a.db"), "{name}: {code} {said}");
        let counts = |carved: &Carved| carved.passed_over().into_iter().map(|((reason, _), count)| (reason.to_owned(), count)).collect();
        let carved = Carved::of(&bytes, "secrets");
        let found: Vec<(String, (u64, u64))> = counts(&carved);
        assert!(matches!(&found[..], [(told, (1, 0 | 6))] if told == reason) && carved.code == 3, "{name}: {found:?}");
        let carved = Carved::of(&[&[0; 5000], &bytes[..]].concat(), "secrets");
        let found: Vec<(String, (u64, u64))> = counts(&carved);
        let is_told = matches!(&found[..], [(told, (1, 5000 | 5006))] if told == reason) && carved.code == 3;
        assert_eq!(is_told, is_image, "{name}: {found:?}");
    }
}

#[test]
fn what_was_read_is_not_passed_over() {
    for fixture in Fixture::all() {
        let carved = Carved::of(fixture.bytes, "all");
        assert_eq!(carved.passed_over(), BTreeMap::new(), "{}", fixture.name);
    }
    // What a whole value holds was read with it.
    let inner = [secret("inner", b"x"), SEALED.to_vec(), STANDARD.encode(secret("inner", b"x")).into_bytes(), delta_snapshot()].concat();
    let outer = secret("outer", &inner);
    let carved = Carved::of(&outer, "secrets");
    assert_eq!((carved.code, carved.passed_over(), of_kind(&carved.all, "value").len()), (2, BTreeMap::new(), 1));
    // And what is not within it was not.
    let carved = Carved::of(&[&outer[..], &inner].concat(), "secrets");
    let forms: Vec<_> = carved.passed_over().into_iter().map(|(of, (count, _))| (of, count)).collect();
    assert_eq!(forms, [(("base64", "encrypted"), 1), (("base64", "secret"), 3), (("no-end", "encrypted"), 1)]);
    assert_eq!(carved.code, 2);
}

/// A text that speaks of encrypted values, or of files that a program encrypted, holds none: what counts has what may be one behind it.
#[test]
fn text_that_names_how_values_begin_is_no_alarm() {
    let words = "## Encryption at rest\n\nEach value bears `k8s:enc:aescbc:v1:` and the name of its key, as in k8s:enc:aescbc:v1:key1: or \
                 `k8s:enc:kms:v2:<name>:`. A backup by age begins with `age-encryption.org/v1`, one by OpenPGP with -----BEGIN PGP MESSAGE-----, \
                 SOPS writes ENC[AES256_GCM,data:...] and Ansible $ANSIBLE_VAULT;1.1;AES256 in the first line.\n";
    let log = "2026-01-02T03:04:05Z W | cannot decode value, prefix k8s:enc:aescbc:v1: not known\n".repeat(3);
    let config_map =
        json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "readme", "namespace": "ns"}, "data": {"README.md": words}});
    let list = json!({"readme": words, "log": log}).to_string();
    for text in [words, &log, &list, &config_map.to_string()] {
        for bytes in [text.as_bytes().to_vec(), [&[0; 700][..], text.as_bytes(), &[0; 700]].concat()] {
            let carved = Carved::of(&bytes, "secrets");
            assert_eq!((carved.code, carved.passed_over()), (0, BTreeMap::new()), "{text}");
            assert!(of_kind(&carved.all, "value").iter().all(|value| value["protection"] != "encrypted"), "{text}");
        }
        // As the value of other software in a database, in the tree and on a free page.
        let write =
            |main: u64, value: &[u8]| common::pages::Write { main, key: format!("/app/{main}").into_bytes(), value: value.to_vec() };
        let sealed = common::pages::Write { value: SEALED.to_vec(), ..common::pages::Write::at(2) };
        let leaf = |id: u64, writes: &[&common::pages::Write]| {
            common::pages::leaf(id, &writes.iter().map(|write| write.entry()).collect::<Vec<_>>())
        };
        let (now, before) = (write(3, text.as_bytes()), write(3, text.as_bytes()));
        let database = common::pages::database(&[common::pages::root(3), leaf(3, &[&sealed, &now]), leaf(4, &[&before])]);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.db"), database).unwrap();
        for command in ["scan", "carve"] {
            let (code, said) = common::text(&run_in(dir.path(), &[command, "a.db"]));
            assert_eq!(code, 0, "{command}: {said}");
        }
    }
}

/// What is cut anywhere behind a prefix is a value all the same, also within a text.
#[test]
fn a_value_that_is_cut_is_no_text() {
    let body: Vec<u8> = (0..200u32).map(|at| u8::try_from(at * 7919 % 251).unwrap()).collect();
    let value = [b"k8s:enc:aescbc:v1:key1:".to_vec(), body].concat();
    let file = [
        b"age-encryption.org/v1\n-> X25519 ".to_vec(),
        vec![b'a'; 43],
        b"\n".to_vec(),
        vec![b'b'; 43],
        b"\n--- ".to_vec(),
        vec![b'c'; 43],
        b"\n".to_vec(),
        value[23..].to_vec(),
    ]
    .concat();
    for before in ["", "a line of a log, and then a value: "] {
        for (value, form) in [(&value, ("no-end", "encrypted")), (&file, ("encrypted", "stream"))] {
            for end in [21, 30, 60, 90, 140, 170, value.len()] {
                let carved = Carved::of(&[before.as_bytes(), &value[..end.min(value.len())]].concat(), "secrets");
                let told = [(form, (1, before.len() as u64))].into();
                assert_eq!((carved.code, carved.passed_over()), (3, told), "{before}{}", value[..end.min(value.len())].escape_ascii());
            }
        }
    }
}
