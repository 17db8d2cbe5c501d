//! What `carve` finds in a file's bytes, `scan` finds: it knows more of a database than that it is bytes.

use crate::common;

use std::path::Path;

use common::accuracy::range;
use common::{Fixture, of_kind, pages, records, run_in, text};
use serde_json::{Value, json};

/// The size of a page of the fixture that values are put into.
const PAGE: usize = 4096;
/// How often each fixture is written over.
const SEEDS: u64 = 3;

/// Values that `carve` found in a file and no row of `scan` has, at their place or within a longer one. Where it passed over others, both
/// say that not all was read.
fn missed(dir: &Path, name: &str) -> Vec<Value> {
    let values = |command: &str| {
        let output = run_in(dir, &[command, name, "--resources", "all", "--fail-on", "never", "--format", "jsonl"]);
        let all = records(&output);
        assert_eq!(of_kind(&all, "summary").len(), 1, "{command}");
        let values = of_kind(&all, "value").into_iter().filter(|value| value["length"].as_u64() > Some(0)).cloned().collect::<Vec<_>>();
        (values, of_kind(&all, "unread").len(), output.status.code())
    };
    let (carved, passed_over, _) = values("carve");
    let (scanned, _, code) = values("scan");
    assert!(passed_over == 0 || code == Some(3), "{name}: {passed_over} forms were passed over, and a scan says that it read everything");
    let mut scanned: Vec<(u64, u64)> = scanned.iter().map(range).collect();
    scanned.sort_unstable();
    let is_there = |value: &Value| {
        let (start, end) = range(value);
        // Of what is not proven whole, the beginning.
        let end = if value["fragment"] == json!(true) { start + 1 } else { end };
        scanned.iter().any(|(from, to)| *from <= start && end <= *to)
    };
    carved.into_iter().filter(|value| !is_there(value)).collect()
}

/// The same of bytes.
fn missed_in(bytes: &[u8]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.db"), bytes).unwrap();
    missed(dir.path(), "a.db")
}

#[test]
fn every_value_that_carving_finds_in_a_database_is_a_row_of_a_scan() {
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        let missed = missed(dir.path(), &format!("{}.db", fixture.name));
        assert!(missed.is_empty(), "{}: {missed:#?}", fixture.name);
    }
}

/// What is not proven whole runs into what stands behind it, and ends where that is another write: no byte is told as of two values.
#[test]
fn a_fragment_ends_where_the_next_write_begins() {
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        let all = records(&run_in(dir.path(), &["carve", &format!("{}.db", fixture.name), "--resources", "all", "--format", "jsonl"]));
        let values = of_kind(&all, "value");
        let is_write =
            |value: &&&Value| value["fragment"] == json!(false) && !value["mod_revision"].is_null() && value["length"] != json!(0);
        let mut writes: Vec<u64> = values.iter().filter(is_write).map(|value| range(value).0).collect();
        writes.sort_unstable();
        for fragment in values.iter().filter(|value| value["fragment"] == json!(true)) {
            let (start, end) = range(fragment);
            let next = writes.get(writes.partition_point(|write| *write <= start));
            assert!(next.is_none_or(|next| end <= *next), "{}: {fragment} runs over byte {next:?}", fixture.name);
        }
    }
}

