//! A database, its raft snapshots and its log are one story: what stands in none of them is told, and what the log has behind the
//! database is not taken for what is now.

use crate::common;

use std::fs;
use std::path::Path;

use common::pages::{self, Write};
use common::raft::{bytes, member_added, number, raft_snapshot, raft_snapshot_of, segment_from, segment_of, segment_of_entries};
use common::{Fixture, of_kind, records, run_in, sleuth, stderr, text};
use serde_json::Value;

/// Nothing of the v2 API.
const STORE: &str = r#"{"Root":{"Path":"/","Value":"","Children":{}},"CurrentVersion":2}"#;

/// What a directory is made of: the database of a fixture, raft snapshots, and a log.
struct Directory {
    dir: tempfile::TempDir,
    /// The last entry that the database has applied.
    applied: u64,
    /// The only member that it has.
    member: u64,
}

impl Directory {
    fn of(fixture: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("data/member/snap")).unwrap();
        fs::create_dir_all(dir.path().join("data/member/wal")).unwrap();
        fs::write(dir.path().join("data/member/snap/db"), Fixture::named(fixture).bytes).unwrap();
        let all = records(&run_in(dir.path(), &["scan", "data/member/snap/db", "--format", "jsonl"]));
        let database = of_kind(&all, "evidence")[0];
        let member = u64::from_str_radix(database["members"][0]["id"].as_str().unwrap(), 16).unwrap();
        Self { applied: database["consistent_index"].as_u64().unwrap(), dir, member }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn snapshot(self, index: u64) -> Self {
        let name = format!("data/member/snap/{:016x}-{index:016x}.snap", 2);
        fs::write(self.path().join(name), raft_snapshot(STORE, index)).unwrap();
        self
    }

    /// The log of member 7 that begins at an entry; all up to `commit` is committed. The first entry of all adds the database's member.
    fn log(self, first: u64, requests: &[Vec<u8>], commit: u64) -> Self {
        let mut requests = requests.to_vec();
        if first == 1 {
            requests[0] = member_added(self.member);
        }
        self.log_of(7, first, &requests, commit)
    }

    fn log_of(self, member: u64, first: u64, requests: &[Vec<u8>], commit: u64) -> Self {
        let name = format!("data/member/wal/{:016x}-{first:016x}.wal", 0);
        fs::write(self.path().join(name), segment_of((member, 8), first, requests, commit)).unwrap();
        self
    }

    /// The anomalies between the files, and the exit code of `check`, which is that of the anomalies alone.
    fn told(&self) -> (Vec<String>, Option<i32>) {
        let output = run_in(self.path(), &["check", "data", "--format", "jsonl"]);
        let class = |anomaly: &&Value| anomaly["class"].as_str().unwrap().to_owned();
        let of_the_story = ["raft-snapshot-ahead", "database-replaced", "index-past-log", "wal-gap", "wal-of-another-member"];
        let all = records(&output);
        (of_kind(&all, "anomaly").iter().map(class).filter(|class| of_the_story.contains(&class.as_str())).collect(), output.status.code())
    }
}

fn put(key: &str, value: &str) -> Vec<u8> {
    bytes(4, &[bytes(1, key.as_bytes()), bytes(2, value.as_bytes())].concat())
}

fn put_with_lease(key: &str, lease: u64) -> Vec<u8> {
    bytes(4, &[bytes(1, key.as_bytes()), bytes(2, b"x"), number(3, lease)].concat())
}

fn revoke(lease: u64) -> Vec<u8> {
    bytes(9, &number(1, lease))
}

fn delete(key: &str, end: &str) -> Vec<u8> {
    bytes(5, &[bytes(1, key.as_bytes()), bytes(2, end.as_bytes())].concat())
}

/// Entries that ask for nothing.
fn nothing(count: u64) -> Vec<Vec<u8>> {
    vec![bytes(3, &bytes(1, b"/read")); usize::try_from(count).unwrap()]
}

/// Entries that write no key.
fn without_writes() -> Vec<Vec<u8>> {
    let v2 = [bytes(2, b"PUT"), bytes(3, b"/0/members/7/attributes"), bytes(4, b"{}")].concat();
    vec![vec![], member_added(9), bytes(7, &number(1, 2)), bytes(2, &v2), bytes(1301, &number(1, 7)), bytes(8, &number(1, 60))]
}

/// A log that begins at the first entry and ends with the last that was applied, or a few later, says nothing; so does one that
/// begins behind what a raft snapshot stands for, and a member that a raft snapshot took past the end of its log.
#[test]
fn a_member_that_etcd_left_so_is_no_alarm() {
    for ahead in [0, 2] {
        let member = Directory::of("fresh");
        let (applied, all) = (member.applied, member.applied + ahead);
        assert_eq!(member.log(1, &nothing(all), all).told(), (vec![], Some(0)), "{ahead} of {applied}");
    }
    let member = Directory::of("fresh");
    let (applied, first) = (member.applied, member.applied - 2);
    assert_eq!(member.snapshot(applied - 3).log(first, &nothing(3), applied).told(), (vec![], Some(0)));
    let member = Directory::of("fresh");
    let applied = member.applied;
    assert_eq!(member.snapshot(applied).log(1, &nothing(applied - 4), applied - 4).told(), (vec![], Some(0)));
}

/// A raft snapshot past the database is one on which etcd does not start.
#[test]
fn a_raft_snapshot_past_the_database_is_told() {
    let member = Directory::of("fresh");
    let (applied, all) = (member.applied, member.applied + 9);
    let member = member.snapshot(applied - 1).snapshot(applied + 5).log(1, &nothing(all), all);
    assert_eq!(member.told(), (vec!["raft-snapshot-ahead".to_owned()], Some(3)));
    let (code, shown) = text(&run_in(member.path(), &["check", "data"]));
    assert!(code == 3 && shown.contains(&format!("up to {applied}, and the raft snapshot ")), "{shown}");
    assert!(shown.contains(&format!("stands for those up to {}: ", applied + 5)), "{shown}");
    // What lags is the database: the raft snapshot is whole.
    let quiet = text(&run_in(member.path(), &["check", "-q", "data"])).1;
    let verdict = |name: &str| quiet.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    assert!(verdict("snap/db: ").contains("INCOMPLETE"), "{quiet}");
    assert!(quiet.lines().filter(|line| line.contains(".snap: ")).all(|line| line.contains("whole, ")), "{quiet}");
    let scanned = text(&run_in(member.path(), &["scan", "data"])).1;
    assert!(scanned.contains("INCOMPLETE") && scanned.contains("raft-snapshot-ahead"), "{scanned}");
}