/// A provider's prefix says that a value is encrypted, and what stands behind it says whether it is.
#[test]
fn what_is_not_of_the_form_that_its_prefix_says_leaves_both_open() {
    let dir = tempfile::tempdir().unwrap();
    for (value, code) in
        [(&b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef"[..], 0), (b"k8s:enc:aescbc:v1:key1:password=CANARY", 3)]
    {
        let write = pages::Write { key: b"/registry/secrets/ns/s".to_vec(), value: value.to_vec(), ..pages::Write::at(2) };
        std::fs::write(dir.path().join("a.db"), pages::database_of(&[write])).unwrap();
        for command in ["scan", "carve"] {
            let output = run_in(dir.path(), &[command, "a.db", "--format", "jsonl"]);
            let conditions = of_kind(&records(&output), "summary")[0]["conditions"].clone();
            let expected = if code == 0 { json!([]) } else { json!(["value-undecoded"]) };
            assert_eq!((output.status.code(), conditions), (Some(code), expected), "{command} {}", value.escape_ascii());
        }
    }
    // What a search does not look at is one list, in the text and in the records.
    let (_, screen) = text(&run_in(dir.path(), &["carve", "a.db"]));
    let all = records(&run_in(dir.path(), &["carve", "a.db", "--format", "jsonl"]));
    for one in of_kind(&all, "summary")[0]["not_looked_at"].as_array().unwrap() {
        assert!(screen.contains(one.as_str().unwrap()), "{one}: {screen}");
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    /// The next one, below a bound.
    fn next(&mut self, bound: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound as u64).unwrap()
    }
}

/// Writes over a few pages: zeros, noise, or another page of the file, which then bears another's number.
fn overwrite(bytes: &mut [u8], numbers: &mut Numbers) {
    let page_size = usize::try_from(u32::from_le_bytes(bytes[24..28].try_into().unwrap())).unwrap();
    for _ in 0..=numbers.next(8) {
        let pages = bytes.len() / page_size;
        let (page, other) = (2 + numbers.next(pages - 2), 2 + numbers.next(pages - 2));
        let with = match numbers.next(3) {
            0 => vec![0; page_size],
            1 => (0..page_size).map(|_| u8::try_from(numbers.next(256)).unwrap()).collect(),
            _ => bytes[other * page_size..(other + 1) * page_size].to_vec(),
        };
        bytes[page * page_size..(page + 1) * page_size].copy_from_slice(&with);
    }
}

#[test]
fn the_same_of_databases_in_which_pages_were_written_over() {
    let mut all = Vec::new();
    for fixture in Fixture::all().iter().filter(|fixture| fixture.bytes.len() < 4 << 20) {
        for seed in 0..SEEDS {
            let mut bytes = fixture.bytes.to_vec();
            overwrite(&mut bytes, &mut Numbers(seed * 1_000_003 + fixture.bytes.len() as u64));
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("over.db"), bytes).unwrap();
            all.extend(missed(dir.path(), "over.db").into_iter().map(|value| format!("{} {seed}: {value}", fixture.name)));
        }
    }
    assert!(all.is_empty(), "{} missed: {:#?}", all.len(), &all[..all.len().min(20)]);
}

/// A database with two free pages of which the second begins with a value, whose frame stood on the first one.
fn with_frameless(value: &[u8]) -> (Vec<u8>, u64) {
    let fixture = Fixture::named("compacted");
    let dir = tempfile::tempdir().unwrap();
    fixture.write_to(dir.path());
    let runs = records(&run_in(dir.path(), &["pages", "compacted.db", "--format", "jsonl"]));
    let is_free = |pgid: u64| {
        of_kind(&runs, "page-run").into_iter().any(|run| {
            let first = run["pgid"].as_u64().unwrap();
            run["state"] == "free" && (first..first + run["count"].as_u64().unwrap()).contains(&pgid)
        })
    };
    let first = (2..).find(|pgid| is_free(*pgid) && is_free(pgid + 1)).unwrap();
    let (at, mut bytes) = (usize::try_from(first).unwrap() * PAGE, fixture.bytes.to_vec());
    bytes[at..at + 2 * PAGE].fill(0);
    bytes[at..at + PAGE].fill(0xa7);
    bytes[at + PAGE..at + PAGE + value.len()].copy_from_slice(value);
    // Without its trailer, which would tell of the change.
    bytes.truncate(bytes.len() / PAGE * PAGE);
    (bytes, (at + PAGE) as u64)
}

fn run_on(bytes: &[u8], args: &[&str]) -> std::process::Output {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.db"), bytes).unwrap();
    run_in(dir.path(), args)
}

#[test]
fn a_key_that_only_a_value_without_a_frame_names_is_named() {
    let value = [b"k8s:enc:aescbc:v1:the-old-key:".to_vec(), (0..96u8).map(|byte| byte.wrapping_mul(37) | 1).collect()].concat();
    let (bytes, place) = with_frameless(&value);
    let all = records(&run_on(&bytes, &["scan", "a.db", "--resources", "all", "--format", "jsonl"]));
    let row = of_kind(&all, "value").into_iter().find(|row| row["offset"] == json!(place)).unwrap();
    assert_eq!((&row["length"], &row["fragment"], &row["retention"]), (&json!(value.len()), &json!(false), &json!("residue")), "{row}");
    assert_eq!((&row["provider_name"], &row["key"], &row["mod_revision"]), (&json!("the-old-key"), &Value::Null, &Value::Null), "{row}");
    let (code, said) = text(&run_on(&bytes, &["keys", "a.db", "--retire", "aescbc/the-old-key"]));
    assert!(code == 0 && said.contains("aescbc/the-old-key"), "{code}: {said}");
}

#[test]
fn a_value_without_a_frame_that_is_known_is_a_copy_of_it() {
    let fixture = Fixture::named("compacted");
    let dir = tempfile::tempdir().unwrap();
    fixture.write_to(dir.path());
    let all = records(&run_in(dir.path(), &["scan", "compacted.db", "--resources", "all", "--format", "jsonl"]));
    let is_small =
        |row: &&Value| row["place"] == "tree" && row["retention"] == "current" && row["length"].as_u64().is_some_and(|n| n < 3000);
    for protection in ["plaintext", "encrypted"] {
        let current = of_kind(&all, "value").into_iter().filter(is_small).find(|row| row["protection"] == protection).unwrap();
        let (start, end) = range(current);
        let value = &fixture.bytes[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        let (bytes, place) = with_frameless(value);
        let all = records(&run_on(&bytes, &["scan", "a.db", "--resources", "all", "--format", "jsonl"]));
        let row = of_kind(&all, "value").into_iter().find(|row| row["offset"] == json!(place)).unwrap();
        assert_eq!(
            (&row["key"], &row["mod_revision"], &row["duplicate"]),
            (&current["key"], &current["mod_revision"], &json!(true)),
            "{row}"
        );
        assert_eq!((&row["length"], &row["fragment"]), (&current["length"], &json!(false)), "{row}");
    }
}

#[test]
fn a_secret_without_a_frame_counts_as_the_one_that_it_says_it_is() {
    let secret = |name: &str| {
        let length = u8::try_from(name.len()).unwrap();
        let metadata = [&[0x0a, length][..], name.as_bytes(), b"\x1a\x04prod"].concat();
        let object = [&[0x0a, length + 8][..], &metadata, b"\x12\x0a\x0a\x01a\x12\x05CANAR\x1a\x06Opaque"].concat();
        let raw = [&[0x12, u8::try_from(object.len()).unwrap()][..], &object].concat();
        [b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret".to_vec(), raw, b"\x1a\0\x22\0".to_vec()].concat()
    };
    let (bytes, _) = with_frameless(&[secret("of-old"), secret("older"), secret("of-old")].concat());
    let (before, _) = with_frameless(b"");
    let readable = |bytes: &[u8]| {
        let all = records(&run_on(bytes, &["scan", "a.db", "--format", "jsonl"]));
        let finding = of_kind(&all, "finding").into_iter().find(|finding| finding["rule"] == "plaintext-residue").cloned();
        finding.map_or(0, |finding| finding["count"].as_u64().unwrap())
    };
    assert_eq!(readable(&bytes), readable(&before) + 2);
}

/// A Secret that says its own name, as the API server writes it in JSON.
fn object(name: &str) -> Vec<u8> {
    format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"ns"}},"data":{{"a":"YQ=="}}}}"#).into_bytes()
}