/// A raft snapshot that came with its database is what a leader sends to a member that lags: nothing is missing, and nobody else has files there.
#[test]
fn a_raft_snapshot_that_came_with_its_database_contradicts_nothing() {
    let member = Directory::of("fresh");
    let (applied, all) = (member.applied, member.applied + 9);
    let member = member.snapshot(applied + 5).log(1, &nothing(all), all);
    let next = member.path().join(format!("data/member/snap/{:016x}.snap.db", applied + 5));
    let database = |applied| pages::database(&[pages::root_at(3, applied), pages::leaf(3, &[Write::at(2).entry()])]);
    fs::write(&next, database(applied + 5)).unwrap();
    assert_eq!(member.told().0, ["database-replaced"]);
    let said = text(&run_in(member.path(), &["scan", "--fail-on", "never", "data"])).1;
    let own = said.split("\n\n").next().unwrap_or_default();
    assert!(own.contains("MEMBER'S OWN FILES") && own.contains("read the answer of that one below"), "{said}");
    for other in ["other member has", "INCOMPLETE", "is not there", "not whole", "etch it again"] {
        assert!(!said.contains(other), "{other}: {said}");
    }
    // One of an earlier entry is not the one that came with it, whatever its name.
    fs::write(&next, database(applied + 4)).unwrap();
    assert_eq!(member.told().0, ["raft-snapshot-ahead"]);
}

/// A log that ends before what was applied, and one that begins behind it, leave entries that stand nowhere.
#[test]
fn entries_that_stand_nowhere_are_told_with_their_range() {
    let member = Directory::of("fresh");
    let applied = member.applied;
    let member = member.log(1, &nothing(applied - 3), applied - 3);
    assert_eq!(member.told(), (vec!["index-past-log".to_owned()], Some(3)));

    let member = Directory::of("fresh");
    let member = member.log(applied + 3, &nothing(4), applied + 6);
    assert_eq!(member.told(), (vec!["wal-gap".to_owned()], Some(3)));
    let shown = text(&run_in(member.path(), &["check", "data"])).1;
    assert!(shown.contains(&format!("entries {} to {} stand nowhere", applied + 1, applied + 2)), "{shown}");
    assert!(text(&run_in(member.path(), &["scan", "data"])).1.contains("4 entries ahead of the database"));
}

/// A log of another member in the member's place: proven by a raft snapshot that does not have that member, or by a log from the first
/// entry on that never adds what the database has as members. Nothing of it is taken for what the database does not have yet.
#[test]
fn the_log_of_another_member_is_told_and_not_joined() {
    let told = (vec!["wal-of-another-member".to_owned()], Some(3));
    let with_put = |count: u64| [nothing(count), vec![put("/registry/secrets/a/b", "x")]].concat();
    let of_snapshot = Directory::of("fresh");
    let applied = of_snapshot.applied;
    let of_snapshot = of_snapshot.snapshot(applied).log_of(9, applied - 2, &with_put(3), applied + 1);
    let of_members = Directory::of("fresh");
    let mut requests = with_put(applied);
    requests[0] = member_added(9);
    let of_members = of_members.log_of(9, 1, &requests, applied + 1);
    for member in [of_snapshot, of_members] {
        assert_eq!(member.told(), told);
        let all = records(&run_in(member.path(), &["scan", "data", "--format", "jsonl"]));
        let log = of_kind(&all, "evidence").into_iter().find(|evidence| evidence["kind"] == "wal").unwrap();
        assert_eq!((&log["role"], &log["log"]["member_id"]), (&"file".into(), &"9".into()));
        let unread: Vec<_> = of_kind(&all, "unread").iter().map(|unread| unread["reason"].clone()).collect();
        assert_eq!(unread, ["no-log"]);
        // What the database has is not called whole where entries behind it may be missing.
        let recovered = run_in(member.path(), &["recover", "data", "-q"]);
        assert!(recovered.status.code() == Some(3) && stderr(&recovered).contains("write-ahead log"), "{}", stderr(&recovered));
        let put = of_kind(&all, "value").into_iter().find(|value| value["key"] == "/registry/secrets/a/b").unwrap();
        assert_eq!(put["applied"], Value::Null);
        assert!(!text(&run_in(member.path(), &["scan", "data"])).1.contains("ahead of the database"));
    }
}

/// A segment of another member's log between the member's own: no entry of it is one of the member's.
#[test]
fn a_segment_of_another_members_log_is_not_joined_to_the_members() {
    let secret = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"b","namespace":"a","uid":"u"}}"#;
    let member = Directory::of("migration");
    let (applied, own) = (member.applied, member.member);
    let member = member.log_of(own, 1, &[&[member_added(own)][..], &nothing(applied - 1)].concat(), applied);
    assert_eq!(member.told(), (vec![], Some(0)));
    let more = segment_of((9, 9), applied, &[put("/registry/secrets/a/b", secret)], applied);
    fs::write(member.path().join(format!("data/member/wal/{:016x}-{applied:016x}.wal", 1)), more).unwrap();
    assert_eq!(member.told(), (vec!["wal-of-another-member".to_owned()], Some(3)));
    let all = records(&run_in(member.path(), &["scan", "data", "--format", "jsonl"]));
    let value = of_kind(&all, "value").into_iter().find(|value| value["place"] == "wal").unwrap();
    // The database, at whose revision the entry would be applied, is of a cluster that the entry says nothing of.
    assert_eq!((&value["applied"], &value["cluster"]), (&Value::Null, &Value::Null));
    let list = tempfile::tempdir().unwrap();
    let list = list.path().join("list.csv");
    run_in(member.path(), &["scan", "data", "-q", "--rotate-list", list.to_str().unwrap()]);
    let rows = fs::read_to_string(list).unwrap();
    let row = rows.lines().find(|row| row.contains("data/member/wal")).unwrap();
    assert!(row.ends_with("not-known"), "{row}");
}

/// What a member in several places needs next names all of them, and says the same when it is run.
#[test]
fn what_to_do_next_names_every_place_of_a_member() {
    let secret = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"b","namespace":"a","uid":"u"}}"#;
    let member = Directory::of("fresh");
    let (applied, own) = (member.applied, member.member);
    let requests = [&[member_added(own)][..], &nothing(applied - 1), &[put("/registry/secrets/a/b", secret)]].concat();
    let member = member.log_of(own, 1, &requests, applied + 1);
    let data = member.path().join("data/member");
    fs::rename(data.join("snap/db"), member.path().join("a b.db")).unwrap();
    fs::rename(data.join("wal"), member.path().join("log")).unwrap();
    for inputs in [["a b.db", "log"], ["log", "a b.db"]] {
        let (_, shown) = text(&run_in(member.path(), &[&["scan"][..], &inputs].concat()));
        let wanted = format!("NEXT  etcd-sleuth scan {} --rotate-list rotate.csv", inputs.join(" ").replace("a b.db", "'a b.db'"));
        assert!(shown.lines().any(|line| line == wanted), "{wanted}: {shown}");
        assert!(shown.contains("prod") || shown.contains("a/b"), "{shown}");
    }
}

/// etcd names no segment before its CRC and its metadata are written: one that does not have them, of any length, has lost what stood in it.
/// What is preallocated for the next one bears no such name, and holds nothing.
#[test]
fn a_segment_without_its_beginning_is_not_whole() {
    let begin = segment_of((7, 8), 1, &[], 0);
    for (lost, what) in [(vec![], "0 bytes"), (vec![0; 1], "1 byte "), (vec![0; 8192], "8192 bytes"), (begin[..6].to_vec(), "6 bytes")] {
        let member = Directory::of("migration");
        let applied = member.applied;
        let member = member.log(1, &nothing(applied), applied);
        let at = member.path().join(format!("data/member/wal/{:016x}-{:016x}.wal", 1, applied + 1));
        fs::write(at.with_file_name("0.tmp"), vec![0; 8192]).unwrap();
        assert_eq!(text(&run_in(member.path(), &["check", "data", "-q"])).0, 0);
        fs::write(&at, &lost).unwrap();
        let (code, shown) = text(&run_in(member.path(), &["check", "data"]));
        assert!(code == 3 && shown.contains("file-truncated") && shown.contains(what), "{shown}");
        let (existing, unknown, shown) = readable(&member);
        assert!(existing == 0 && unknown > 0, "{shown}");
        let recovered = run_in(member.path(), &["recover", "data"]);
        assert_eq!(recovered.status.code(), Some(3), "{}", stderr(&recovered));
        assert!(records(&recovered).iter().all(|one| one["standing"] != "current"));
        // By itself too.
        let file = at.strip_prefix(member.path()).unwrap().to_str().unwrap().to_owned();
        assert_eq!(text(&run_in(member.path(), &["scan", &file])).0, 3);
    }
}

/// A learner, a member that was restored from a backup of other members, one whose database is behind the entry that adds it, and one
/// whose log begins later and says nothing of members.
#[test]
fn a_log_of_which_nothing_proves_that_it_is_anothers_is_the_members() {
    let learner = Directory::of("fresh");
    let applied = learner.applied;
    let conf_state = [number(1, 5), number(2, 7)].concat();
    fs::write(
        learner.path().join(format!("data/member/snap/{:016x}-{applied:016x}.snap", 2)),
        raft_snapshot_of(&conf_state, STORE, applied),
    )
    .unwrap();
    let restored = Directory::of("fresh").snapshot(applied);
    let mut behind = nothing(applied + 2);
    behind[0] = member_added(learner.member);
    behind[usize::try_from(applied).unwrap()] = member_added(7);
    for member in [
        learner.log_of(7, applied, &nothing(2), applied + 1),
        restored.log_of(7, 1, &nothing(applied + 1), applied + 1),
        Directory::of("fresh").log_of(7, 1, &behind, applied + 2),
        Directory::of("fresh").log_of(7, 2, &nothing(applied), applied + 1),
    ] {
        assert_eq!(member.told(), (vec![], Some(0)));
    }
}

/// What the first screen says: of how many Secrets that can be read it is said that they exist, of how many it is not known; and all of it.
fn readable(member: &Directory) -> (u64, u64, String) {
    let shown = text(&run_in(member.path(), &["scan", "data"])).1;
    let line = shown.lines().nth(1).unwrap();
    let number = |text: &str| text.trim().split(' ').next().unwrap().parse::<u64>().unwrap();
    let unknown = line.split_once("; of ").map_or(0, |(_, rest)| number(rest));
    (number(line), unknown, shown)
}

/// What committed entries behind the database touch is not said to exist: one key, a range of them, either branch of a transaction.
/// What nobody agreed on, and what only adds a key, takes nothing away.
#[test]
fn what_the_log_has_behind_the_database_is_not_known() {
    let fixture = "migration";
    let bare = Directory::of(fixture);
    let (applied, all) = (bare.applied, nothing(bare.applied));
    let names: Vec<String> = of_kind(&records(&run_in(bare.path(), &["scan", "data/member/snap/db", "--format", "jsonl"])), "value")
        .iter()
        .filter(|v| v["group_resource"] == "secrets" && v["retention"] == "current" && v["protection"] == "plaintext")
        .map(|v| v["key"].as_str().unwrap().to_owned())
        .collect();
    let with = |requests: Vec<Vec<u8>>, commit: u64| Directory::of(fixture).log(1, &[all.clone(), requests].concat(), applied + commit);
    let (existing, unknown, _) = readable(&with(vec![], 0));

    assert!(existing > 2 && unknown == 0 && names.len() > 2, "{existing} {unknown}");

    let (now, lost, shown) = readable(&with(vec![delete(&names[0], "")], 1));
    assert_eq!((now, lost), (existing - 1, 1), "{shown}");
    assert!(shown.contains("of 1 neither is known, the database has not applied all of its log"), "{shown}");
    let (now, lost, shown) = readable(&with(vec![delete("/registry/secrets/", "/registry/secrets0")], 1));
    assert_eq!((now, lost), (0, existing), "{shown}");
    let op = |field, request: Vec<u8>| bytes(field, &bytes(2, &request[2..]));
    let branches = [2, 3].map(|branch| bytes(6, &op(branch, put(&names[0], "x"))));
    for txn in branches {
        let (now, lost, shown) = readable(&with(vec![txn], 1));
        assert_eq!((now, lost), (existing - 1, 1), "{shown}");
    }
    // Proposed, and not known to be agreed on.
    let (now, lost, shown) = readable(&with(vec![delete(&names[0], "")], 0));
    assert_eq!((now, lost), (existing, 0), "{shown}");
    // Another key.
    let (now, lost, shown) =
        readable(&with(vec![put("/registry/secrets/new/one", "k8s:enc:aescbc:v1:k:\x01123456789abcdef0123456789abcdef")], 1));
    assert_eq!((now, lost), (existing, 0), "{shown}");
}