fn write(main: u64) -> pages::Write {
    pages::Write { value: object(&format!("s{main}")), ..pages::Write::at(main) }
}

/// Rows and bytes of a database, of which carving must not find more.
fn scanned(bytes: &[u8]) -> (Vec<Value>, Value) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.db"), bytes).unwrap();
    assert_eq!(missed(dir.path(), "a.db"), Vec::<Value>::new());
    let all = records(&run_in(dir.path(), &["scan", "a.db", "--resources", "all", "--format", "jsonl"]));
    let account = of_kind(&all, "summary")[0]["bytes"].clone();
    assert_eq!(account.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>(), bytes.len() as u64, "{account}");
    (of_kind(&all, "value").into_iter().filter(|value| value["place"] != "tree").cloned().collect(), account)
}

/// A header proves what it says as far as elements and numbers that are as a writer leaves them; whatever else stands on the page is
/// searched, and so are the pages that it claims beside.
#[test]
fn what_stands_behind_a_header_on_a_page_outside_the_tree_is_searched() {
    let old = pages::Write::at(9);
    let named = pages::Entry::value(b"name", b"of another bucket");
    let first = |mut page: Vec<u8>, behind: &[u8]| {
        let end = page.iter().rposition(|byte| *byte != 0).unwrap() + 33;
        page[end..end + behind.len()].copy_from_slice(behind);
        page
    };
    let claims = |mut page: Vec<u8>| {
        page[12] = 1;
        page
    };
    let page = |body: &[u8]| [body, &vec![0; pages::PAGE - body.len()]].concat();
    let framed = [write(8).stored_under(), write(8).stored()].concat();
    let headers = || {
        let key = |main: u64| pages::Write::at(main).stored_under();
        [
            (pages::branch(4, &[]), 16),
            (pages::branch(4, &[(key(2), 2), (key(7), 3)]), 16 + 2 * 16 + 2 * 17),
            (pages::freelist(4, &[]), 16),
            (pages::freelist(4, &[2, 3, 5]), 16 + 3 * 8),
            (pages::leaf(4, &[]), 16),
            (pages::leaf(4, std::slice::from_ref(&named)), 16 + 16 + 21),
            (pages::leaf(4, &[old.entry()]), 0),
        ]
    };
    let database = |pages: &[Vec<u8>]| {
        let tree = [pages::root(3), pages::leaf(3, &[pages::Write::at(2).entry()])];
        pages::database(&[&tree[..], pages].concat())
    };
    for (header, structure) in headers() {
        let what = header[..64].escape_ascii().to_string();
        for behind in [&framed[..], &write(8).stored(), &object("s8")] {
            let (rows, account) = scanned(&database(&[first(header.clone(), behind), page(b"")]));
            let row = rows.iter().find(|row| row["name"] == "s8").unwrap_or_else(|| panic!("{what}: {rows:?}"));
            assert_eq!((&row["fragment"], &row["protection"]), (&json!(false), &json!("plaintext")), "{what}");
            assert!(
                structure == 0 || account["structure"].as_u64().unwrap() <= structure + (behind.len() - object("s8").len()) as u64,
                "{what}: {account}"
            );
        }
        // The same on a page that it says is its own, and does not need.
        for behind in [&page(&object("s8")), &page(&[&[7; 9][..], &framed].concat())] {
            let (rows, _) = scanned(&database(&[claims(header.clone()), behind.clone()]));
            assert!(rows.iter().any(|row| row["name"] == "s8" && row["fragment"] == json!(false)), "{what}: {rows:?}");
        }
        // Nothing behind it is zeros.
        let (_, account) = scanned(&database(&[header, page(b"")]));
        assert!(structure == 0 || account["structure"] == json!(structure), "{what}: {account}");
    }
}

/// A small bucket stands within the page that names it. On a page outside the tree its elements are what they would be on one of
/// their own; without a meta, or beside the tree of the other one, too.
#[test]
fn the_elements_of_a_bucket_within_a_page_outside_the_tree_are_rows() {
    let root = |id: u64, mains: &[u64]| {
        let entries: Vec<pages::Entry> = mains.iter().map(|main| write(*main).entry()).collect();
        pages::leaf(id, &[pages::Entry::inline_bucket(b"key", &entries), pages::Entry::inline_bucket(b"meta", &[])])
    };
    let shown = |bytes: &[u8]| -> Vec<(Value, Value, Value, Value)> {
        let mut rows: Vec<Value> = scanned(bytes).0;
        rows.sort_by_key(|row| row["mod_revision"].as_u64());
        rows.iter().map(|row| (row["mod_revision"].clone(), row["place"].clone(), row["pgid"].clone(), row["duplicate"].clone())).collect()
    };
    let of = |main: u64, pgid: u64, duplicate: bool| (json!(main), json!("free-page"), json!(pgid), json!(duplicate));
    let bytes = pages::database(&[root(2, &[3, 4]), root(3, &[2, 3])]);
    assert_eq!(shown(&bytes), [of(2, 3, false), of(3, 3, true)]);
    // Without metas.
    let mut broken = bytes.clone();
    broken[..2 * pages::PAGE].fill(0);
    assert_eq!(shown(&broken), [of(2, 3, false), of(3, 2, false), of(3, 3, true), of(4, 2, false)]);
    // The only page of the tree is lost.
    let mut lost = bytes;
    lost[2 * pages::PAGE..3 * pages::PAGE].fill(0);
    assert_eq!(shown(&lost), [of(2, 3, false), of(3, 3, false)]);
}