/// Whether a key's newest revision is what it has now is decided once: rows, counts, findings, the list for those who rotate, exit
/// codes, and what is said of the encryption key that may still be needed, follow it.
#[test]
fn what_is_not_known_to_be_current_is_nowhere_called_so() {
    let make = |requests: &[Vec<u8>]| {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("data/member/snap")).unwrap();
        fs::create_dir_all(dir.path().join("data/member/wal")).unwrap();
        let plain = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","namespace":"p","uid":"u"}}"#.to_vec();
        let sealed = b"k8s:enc:aescbc:v1:old:\x01123456789abcdef0123456789abcdef".to_vec();
        let write = |main: u64, key: &str, value: &[u8]| Write { main, key: key.as_bytes().to_vec(), value: value.to_vec() }.entry();
        let entries = [write(2, "/registry/secrets/p/a", &plain), write(3, "/registry/secrets/p/b", &sealed)];
        fs::write(dir.path().join("data/member/snap/db"), pages::database(&[pages::root_at(3, 10), pages::leaf(3, &entries)])).unwrap();
        let log = segment_from(1, &[&nothing(10)[..], requests].concat(), 10 + requests.len() as u64);
        fs::write(dir.path().join(format!("data/member/wal/{:016x}-{:016x}.wal", 0, 1)), log).unwrap();
        dir
    };
    let told = |dir: &Path| {
        let out = tempfile::tempdir().unwrap();
        let list = out.path().join("list.csv");
        let all = records(&run_in(dir, &["scan", "data", "--format", "jsonl", "--rotate-list", list.to_str().unwrap()]));
        let in_tree: Vec<_> = of_kind(&all, "value").iter().filter(|v| v["place"] == "tree").map(|v| v["retention"].clone()).collect();
        let summary = of_kind(&all, "summary")[0].clone();
        let now = ["plaintext", "encrypted", "not_known"].map(|form| summary["secrets_current"][form].as_u64().unwrap());
        let readable = ["existing", "not_known", "current", "newest"].map(|part| summary["secrets_readable"][part].as_u64().unwrap());
        let rule = of_kind(&all, "finding")[0]["rule"].as_str().unwrap().to_owned();
        let row = fs::read_to_string(list).unwrap().lines().nth(1).unwrap().to_owned();
        let code = |args: &[&str]| run_in(dir, args).status.code().unwrap();
        let codes = ["any", "retained", "current"].map(|fail_on| code(&["scan", "data", "--fail-on", fail_on]));
        (in_tree, now, readable, rule, row, codes, code(&["keys", "data", "--retire", "aescbc/old"]))
    };
    let (in_tree, now, readable, rule, row, codes, retired) = told(make(&[]).path());
    assert_eq!((in_tree, now, readable), (vec!["current".into(); 2], [1, 1, 0], [1, 0, 1, 0]));
    assert_eq!((rule.as_str(), codes, retired), ("plaintext-current", [2, 2, 2], 2));
    assert!(row.ends_with(",current,2,yes"), "{row}");

    let dir = make(&[delete("/registry/secrets/", "/registry/secrets0")]);
    let (in_tree, now, readable, rule, row, codes, retired) = told(dir.path());
    assert_eq!((in_tree, now, readable), (vec!["newest".into(); 2], [0, 0, 2], [0, 1, 0, 1]));
    assert_eq!((rule.as_str(), codes, retired), ("plaintext-newest", [2, 2, 3], 3));
    assert!(row.ends_with(",newest,2,not-known"), "{row}");
    for (args, not_said) in [(&["scan", "data"][..], "current"), (&["show", "data", "p/a"], "current"), (&["scan", "-q", "data"], " now")] {
        let (_, shown) = text(&run_in(dir.path(), args));
        let rest = shown.lines().filter(|line| !line.contains("need") || !line.contains("current"));
        assert!(rest.clone().all(|line| !line.contains(not_said) || line.contains("perhaps")), "{shown}");
    }

    // What the log alone has in plaintext may be current too; of two keys it is not known what they have now.
    let secret = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"c","namespace":"p","uid":"u"}}"#;
    let dir = make(&[
        put("/registry/secrets/p/c", secret),
        put("/registry/secrets/p/a", "k8s:enc:aescbc:v1:old:\x01123456789abcdef0123456789abcdef"),
    ]);
    assert_eq!(run_in(dir.path(), &["scan", "data", "--fail-on", "current"]).status.code(), Some(3));
    fs::write(dir.path().join("enc.yaml"), "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{aescbc: {keys: [{name: old, secret: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=}]}}]}]\n").unwrap();
    let all = records(&run_in(dir.path(), &["verify", "data", "--encryption-config", "enc.yaml", "--format", "jsonl"]));
    let left = of_kind(&all, "summary")[0]["verify"]["left"].clone();
    assert!(left.as_array().unwrap().iter().any(|left| left["why"] == "not-applied" && left["count"] == 2), "{left}");
}

/// Where committed entries behind the database are missing, no key is known to be as the database has it.
#[test]
fn behind_missing_entries_nothing_is_known_to_exist() {
    for (member, is_known) in [
        (Directory::of("migration"), true),
        // A raft snapshot stands for entries that neither the database nor a log has.
        (Directory::of("migration").snapshot(1 << 40), false),
    ] {
        let (existing, unknown, shown) = readable(&member);
        assert_eq!((existing > 0, unknown > 0), (is_known, !is_known), "{shown}");
    }
    // The log begins too late, and ends before what it calls committed.
    let applied = Directory::of("migration").applied;
    for (first, count, commit) in [(applied + 3, 4, applied + 6), (1, applied + 1, applied + 9)] {
        let (existing, unknown, shown) = readable(&Directory::of("migration").log(first, &nothing(count), commit));
        assert!(existing == 0 && unknown > 0, "{shown}");
    }
}