/// A transfer as text put a byte before each end of a line: no page stands where it stood. What is left is bytes, and is searched.
#[test]
fn a_database_whose_pages_have_moved_is_read_as_far_as_its_bytes_tell() {
    let secret = |main: u64| {
        let object =
            format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"s{main}","namespace":"ns"}},"data":{{"a":"YQ=="}}}}"#);
        pages::Write { value: object.into_bytes(), ..pages::Write::at(main) }
    };
    let entries: Vec<_> = (2..5).map(|main| secret(main).entry()).collect();
    let mut bytes = pages::snapshot_with_freelist(&[pages::root(3), pages::leaf(3, &entries), pages::freelist(4, &[])], 4);
    // Right behind the header of the leaf that holds all of them.
    bytes.splice(3 * pages::PAGE + 16..3 * pages::PAGE + 16, *b"\r\r\r");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("moved.db"), &bytes).unwrap();
    assert_eq!(missed(dir.path(), "moved.db"), Vec::<Value>::new());
    let (code, screen) = text(&run_in(dir.path(), &["scan", "moved.db"]));
    assert!(code == 2 && screen.contains("3 SECRETS CAN BE READ"), "{screen}");
    assert!(screen.contains("NEXT  etcd-sleuth check moved.db; etcd-sleuth carve moved.db\n"), "{screen}");
}

/// Whatever page in use bytes stand on that are of nothing on it, they are searched: behind a meta, in the place of one, behind a branch, the
/// freelist, a leaf, and within a small bucket.
#[test]
fn what_stands_behind_what_a_page_in_use_holds_is_searched() {
    let sealed = |main: u64| pages::Write {
        value: b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef".to_vec(),
        ..pages::Write::at(main)
    };
    let leaf = |id: u64, mains: std::ops::Range<u64>| pages::leaf(id, &mains.map(|main| sealed(main).entry()).collect::<Vec<_>>());
    let branch = pages::branch(3, &[(sealed(2).stored_under(), 4), (sealed(4).stored_under(), 5)]);
    let bytes = pages::snapshot_with_freelist(&[pages::root(3), branch, leaf(4, 2..4), leaf(5, 4..6), pages::freelist(6, &[])], 6);
    let payload = &bytes[..bytes.len() / pages::PAGE * pages::PAGE];
    assert_eq!(run_on(payload, &["scan", "a.db", "-q"]).status.code(), Some(0));
    let secret = object("hidden");
    for page in 0..payload.len() / pages::PAGE {
        let behind = (page + 1) * pages::PAGE - secret.len() - 1;
        // A meta that is broken is none, and all of its page is searched.
        for at in if page < 2 { vec![behind, page * pages::PAGE] } else { vec![behind] } {
            let mut altered = payload.to_vec();
            altered[at..at + secret.len()].copy_from_slice(&secret);
            let all = records(&run_on(&altered, &["scan", "a.db", "--format", "jsonl"]));
            let row = of_kind(&all, "value").into_iter().find(|value| value["offset"] == json!(at)).unwrap_or_else(|| panic!("byte {at}"));
            assert_eq!((&row["name"], &row["place"], &row["fragment"]), (&json!("hidden"), &json!("slack"), &json!(false)), "{row}");
            let answers = ["scan", "carve"].map(|command| text(&run_on(&altered, &[command, "a.db", "-q"])));
            for (code, said) in &answers {
                assert!(*code == 2 && said.contains("1 Secret readable without a key"), "byte {at}: {said}");
            }
        }
    }
}