/// A log that ends in a torn record before what the database has applied lacks entries, whatever the tear is of; one that is torn behind
/// what was applied lacks none.
#[test]
fn a_torn_log_that_ends_before_the_database_lacks_entries() {
    for (kept, lacks) in [(-3i64, true), (-1, true), (0, false), (2, false)] {
        for torn in [1, 9, 20] {
            let member = Directory::of("fresh");
            let kept = member.applied.checked_add_signed(kept).unwrap();
            let entries = |count: u64| [&[member_added(member.member)][..], &nothing(count - 1)].concat();
            let (whole, more) = (segment_from(1, &entries(kept), kept), segment_from(1, &entries(kept + 1), kept));
            // Up to the hard state, which comes last, both are the same.
            let same = whole.iter().zip(&more).take_while(|(a, b)| a == b).count() & !7;
            let at = member.path().join(format!("data/member/wal/{:016x}-{:016x}.wal", 0, 1));
            fs::write(at, &more[..same + torn]).unwrap();
            let (told, code) = member.told();
            let expected = if lacks { vec!["index-past-log".to_owned()] } else { vec![] };
            assert_eq!((told, code), (expected, Some(3)), "{kept} {torn}");
            let shown = text(&run_in(member.path(), &["check", "data"])).1;
            assert!(shown.contains("wal-torn-record"), "{shown}");
        }
    }
    // Of this log no entry can be read at all.
    let member = Directory::of("fresh");
    let (none, one) = (segment_from(1, &[], 0), segment_from(1, &nothing(1), 0));
    let same = none.iter().zip(&one).take_while(|(a, b)| a == b).count() & !7;
    fs::write(member.path().join(format!("data/member/wal/{:016x}-{:016x}.wal", 0, 1)), &one[..same + 20]).unwrap();
    assert_eq!(member.told(), (vec!["index-past-log".to_owned()], Some(3)));
}

/// A lease that is revoked takes its keys with it: those that the database has attached to it are not said to exist.
#[test]
fn keys_of_a_lease_that_the_log_revokes_are_not_known_to_exist() {
    let with = |requests: &[Vec<u8>], commit: u64| {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("data/member/snap")).unwrap();
        fs::create_dir_all(dir.path().join("data/member/wal")).unwrap();
        let secret =
            |name: &str| format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"p","uid":"u"}}}}"#);
        let write = |main: u64, name: &str, lease: i64| {
            let write = Write { main, key: format!("/registry/secrets/p/{name}").into_bytes(), value: secret(name).into_bytes() };
            pages::Entry::value(&write.stored_under(), &write.stored_with(lease))
        };
        let entries = [write(2, "a", 0), write(3, "b", 77), write(4, "c", 78), write(5, "d", 77)];
        fs::write(dir.path().join("data/member/snap/db"), pages::database(&[pages::root_at(3, 10), pages::leaf(3, &entries)])).unwrap();
        let mut all = nothing(10);
        all.extend_from_slice(requests);
        fs::write(dir.path().join(format!("data/member/wal/{:016x}-{:016x}.wal", 0, 1)), segment_from(1, &all, 10 + commit)).unwrap();
        readable(&Directory { dir, applied: 10, member: 7 })
    };
    let (now, lost, shown) = with(&[], 0);
    assert_eq!((now, lost), (4, 0), "{shown}");
    let (now, lost, shown) = with(&[revoke(77)], 1);
    assert_eq!((now, lost), (2, 2), "{shown}");
    // A lease that nothing goes with, and one whose revocation nobody agreed on.
    for (requests, commit) in [(&[revoke(99)][..], 1), (&[revoke(77)], 0), (&[put_with_lease("/registry/other", 77)], 1)] {
        let (now, lost, shown) = with(requests, commit);
        assert_eq!((now, lost), (4, 0), "{shown}");
    }
}

/// A member with one encrypted Secret, `p/a`, whose database has applied two entries.
fn encrypted() -> Directory {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("data/member/snap")).unwrap();
    fs::create_dir_all(dir.path().join("data/member/wal")).unwrap();
    let value = b"k8s:enc:aescbc:v1:k:\x01123456789abcdef0123456789abcdef".to_vec();
    let entry = Write { main: 2, key: b"/registry/secrets/p/a".to_vec(), value }.entry();
    fs::write(dir.path().join("data/member/snap/db"), pages::database(&[pages::root_at(3, 2), pages::leaf(3, &[entry])])).unwrap();
    Directory { dir, applied: 2, member: 7 }
}

/// What a log wrote last stands in the database that has applied it. Where none of several writes does, and their keys are not there, the
/// two are of different members, whatever else agrees: nothing is joined. A few writes prove nothing, nor do those that were undone.
#[test]
fn a_log_of_which_nothing_stands_in_the_database_is_anothers() {
    let names = ["a", "b", "c", "d"];
    let key = |name: &str| format!("/registry/secrets/p/{name}");
    let put_of = |name: &&str| put(&key(name), "k8s:enc:aescbc:v1:k:\x01123456789abcdef0123456789abcdef");
    let puts: Vec<Vec<u8>> = names.iter().map(put_of).collect();
    let in_branch = |field: u64| -> Vec<Vec<u8>> { puts.iter().map(|put| bytes(6, &bytes(field, &bytes(2, &put[2..])))).collect() };
    let gone = |request: Vec<u8>| [&puts[..], &[request]].concat();
    let (theirs, joined) = (vec!["wal-of-another-member".to_owned()], vec![]);
    // The database has applied every entry; it has one Secret, `p/a`.
    for (what, own, requests, told) in [
        ("puts", "x", puts.clone(), &theirs),
        ("transactions", "x", in_branch(2), &theirs),
        ("the same key", "a", puts.clone(), &joined),
        ("two writes", "x", puts[..2].to_vec(), &joined),
        ("branches that need not have run", "x", in_branch(3), &joined),
        ("deleted since", "x", gone(delete("/registry/", "/registry0")), &joined),
        ("what is not known", "x", gone(bytes(2000, b"")), &joined),
        ("leases", "x", names.iter().map(|name| put_with_lease(&key(name), 7)).collect(), &joined),
        ("nothing at all", "x", nothing(4), &joined),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("data/member/snap")).unwrap();
        fs::create_dir_all(dir.path().join("data/member/wal")).unwrap();
        let all = [nothing(1), requests].concat();
        let applied = all.len() as u64;
        let value = b"k8s:enc:aescbc:v1:k:\x01123456789abcdef0123456789abcdef".to_vec();
        let entry = Write { main: 2, key: key(own).into_bytes(), value }.entry();
        fs::write(dir.path().join("data/member/snap/db"), pages::database(&[pages::root_at(3, applied), pages::leaf(3, &[entry])]))
            .unwrap();
        let member = Directory { dir, applied, member: 7 }.log_of(7, 1, &all, applied);
        assert_eq!(member.told(), (told.clone(), Some(if told.is_empty() { 0 } else { 3 })), "{what}");
        let scanned = records(&run_in(member.path(), &["scan", "data", "--format", "jsonl"]));
        let is_joined = of_kind(&scanned, "evidence").iter().all(|evidence| evidence["role"] == "member");
        assert_eq!(is_joined, told.is_empty(), "{what}");
    }
    // What the database has not applied need not be there.
    let ahead = encrypted().log_of(7, 1, &[nothing(2), puts].concat(), 6);
    assert_eq!(ahead.told(), (vec![], Some(0)));
}