/// Of a Secret that lost its beginning `carve` sees the end, and is not silent about it; one within a value that was found is that value's.
#[test]
fn the_end_of_a_secret_that_lost_its_beginning_is_told() {
    let end = b"some data of a large value\x1a\x06Opaque\x1a\0\x22\0";
    let tail = |pages: usize| [vec![b'x'; pages * PAGE - end.len()], end.to_vec()].concat();
    // What `scan` calls plaintext in a database in which nothing else is, `carve` does not pass over.
    let sealed = pages::Write { value: b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef".to_vec(), ..pages::Write::at(2) };
    let database = pages::database_of(&[sealed]);
    for pages in [1, 2] {
        let bytes = [&database[..], &tail(pages)].concat();
        let all = records(&run_on(&bytes, &["scan", "a.db", "--format", "jsonl"]));
        let piece = of_kind(&all, "value").into_iter().find(|value| value["offset"].as_u64() >= Some(database.len() as u64)).unwrap();
        assert_eq!((&piece["fragment"], &piece["key"], &piece["protection"]), (&json!(true), &Value::Null, &json!("plaintext")), "{piece}");
        for command in ["scan", "carve"] {
            let (code, said) = text(&run_on(&bytes, &[command, "a.db", "-q"]));
            assert!(code == 2 && said.contains("1 piece of a Secret whose name is lost"), "{said}");
            let (_, screen) = text(&run_on(&bytes, &[command, "a.db"]));
            assert!(screen.starts_with("1 PIECE OF A SECRET WHOSE NAME IS LOST CAN BE READ"), "{screen}");
        }
        assert_eq!(missed_in(&bytes), Vec::<Value>::new());
        let carved = records(&run_on(&tail(pages), &["carve", "a.db", "--format", "jsonl"]));
        let rows = of_kind(&carved, "value");
        let (at, length) = (pages * PAGE - b"Opaque\x1a\0\x22\0".len(), b"Opaque\x1a\0\x22\0".len());
        assert_eq!((rows.len(), &rows[0]["offset"], &rows[0]["length"]), (1, &json!(at), &json!(length)), "{rows:?}");
        assert_eq!((&rows[0]["group_resource"], &rows[0]["fragment"], &rows[0]["key"]), (&json!("secrets"), &json!(true), &Value::Null));
        assert_eq!(of_kind(&carved, "summary")[0]["nameless_secret_fragments"]["count"], json!(1));
    }
    // A whole Secret has its end, and so has one whose end nothing proves.
    let fixture = Fixture::named("plaintext");
    let carved = records(&run_on(fixture.bytes, &["carve", "a.db", "--format", "jsonl"]));
    assert_eq!(
        (of_kind(&carved, "value").len() > 10, &of_kind(&carved, "summary")[0]["nameless_secret_fragments"]["count"]),
        (true, &json!(0))
    );
}

/// So it is of one in JSON. Text that begins as JSON is told as that.
#[test]
fn the_end_of_a_secret_in_json_that_lost_its_beginning_is_told() {
    let end = br#"","password":"aHVudGVyMg=="},"type":"kubernetes.io/basic-auth"}"#;
    let tail = [&vec![b'Q'; PAGE - end.len() - 1][..], end, b"\n"].concat();
    let sealed = pages::Write { value: b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef".to_vec(), ..pages::Write::at(2) };
    let bytes = [pages::database_of(&[sealed]), tail.clone()].concat();
    for (command, bytes) in [("scan", &bytes), ("carve", &bytes), ("carve", &tail)] {
        let all = records(&run_on(bytes, &[command, "a.db", "--format", "jsonl"]));
        let pieces: Vec<&Value> = of_kind(&all, "value").into_iter().filter(|value| value["fragment"] == json!(true)).collect();
        assert_eq!(pieces.len(), 1, "{command}: {pieces:?}");
        assert_eq!((&pieces[0]["group_resource"], &pieces[0]["encoding"]), (&json!("secrets"), &json!("json")), "{command}");
        let (code, said) = text(&run_on(bytes, &[command, "a.db", "-q"]));
        assert!(code == 2 && said.contains("1 piece of a Secret whose name is lost"), "{command}: {said}");
    }
    assert_eq!(missed_in(&bytes), Vec::<Value>::new());
    // What is there from its beginning is no piece; nor is what ends as another object does.
    let text = [br#"{"kind":"SecretList","apiVersion":"v1","items":[{"metadata":{"name":"a"},"data":{"p":""#.as_slice(), &tail].concat();
    let service = [b"\0".as_slice(), br#"clusterIP":"10.0.0.1"},"type":"ClusterIP"}"#, b"\n"].concat();
    for bytes in [text, service] {
        let all = records(&run_on(&bytes, &["carve", "a.db", "--format", "jsonl"]));
        assert_eq!(of_kind(&all, "summary")[0]["nameless_secret_fragments"]["count"], json!(0));
    }
}