/// The headline of a member that leaves something out is about what could be read of it, whichever of its files shows that.
#[test]
fn the_headline_of_an_incomplete_member_says_so() {
    for (member, is_whole) in [
        (encrypted().log_of(7, 1, &nothing(2), 2), true),
        (encrypted().log_of(7, 5, &nothing(2), 6), false),
        (encrypted().snapshot(9).log_of(7, 1, &nothing(2), 2), false),
    ] {
        let (code, shown) = text(&run_in(member.path(), &["scan", "data"]));
        let headline = shown.lines().next().unwrap();
        assert_eq!((code == 0, headline == "NO PLAINTEXT SECRET FOUND IN THIS DIRECTORY"), (is_whole, is_whole), "{shown}");
        assert!(is_whole || headline == "NO PLAINTEXT SECRET FOUND IN WHAT COULD BE READ OF THIS DIRECTORY", "{shown}");
    }
}

/// `recover` tells the same story as `scan`: a key that the log touches behind the database is not called current, and entries that stand
/// nowhere are not among those that a scan would show.
#[test]
fn a_recovery_follows_the_story() {
    let key = "/registry/secrets/p/a";
    for (what, member, standing, said) in [
        ("all applied", encrypted().log_of(7, 1, &nothing(2), 2), "current", &[][..]),
        ("deleted", encrypted().log_of(7, 1, &[nothing(2), vec![delete(key, "")]].concat(), 3), "newest", &["entry 3 is newer than"]),
        (
            "not agreed on",
            encrypted().log_of(7, 1, &[nothing(2), vec![delete(key, "")]].concat(), 2),
            "current",
            &["entry 3 is newer than"],
        ),
        ("another key", encrypted().log_of(7, 1, &[nothing(2), vec![delete("/registry/x", "")]].concat(), 3), "current", &["entry 3 is"]),
        (
            "a gap",
            encrypted().log_of(7, 5, &[nothing(1), vec![put(key, "x")]].concat(), 6),
            "newest",
            &["entry 6 is newer than", "entries 3 to 4 stand nowhere"],
        ),
        // A leader begins with an entry that asks for nothing; a member says its name and the cluster its version; what is compacted is no
        // write, nor is what the v2 API has.
        ("nothing is written", encrypted().log_of(7, 1, &[nothing(2), without_writes()].concat(), 3), "current", &[]),
        (
            "a write among them",
            encrypted().log_of(7, 1, &[nothing(2), without_writes(), vec![put(key, "x")], without_writes()].concat(), 2),
            "current",
            &["is newer than the database, and was not applied"],
        ),
        ("a raft snapshot", encrypted().snapshot(9).log_of(7, 1, &nothing(2), 2), "newest", &["entries 3 to 9 stand nowhere"]),
        ("commit past the end", encrypted().log_of(7, 1, &nothing(2), 5), "newest", &["entries 3 to 5 stand nowhere"]),
    ] {
        let output = sleuth().current_dir(member.path()).args(["recover", "data", "-o", "out.jsonl"]).output().unwrap();
        let (code, shown) = (output.status.code().unwrap(), stderr(&output));
        let records = fs::read_to_string(member.path().join("out.jsonl")).unwrap();
        assert!(records.contains(&format!(r#""standing":"{standing}""#)), "{what}: {records}");
        assert_eq!(code == 0, said.is_empty(), "{what}: {shown}");
        said.iter().for_each(|said| assert!(shown.contains(said), "{what}: {said}: {shown}"));
    }
}

/// Of several members the one whose directory it is stands in the Cluster lines, by the ID that its log begins with; a learner is called one,
/// and is no alarm.
#[test]
fn a_directorys_member_is_named_and_a_learner_is_called_one() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("data/member/snap")).unwrap();
    fs::create_dir_all(dir.path().join("data/member/wal")).unwrap();
    let member = |id: &str, name: &str, is_learner: bool| {
        pages::Entry::value(id.as_bytes(), format!(r#"{{"id":1,"name":"{name}","isLearner":{is_learner}}}"#).as_bytes())
    };
    for (learner, own) in [(true, "this is member node-2 (7, a learner)"), (false, "this is member node-2 (7)")] {
        let members = pages::Entry::inline_bucket(b"members", &[member("5", "node-1", false), member("7", "node-2", learner)]);
        let meta = pages::Entry::inline_bucket(b"meta", &[pages::Entry::value(b"consistent_index", &4u64.to_be_bytes())]);
        // In the order of their names.
        let root = pages::leaf(2, &[pages::Entry::bucket(b"key", 3), members, meta]);
        let leaf = pages::leaf(
            3,
            &[Write {
                main: 2,
                key: b"/registry/secrets/p/a".to_vec(),
                value: b"k8s:enc:aescbc:v1:k:\x01123456789abcdef0123456789abcdef".to_vec(),
            }
            .entry()],
        );
        fs::write(dir.path().join("data/member/snap/db"), pages::database(&[root, leaf])).unwrap();
        fs::write(dir.path().join(format!("data/member/wal/{:016x}-{:016x}.wal", 0, 1)), segment_from(1, &nothing(4), 4)).unwrap();
        let (code, shown) = text(&run_in(dir.path(), &["scan", "data"]));
        assert!(shown.contains(own) && shown.contains("2 members node-1 (5) node-2 (7"), "{shown}");
        assert_eq!(code, 0, "{shown}");
    }
}

/// A member's files tell the same story where they stand in one directory, without those that etcd puts them into, or are given each by itself.
#[test]
fn a_members_raft_snapshot_is_its_own_wherever_it_stands() {
    let member = Directory::of("fresh");
    let (applied, own) = (member.applied, member.member);
    let (all, last) = (applied + 2, applied + 5);
    let snapshot = raft_snapshot_of(&number(1, own), STORE, last);
    let member = member.log_of(own, 1, &nothing(all), all);
    let name = format!("{:016x}-{last:016x}.snap", 2);
    fs::write(member.path().join("data/member/snap").join(&name), &snapshot).unwrap();
    let told = member.told();
    assert_eq!(told.0, ["raft-snapshot-ahead"]);
    let flat = member.path().join("flat");
    fs::create_dir(&flat).unwrap();
    let mut files = vec![("member/snap", "db".to_owned()), ("member/snap", name)];
    files.extend(
        fs::read_dir(member.path().join("data/member/wal"))
            .unwrap()
            .map(|entry| ("member/wal", entry.unwrap().file_name().into_string().unwrap())),
    );
    for (part, name) in &files {
        fs::copy(member.path().join("data").join(part).join(name), flat.join(name)).unwrap();
    }
    let each: Vec<String> = files.iter().map(|(_, name)| format!("flat/{name}")).collect();
    let each: Vec<&str> = each.iter().map(String::as_str).collect();
    for inputs in [&["flat"][..], &each] {
        for command in ["check", "scan"] {
            let output = run_in(member.path(), &[&[command], inputs, &["--format", "jsonl"]].concat());
            let all = records(&output);
            let classes: Vec<_> = of_kind(&all, "anomaly").iter().map(|anomaly| anomaly["class"].clone()).collect();
            assert!(
                classes.contains(&"raft-snapshot-ahead".into()) && matches!(output.status.code(), Some(2 | 3)),
                "{command} {inputs:?} {classes:?}"
            );
            let roles: Vec<_> = of_kind(&all, "evidence").iter().map(|evidence| evidence["role"].clone()).collect();
            assert!(roles.iter().all(|role| role == "member") && roles.len() == files.len(), "{command} {inputs:?} {roles:?}");
        }
    }
}

/// A write that a later leader overrode was never carried out, and one of a branch that need not have run perhaps never: neither is a Secret
/// that was deleted, and every command says which it is.
#[test]
fn a_write_that_was_never_carried_out_is_no_deleted_secret() {
    let secret = |name: &str| format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"ns","uid":"u"}}}}"#);
    let request = |name: &str| [bytes(1, format!("/registry/secrets/ns/{name}").as_bytes()), bytes(2, secret(name).as_bytes())].concat();
    let put = |name: &str| bytes(4, &request(name));
    // A request of a transaction: its comparison holds, or does not.
    let branch = |field: u64, name: &str| bytes(6, &bytes(field, &bytes(2, &request(name))));
    let (success, failure) = (|name: &str| branch(2, name), |name: &str| branch(3, name));
    let read = || bytes(3, &bytes(1, b"/read"));
    let encrypted = |name: &str, main: u64| Write {
        key: format!("/registry/secrets/ns/{name}").into_bytes(),
        value: b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef".to_vec(),
        ..Write::at(main)
    };
    for (what, entries, name, counts, exists, place, said) in [
        ("carried out", vec![(3, 2, put("gone"))], "gone", (0, 1, 0), "deleted", "log", None),
        ("overridden", vec![(3, 2, put("ghost")), (3, 3, read())], "ghost", (0, 0, 1), "never", "log-never", Some("never carried out")),
        (
            "overridden, of one that exists",
            vec![(3, 2, put("own")), (3, 3, read())],
            "own",
            (1, 0, 0),
            "yes",
            "log-never",
            Some("never carried out"),
        ),
        (
            "a failure branch",
            vec![(3, 2, failure("ghost"))],
            "ghost",
            (0, 0, 1),
            "perhaps-never",
            "log-perhaps-never",
            Some("perhaps never carried out"),
        ),
        ("a success branch", vec![(3, 2, success("gone"))], "gone", (0, 1, 0), "deleted", "log", None),
        ("both", vec![(3, 2, failure("gone")), (4, 2, put("gone"))], "gone", (0, 1, 0), "deleted", "log log-perhaps-never", None),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("data/member/snap")).unwrap();
        fs::create_dir_all(dir.path().join("data/member/wal")).unwrap();
        let applied = 2 + entries.len() as u64;
        let database = pages::database(&[pages::root_at(3, applied), pages::leaf(3, &[encrypted("own", 2).entry()])]);
        fs::write(dir.path().join("data/member/snap/db"), database).unwrap();
        let mut all = vec![(1, 2, read()), (2, 2, read())];
        all.extend(entries);
        // What was overridden is not there a second time.
        let last = all.last().unwrap().0;
        all.extend((last + 1..=applied).map(|index| (index, 3, read())));
        let log = segment_of_entries(0, (7, 8), &all, applied).0;
        fs::write(dir.path().join("data/member/wal/0000000000000000-0000000000000000.wal"), log).unwrap();
        let run = |args: &[&str]| run_in(dir.path(), args);
        let list = tempfile::tempdir().unwrap();
        let list = list.path().join("rotate.csv");
        let records = records(&run(&["scan", "data", "--format", "jsonl", "--rotate-list", list.to_str().unwrap()]));
        let readable = &of_kind(&records, "summary")[0]["secrets_readable"];
        let (existing, deleted, never) = counts;
        let wanted = [("total", 1), ("existing", existing), ("deleted", deleted), ("never_carried_out", never), ("log", 1 - never)];
        for (field, wanted) in wanted {
            assert_eq!(readable[field], wanted, "{what}, {field}: {readable}");
        }
        let rotate = fs::read_to_string(list).unwrap();
        let row: Vec<&str> = rotate.lines().nth(1).unwrap().split(',').collect();
        assert_eq!((row[6], row[8]), (place, exists), "{what}: {rotate}");
        let (_, shown) = text(&run(&["scan", "data"]));
        let (_, quiet) = text(&run(&["scan", "-q", "data"]));
        let (_, object) = text(&run(&["show", "data", &format!("ns/{name}")]));
        assert_eq!(shown.contains("1 deleted"), deleted == 1, "{what}: {shown}");
        for said_of in [&shown, &quiet, &object] {
            match said {
                Some(said) => assert!(said_of.contains(said), "{what}, {said}: {said_of}"),
                None => assert!(what == "both" || !said_of.contains("carried out"), "{what}: {said_of}"),
            }
        }
        if never == 1 {
            let revealed = stderr(&run(&["show", "data", &format!("ns/{name}"), "--reveal"]));
            assert!(revealed.contains(said.unwrap()), "{what}: {revealed}");
        }
    }
}

/// Of each Secret that can be read the last line says the place in which it stands, whatever else was given.
#[test]
fn the_last_line_says_of_each_input_where_its_secrets_stand() {
    let secret = |name: &str| {
        format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"ns","uid":"u"}},"data":{{"a":"YQ=="}}}}"#)
    };
    let write =
        |name: &str| Write { key: format!("/registry/secrets/ns/{name}").into_bytes(), value: secret(name).into_bytes(), ..Write::at(2) };
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    // A database without a valid meta page, one with a tree, a raft snapshot, a log of another member beside a database.
    let mut lost = pages::database(&[pages::root_at(3, 4), pages::leaf(3, &[write("lost").entry()])]);
    lost[16..20].fill(0);
    lost[1024 + 16..1024 + 20].fill(0);
    put("lost.db", &lost);
    put("plain.db", &pages::database(&[pages::root_at(3, 4), pages::leaf(3, &[write("plain").entry()])]));
    let store = format!(
        r#"{{"Root":{{"Path":"/","Value":"","Children":{{"a":{{"Path":"/1/registry/secrets/ns/v2","Value":{},"Children":null}}}}}},"CurrentVersion":2}}"#,
        Value::from(secret("v2"))
    );
    put("data/member/snap/db", &pages::database(&[pages::root_at(3, 4), pages::leaf(3, &[Write::at(2).entry()])]));
    put("data/member/snap/0000000000000002-0000000000000003.snap", &raft_snapshot(&store, 3));
    put("data/member/wal/0000000000000000-0000000000000000.wal", &segment_from(1, &nothing(4), 4));
    let last = |args: &[&str]| text(&run_in(dir.path(), args)).1.lines().last().unwrap_or_default().to_owned();
    let alone = last(&["scan", "-q", "lost.db"]);
    assert!(alone.contains("1 on pages whose tree is lost"), "{alone}");
    let both = last(&["scan", "-q", "lost.db", "plain.db"]);
    assert!(both.contains("1 now, 1 on pages whose tree is lost"), "{both}");
    let snapshot = last(&["scan", "-q", "data"]);
    assert!(snapshot.contains("1 only in raft snapshots") && !snapshot.contains("in the log"), "{snapshot}");
    assert!(text(&run_in(dir.path(), &["scan", "data"])).1.lines().any(|line| line.contains("ns/v2") && line.contains("raft snapshots")));
    let carved = last(&["carve", "-q", "data", "plain.db"]);
    assert!(carved.contains("1 somewhere in these bytes") && carved.contains("1 only in raft snapshots"), "{carved}");
    let all = records(&run_in(dir.path(), &["carve", "data", "plain.db", "--format", "jsonl"]));
    let not_looked_at = of_kind(&all, "summary")[0]["not_looked_at"].to_string();
    let (_, shown) = text(&run_in(dir.path(), &["carve", "plain.db"]));
    for words in ["encrypted and compressed parts of these bytes that bear no sign of it", "values under another encoding"] {
        let unfolded = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(not_looked_at.contains(words) && unfolded.contains(words), "{words}: {not_looked_at} {shown}");
    }
}

/// Where a log and a database prove each other, a raft snapshot of other members is the stranger: it has an answer of its own, and nothing is
/// said of the member's own files for it.
#[test]
fn a_raft_snapshot_of_another_cluster_is_the_stranger() {
    let member = Directory::of("fresh");
    let (applied, own) = (member.applied, member.member);
    let requests = [&[member_added(own)][..], &nothing(applied - 1)].concat();
    let member = member.log_of(own, 1, &requests, applied);
    assert_eq!(member.told(), (vec![], Some(0)));
    let answer = |member: &Directory| {
        let all = records(&run_in(member.path(), &["scan", "data", "--format", "jsonl"]));
        let of = |kind: &str| {
            let one = of_kind(&all, "evidence").into_iter().find(|one| one["kind"] == kind).unwrap();
            (one["role"].clone(), one["log"]["ahead"].clone())
        };
        let unread: Vec<_> = of_kind(&all, "unread").iter().map(|one| one["reason"].clone()).collect();
        ([of("snapshot"), of("wal")], unread, of_kind(&all, "summary")[0]["members"].clone())
    };
    let without = answer(&member);
    for index in [applied - 1, applied + 9] {
        let name = format!("data/member/snap/{:016x}-{index:016x}.snap", 2);
        fs::write(member.path().join(&name), raft_snapshot_of(&number(1, 0x99), STORE, index)).unwrap();
        assert_eq!(member.told(), (vec![], Some(0)), "{index}");
        let with = answer(&member);
        assert_eq!((&with.0, &with.1, with.2.as_u64()), (&without.0, &without.1, Some(2)), "{index}");
        let all = records(&run_in(member.path(), &["scan", "data", "--format", "jsonl"]));
        let role = of_kind(&all, "evidence").into_iter().find(|one| one["path"] == name.as_str()).map(|one| one["role"].clone());
        assert_eq!(role, Some("file".into()));
        // The member's own one stays.
        let beside = format!("data/member/snap/{:016x}-{:016x}.snap", 2, applied - 2);
        fs::write(member.path().join(&beside), raft_snapshot_of(&number(1, own), STORE, applied - 2)).unwrap();
        assert_eq!((member.told(), answer(&member).2.as_u64()), ((vec![], Some(0)), Some(2)));
        fs::remove_file(member.path().join(beside)).unwrap();
        fs::remove_file(member.path().join(name)).unwrap();
    }
}
