//! Exit code 0 says that everything that was given was read: what was not is named everywhere, and what etcd and its distributions
//! put into a data directory is no alarm.

use crate::common;

use std::fs;
use std::path::{Path, PathBuf};

use common::pages;
use common::raft::{bytes, number, raft_snapshot_of, segment, segment_behind, segment_of};
use common::{Fixture, evidences, of_kind, records, run_as, run_in, stderr, text, unpack_directory};
use serde_json::Value;

const SEGMENT: &str = "0000000000000000-0000000000000000.wal";

/// The data directory of a server that was killed, below a folder in which nothing is in plaintext.
struct Given {
    dir: tempfile::TempDir,
    member: PathBuf,
    /// The program, where it is run by a user who may not list everything: where everybody may run it.
    of_nobody: Option<tempfile::TempDir>,
}

/// A user who owns nothing.
#[cfg(unix)]
const NOBODY: u32 = 65534;

impl Given {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let member = unpack_directory("killed", dir.path()).join("member");
        Self { dir, member, of_nobody: None }
    }

    /// The data directory of a member with one encrypted Secret.
    fn small() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let given = Self { member: dir.path().join("killed/member"), dir, of_nobody: None };
        let value = b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef".to_vec();
        let write = pages::Write { key: b"/registry/secrets/ns/x".to_vec(), value, ..pages::Write::at(2) };
        given.write("killed/member/snap/db", &pages::database(&[pages::root_at(3, 10), pages::leaf(3, &[write.entry()])]));
        given.write(&format!("killed/member/wal/{SEGMENT}"), &segment(&vec![bytes(3, &bytes(1, b"/read")); 10]));
        given
    }

    fn run(&self, args: &[&str]) -> std::process::Output {
        #[cfg(unix)]
        if let Some(program) = &self.of_nobody {
            let mut command = std::process::Command::new(program.path().join("etcd-sleuth"));
            std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
            return run_as(command, self.dir.path(), args);
        }
        run_in(self.dir.path(), args)
    }

    /// Takes from whoever runs the tests what he may do that others may not: nobody keeps root from listing a directory.
    #[cfg(unix)]
    fn give_to_nobody(&mut self) {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
        if fs::metadata(self.dir.path()).unwrap().uid() != 0 {
            return;
        }
        let mut all = vec![self.dir.path().to_owned()];
        while let Some(path) = all.pop() {
            chown(&path, Some(NOBODY), None).unwrap();
            if path.is_dir() {
                all.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        let program = tempfile::tempdir().unwrap();
        fs::set_permissions(program.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_etcd-sleuth"), program.path().join("etcd-sleuth")).unwrap();
        self.of_nobody = Some(program);
    }

    /// The exit code where plaintext is no reason, and the records.
    fn scan(&self, inputs: &[&str]) -> (Option<i32>, Vec<Value>) {
        let output = self.run(&[&["scan", "--fail-on", "never", "--format", "jsonl"], inputs].concat());
        (output.status.code(), records(&output))
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn reasons(all: &[Value]) -> Vec<(&str, &str)> {
    of_kind(all, "unread").into_iter().map(|one| (one["reason"].as_str().unwrap(), one["path"].as_str().unwrap())).collect()
}

fn paths(all: &[Value]) -> Vec<&str> {
    of_kind(all, "evidence").into_iter().map(|evidence| evidence["path"].as_str().unwrap()).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

/// Whatever was not read stands in the headline, the last line, under NOT LOOKED AT, in a finding, a condition and a record.
fn assert_told(given: &Given, input: &str, path: &str) {
    let (code, screen) = text(&given.run(&["scan", "--fail-on", "never", input]));
    assert_eq!(code, 3, "{screen}");
    let lines: Vec<&str> = screen.lines().collect();
    assert!(lines.iter().take(4).any(|line| line.contains("NOT ALL OF IT WAS READ") && line.contains(path)), "{path}:\n{screen}");
    assert!(lines.iter().any(|line| line.starts_with("NOT LOOKED AT: ") && line.contains(path)), "{path}:\n{screen}");
    let (code, quiet) = text(&given.run(&["scan", "--fail-on", "never", "-q", input]));
    assert!(code == 3 && quiet.contains(&format!("not read: {path}")), "{quiet}");
    let (_, all) = given.scan(&[input]);
    assert!(reasons(&all).iter().any(|(_, at)| *at == path), "{path}: {:?}", reasons(&all));
    let finding = of_kind(&all, "finding").into_iter().find(|finding| finding["rule"] == "not-read").unwrap();
    assert!(finding["about"].as_array().unwrap().iter().any(|about| about["path"] == path), "{finding}");
    for command in
        [&["check", input][..], &["keys", input], &["pages", input], &["show", input, "/nothing"], &["recover", input, "-o", "-"]]
    {
        let output = given.run(command);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
        if command[0] == "recover" && said.contains("recover reads a database") {
            continue;
        }
        assert!(output.status.code() != Some(0), "{command:?}: {said}");
        assert!(said.lines().any(|line| line.starts_with("NOT LOOKED AT: ") && line.contains(path)), "{command:?}: {said}");
    }
}

#[test]
fn what_stands_in_a_directory_and_is_not_read_is_told_everywhere() {
    for (name, bytes) in
        [("killed/member/snap/notes", &b"of somebody"[..]), ("killed/member/old.bin", &[0xff, 1, 2]), ("killed/a/b/c", b"text")]
    {
        let given = Given::new();
        given.write(name, bytes);
        assert_told(&given, "killed", name);
    }
}

/// What stands in a directory that cannot be listed is not known, also of one that is empty as a rule.
#[cfg(unix)]
#[test]
fn a_directory_that_cannot_be_listed_is_told_everywhere() {
    use std::os::unix::fs::PermissionsExt;
    let closed = |given: &Given, path: &str| {
        let path = given.dir.path().join(path);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o0)).unwrap();
    };
    assert_eq!(Given::small().scan(&["killed"]).0, Some(0));
    for path in ["killed/x", "killed/member/snap/old", "killed/lost+found", "killed/member/wal"] {
        let mut given = Given::small();
        closed(&given, path);
        given.give_to_nobody();
        assert_told(&given, "killed", path);
        let (_, all) = given.scan(&["killed"]);
        let summary = of_kind(&all, "summary")[0];
        assert!(summary["not_analysed"][0].as_str().is_some_and(|why| why.contains(path)), "{summary}");
        assert!(summary["conditions"].as_array().unwrap().iter().any(|condition| condition == "input-failed"), "{summary}");
        let retired = given.run(&["keys", "--retire", "aescbc/none", "--confirm-unseen", "killed"]);
        assert_eq!(retired.status.code(), Some(3), "{path}: {}", text(&retired).1);
    }
    // A member beside it says nothing of what is in it, and without one there may be one in it.
    let mut given = Given::small();
    for name in ["both/a", "both/b"] {
        copy(&given.dir.path().join("killed"), &given.dir.path().join(name));
    }
    closed(&given, "both/a/member/snap");
    closed(&given, "none/member");
    given.give_to_nobody();
    assert_told(&given, "both", "both/a/member/snap");
    let none = given.run(&["scan", "none"]);
    assert!(none.status.code() == Some(1) && stderr(&none).contains("none/member: "), "{}", stderr(&none));
}

#[test]
fn what_etcd_and_its_distributions_put_there_is_no_alarm() {
    let given = Given::new();
    assert_eq!((given.scan(&["killed"]).0, reasons(&given.scan(&["killed"]).1).len()), (Some(0), 0));
    for (name, bytes) in [
        ("killed/config", &b"name: server-1\n"[..]),
        ("killed/name", b"server-1"),
        ("killed/revision.json", b"{\"clusterId\":1}"),
        ("killed/.touch", b""),
        ("killed/standby_info", b"{\"Running\":false}"),
        ("killed/proxy/cluster", b"{\"PeerURLs\":[]}"),
        ("killed/member/.touch", b""),
        ("killed/member/snap/tmp995085740", b""),
        ("killed/fixtures/client/cert.pem", PEM.as_bytes()),
        ("killed/fixtures/peer/key.pem", PEM.replace("CERTIFICATE", "EC PRIVATE KEY").as_bytes()),
        ("killed/member_removal.log", b"Member 8e9e05c52164694d removed from cluster cdf818194e3a8c32\n"),
        ("killed/tombstone", b"\n"),
        ("killed/myid", b"etcd-a"),
        ("killed/state", &[bytes(1, &[bytes(2, b"token"), bytes(3, &[b'n'; 200])].concat()), bytes(2, b"3.5.9")].concat()),
        ("killed/etcd.conf.yml", b"name: m0\n"),
        ("killed/member/snap/db.tmp.1", &[0; 8192]),
        ("killed/member/wal/1.tmp", b""),
    ] {
        given.write(name, bytes);
    }
    fs::create_dir(given.dir.path().join("killed/lost+found")).unwrap();
    let (code, all) = given.scan(&["killed"]);
    assert_eq!((code, reasons(&all)), (Some(0), vec![]));
    assert_eq!(of_kind(&all, "summary")[0]["not_analysed"], Value::Array(Vec::new()));
}

const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIRAK+/\nZm9vYmFy\n-----END CERTIFICATE-----\n";

/// A database, an object or a key of somebody else's is none of what etcd and its distributions keep under these names.
#[test]
fn what_hides_under_a_name_that_is_known_is_told() {
    let write = pages::Write { key: b"/registry/secrets/ns/y".to_vec(), ..pages::Write::at(2) };
    let database = pages::database_of(&[write]);
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [&[7; 5][..], SECRET].concat());
    let lines = encoded.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n").collect::<String>();
    let of_pem = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n");
    for name in ["fixtures/client/key.pem", "member_removal.log", "tombstone", "myid", "state", "etcd.conf.yml"] {
        for (what, content) in [
            ("a database", &database[..]),
            ("a Secret", SECRET),
            ("a Secret as PEM", of_pem(&lines).as_bytes()),
            ("a key", PEM.replace("CERTIFICATE", "RSA PRIVATE KEY").as_bytes()),
        ] {
            if what == "a key" && name.ends_with("key.pem") {
                continue;
            }
            let given = Given::small();
            given.write(&format!("killed/{name}"), content);
            let (code, all) = given.scan(&["killed"]);
            let is_read = paths(&all).iter().any(|path| path.ends_with(name));
            assert!(is_read || code == Some(3) && reasons(&all).iter().any(|(_, path)| path.ends_with(name)), "{what} under {name}");
        }
    }
    // The same names elsewhere are nobody's.
    let given = Given::small();
    given.write("killed/certificates/key.pem", PEM.as_bytes());
    assert_eq!(reasons(&given.scan(&["killed"]).1), [("foreign", "killed/certificates/key.pem")]);
}

const SECRET: &[u8] =
    br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x","namespace":"ns"},"type":"Opaque","data":{"a":"TUFSS0VS"}}"#;

/// A name says nothing of what somebody put under it.
#[test]
fn what_holds_objects_or_keys_is_told_whatever_its_name() {
    let secret = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"},"type":"Opaque","data":{"password":"TUFSS0VS"}}"#;
    let pretty = secret.replace("\":", "\": ").replace(',', ",\n ");
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x20");
    let keys =
        "kind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - aescbc: {keys: [{name: a, secret: YQ==}]}\n";
    for name in ["config", "name", ".touch", "revision.json", "manifest.json", "metadata.json", "member_id", "etcd.conf.yaml"] {
        for (what, held) in [("an object", secret), ("an object for people", &pretty), ("base64", &encoded), ("keys", keys)] {
            let given = Given::new();
            given.write(&format!("killed/{name}"), held.as_bytes());
            let (code, all) = given.scan(&["killed"]);
            assert_eq!((code, reasons(&all)), (Some(3), vec![("foreign", format!("killed/{name}").as_str())]), "{what}");
            let archive = zip(&[("a.db", Fixture::named("etcd35").bytes), (name, held.as_bytes())]);
            let (code, all, _) = scan_bytes("a.zip", &archive);
            assert_eq!((code, reasons(&all)), (Some(3), vec![("not-unpacked", format!("a.zip!/{name}").as_str())]), "{what}");
        }
    }
}

/// Behind a snapshot's trailer any bytes may stand: what begins there and is not read is told by every command, as `carve` tells it.
#[test]
fn what_begins_behind_a_snapshot_is_told_and_what_does_not_is_no_alarm() {
    use base64::Engine;
    let database = Fixture::named("etcd35").bytes;
    let secret = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"},"type":"Opaque","data":{"password":"TUFSS0VS"}}"#;
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let yaml = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\ntype: Opaque\ndata:\n  password: TUFSS0VS\n";
    let escaped =
        common::raft::raft_snapshot(&serde_json::json!({ "Root": { "Value": std::str::from_utf8(secret).unwrap() } }).to_string(), 9);
    for (reason, behind) in [
        ("base64", base64::engine::general_purpose::STANDARD.encode(secret).into_bytes()),
        ("hex", hex.into_bytes()),
        ("text", yaml.as_bytes().to_vec()),
        ("escaped", escaped),
        ("compressed", [&[0; 5000][..], &gzip(secret)].concat()),
        ("compressed", [&b"garbage"[..], &gzip(secret)].concat()),
        ("compressed", [&b"7z\xbc\xaf\x27\x1c\0\x04"[..], &[7; 100]].concat()),
        ("compressed", [&b"\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0"[..], &[7; 100]].concat()),
    ] {
        let given = Given::new();
        given.write("a.db", &[database, &behind].concat());
        let (code, all) = given.scan(&["a.db"]);
        assert_eq!((code, reasons(&all)), (Some(3), vec![(reason, "a.db")]));
        assert!(of_kind(&all, "unread")[0]["offset"].as_u64().unwrap() >= database.len() as u64);
        for command in [&["scan", "a.db"][..], &["check", "a.db"], &["keys", "a.db"], &["pages", "a.db"], &["recover", "a.db", "-o", "-"]] {
            let output = given.run(command);
            let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(&output));
            assert!(output.status.code() != Some(0) && said.contains("carve a.db"), "{reason} {command:?}: {said}");
        }
    }
    for behind in [&[0xff; 38][..], &[0; 5000], b"a few words"] {
        let given = Given::new();
        given.write("a.db", &[database, behind].concat());
        let (code, all) = given.scan(&["a.db"]);
        assert_eq!((code, reasons(&all)), (Some(0), vec![]));
    }
}

/// What somebody put behind the pages of a database is said to stand there: the database did not delete it.
#[test]
fn of_a_secret_behind_the_pages_no_deletion_is_claimed() {
    let secret = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x","namespace":"ns"},"type":"Opaque","data":{"a":"YQ=="}}"#;
    let sealed = b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef".to_vec();
    let write = pages::Write { main: 2, key: b"/registry/secrets/ns/s".to_vec(), value: sealed };
    let given = Given::new();
    given.write("a.db", &[&pages::database_of(std::slice::from_ref(&write))[..], secret].concat());
    // What stands right behind the last page is a value of its own where it begins as one and has its end.
    let quiet = text(&given.run(&["scan", "-q", "a.db"])).1;
    assert!(quiet.contains("1 Secret readable without a key: 1 only behind the database's pages"), "{quiet}");
    given.write("a.db", &[&pages::database_of(&[write])[..], &[0; 500], secret, &[0; 200]].concat());
    let quiet = text(&given.run(&["scan", "-q", "a.db"])).1;
    assert!(quiet.contains("1 Secret readable without a key: 1 only behind the database's pages"), "{quiet}");
    let shown = text(&given.run(&["scan", "a.db"])).1;
    assert!(shown.contains("and 0 deleted") && shown.contains("Opaque  behind the database's pages"), "{shown}");
}

#[test]
fn databases_and_logs_in_other_places_of_a_directory_are_read() {
    let plaintext = Fixture::named("plaintext");
    for (name, reads) in [("killed/backup.db", 1), ("killed/member/snap/other", 1), ("killed/lost+found/#12", 1), ("killed/old/db", 1)] {
        let given = Given::new();
        given.write(name, plaintext.bytes);
        let (_, all) = given.scan(&["killed"]);
        assert_eq!(paths(&all).iter().filter(|path| **path == name).count(), reads, "{name}: {:?}", paths(&all));
    }
    let given = Given::new();
    copy(&given.member, &given.dir.path().join("killed/member.bak"));
    let (code, all) = given.scan(&["killed"]);
    assert_eq!((code, reasons(&all)), (Some(0), vec![]));
    assert_eq!(of_kind(&all, "summary")[0]["members"], 2);
    let own = paths(&all).iter().filter(|path| path.starts_with("killed/member/")).count();
    assert_eq!(paths(&all).iter().filter(|path| path.starts_with("killed/member.bak/")).count(), own);
}

#[test]
fn a_database_without_a_log_and_a_log_without_a_database_say_so() {
    for (part, reason) in [("snap", "no-database"), ("wal", "no-log")] {
        let given = Given::new();
        fs::remove_dir_all(given.member.join(part)).unwrap();
        let (code, all) = given.scan(&["killed"]);
        assert_eq!((code, reasons(&all)), (Some(3), vec![(reason, "killed")]));
        let (_, screen) = text(&given.run(&["scan", "killed"]));
        // What is there was read, and says what is missing.
        let missing = if part == "snap" { "the database of killed" } else { "the write-ahead log of killed" };
        let told = |line: &str| line.contains("NOT ALL OF IT IS THERE") && line.ends_with(missing);
        assert!(screen.lines().take(4).any(told) && !screen.contains("NOT ALL OF IT WAS READ"), "{screen}");
        let (_, quiet) = text(&given.run(&["scan", "-q", "killed"]));
        assert!(quiet.contains(&format!("; not there: {missing} (")) && !quiet.contains("not read:"), "{quiet}");
    }
}

/// A file that has several names in a directory is one input, and a segment is one whatever the case of its name.
#[cfg(unix)]
#[test]
fn a_file_is_read_once_and_by_any_case_of_its_name() {
    let given = Given::new();
    let whole = paths(&given.scan(&["killed"]).1).len();
    fs::hard_link(given.member.join("snap/db"), given.member.join("snap/db.bak")).unwrap();
    for entry in fs::read_dir(given.member.join("wal")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(name) = name.strip_suffix(".wal") {
            fs::rename(&entry, entry.with_file_name(format!("{name}.WAL"))).unwrap();
        }
    }
    let (code, all) = given.scan(&["killed"]);
    assert_eq!((code, paths(&all).len(), &of_kind(&all, "summary")[0]["members"]), (Some(0), whole, &1.into()), "{:?}", paths(&all));
    assert!(of_kind(&all, "evidence").iter().any(|one| one["kind"] == "wal" && one["role"] == "member"));
}

/// Parts of one member are joined also where one of them, or both, are packed.
#[test]
fn packed_parts_of_one_member_are_one_answer() {
    let given = Given::new();
    let packed = |part: &str| {
        let mut tar = tar::Builder::new(Vec::new());
        tar.sparse(false);
        tar.append_dir_all(part, given.member.join(part)).unwrap();
        gzip(&tar.into_inner().unwrap())
    };
    let segment = fs::read_dir(given.member.join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "wal"));
    let segment = fs::read(segment.unwrap()).unwrap();
    let database = fs::read(given.member.join("snap/db")).unwrap();
    let whole = given.scan(&["killed"]);
    let ahead = |all: &[Value]| of_kind(all, "evidence").iter().find(|one| one["kind"] == "wal").unwrap()["log"]["ahead"].clone();
    copy(&given.member.join("snap"), &given.dir.path().join("data/member/snap"));
    copy(&given.member.join("wal"), &given.dir.path().join("log/wal"));
    given.write("wal.tgz", &packed("wal"));
    given.write("snap.tgz", &packed("snap"));
    given.write("a.db", &database);
    given.write("db.gz", &gzip(&database));
    given.write("seg.wal.gz", &gzip(&segment));
    for inputs in [
        ["data", "wal.tgz"],
        ["wal.tgz", "data"],
        ["snap.tgz", "log"],
        ["snap.tgz", "wal.tgz"],
        ["a.db", "seg.wal.gz"],
        ["db.gz", "wal.tgz"],
    ] {
        let (code, all) = given.scan(&inputs);
        assert_eq!((code, reasons(&all)), (Some(0), vec![]), "{inputs:?}");
        assert_eq!((&of_kind(&all, "summary")[0]["members"], ahead(&all)), (&1.into(), ahead(&whole.1)), "{inputs:?}");
    }
    // Of an archive with more in it, or of another cluster, each is told by itself.
    let (_, all) = given.scan(&["data", "seg.wal.gz", "wal.tgz"]);
    assert!(of_kind(&all, "summary")[0]["members"].as_u64() > Some(1));
}

/// A log that is kept elsewhere, given beside its data directory, is the member's.
#[test]
fn two_inputs_that_are_parts_of_one_member_are_one_answer() {
    let whole = Given::new();
    let wanted = whole.scan(&["killed"]).1;
    let values = |all: &[Value]| {
        of_kind(all, "value")
            .into_iter()
            .map(|value| {
                let mut value = value.clone();
                value.as_object_mut().unwrap().remove("evidence");
                value.to_string()
            })
            .collect::<Vec<_>>()
    };
    for order in [["killed", "log"], ["log", "killed"]] {
        let given = Given::new();
        fs::rename(given.member.join("wal"), given.dir.path().join("log")).unwrap();
        let (code, all) = given.scan(&order);
        assert_eq!((code, reasons(&all), &of_kind(&all, "summary")[0]["members"]), (Some(0), vec![], &1.into()));
        assert_eq!(values(&all), values(&wanted));
    }
    // In one directory too.
    let given = Given::new();
    given.write("all/x", b"");
    fs::rename(given.member.join("wal"), given.dir.path().join("all/wal")).unwrap();
    fs::rename(given.dir.path().join("killed"), given.dir.path().join("all/data")).unwrap();
    let (code, all) = given.scan(&["all"]);
    assert_eq!((code, reasons(&all), values(&all)), (Some(0), vec![], values(&wanted)));
    // Another cluster's log is not.
    let given = Given::new();
    unpack_directory("segments", given.dir.path());
    fs::remove_dir_all(given.member.join("wal")).unwrap();
    let (code, all) = given.scan(&["killed", "segments"]);
    assert_eq!((code, &of_kind(&all, "summary")[0]["members"]), (Some(3), &2.into()));
    assert_eq!(reasons(&all).iter().map(|(reason, _)| *reason).collect::<Vec<_>>(), ["no-log", "no-database"]);
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_within_what_was_given_or_where_the_ids_say_whose_log_it_is() {
    use std::os::unix::fs::symlink;
    let wanted = Given::new().scan(&["killed"]).1;
    // The log, one segment, the database.
    for part in ["member/wal", &format!("member/wal/{SEGMENT}"), "member/snap/db"] {
        let given = Given::new();
        let (link, aside) = (given.dir.path().join("killed").join(part), given.dir.path().join("aside"));
        fs::rename(&link, &aside).unwrap();
        symlink(&aside, &link).unwrap();
        let (code, all) = given.scan(&["killed"]);
        assert_eq!((code, reasons(&all)), (Some(0), vec![]), "{part}");
        assert_eq!(of_kind(&all, "value").len(), of_kind(&wanted, "value").len(), "{part}");
        let through: Vec<_> = evidences(&all).into_iter().filter(|evidence| !evidence["link_target"].is_null()).collect();
        assert!(!through.is_empty() && through.iter().all(|one| one["link_target"].as_str().unwrap().contains("aside")), "{part}");
        // Within what was given, nothing need be proven, and everything is said once.
        let (code, all) = given.scan(&["killed", "aside"]);
        assert_eq!((code, reasons(&all), evidences(&all).len()), (Some(0), vec![], evidences(&wanted).len()), "{part}");
    }
    // A log of somebody else.
    for (part, other) in [("member/wal", "segments/member/wal".to_owned()), ("member/snap/db", "other.db".to_owned())] {
        let given = Given::new();
        unpack_directory("segments", given.dir.path());
        given.write("other.db", Fixture::named("etcd35").bytes);
        let link = given.dir.path().join("killed").join(part);
        fs::rename(&link, given.dir.path().join("aside")).unwrap();
        symlink(given.dir.path().join(&other), &link).unwrap();
        assert_told(&given, "killed", &format!("killed/{part}"));
        let (_, all) = given.scan(&["killed"]);
        assert_eq!(reasons(&all), [("leads-elsewhere", format!("killed/{part}").as_str())]);
        let told = &of_kind(&all, "unread")[0];
        assert!(told["target"].as_str().unwrap().ends_with(&other) && told["advice"].as_str().unwrap().contains("scan killed "), "{told}");
        assert!(evidences(&all).iter().all(|evidence| evidence["link_target"].is_null()));
    }
    // A link to nothing.
    let given = Given::new();
    fs::rename(given.member.join("wal"), given.dir.path().join("log")).unwrap();
    symlink("/nowhere/at/all", given.member.join("wal")).unwrap();
    assert_told(&given, "killed", "killed/member/wal");
    assert_eq!((given.scan(&["killed", "log"]).0, reasons(&given.scan(&["killed", "log"]).1)), (Some(0), vec![]));
}

/// Each file behind a link that leads out of what was given proves itself to be of the member: that the member's own database and log belong
/// together says nothing of it. What is not proven is named, and changes nothing of what is said of the others.
#[cfg(unix)]
#[test]
fn each_file_behind_a_link_proves_itself() {
    use std::os::unix::fs::symlink;
    let secret = |name: &str| format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"ns","uid":"u"}}}}"#);
    let put =
        |name: &str| bytes(4, &[bytes(1, format!("/registry/secrets/ns/{name}").as_bytes()), bytes(2, secret(name).as_bytes())].concat());
    let database = |uid: &str, name: &str| {
        let namespace = format!(r#"{{"kind":"Namespace","apiVersion":"v1","metadata":{{"name":"kube-system","uid":"{uid}"}}}}"#);
        let writes = [("namespaces/kube-system".to_owned(), namespace), (format!("secrets/ns/{name}"), secret(name))];
        let entry = |(main, (key, value)): (u64, &(String, String))| {
            pages::Write { main, key: format!("/registry/{key}").into_bytes(), value: value.clone().into_bytes() }.entry()
        };
        let writes = writes.iter().take(if name.is_empty() { 1 } else { 2 });
        pages::database(&[pages::root_at(3, 6), pages::leaf(3, &(2..).zip(writes).map(entry).collect::<Vec<_>>())])
    };
    let store = format!(
        r#"{{"Root":{{"Path":"/","Value":"","Children":{{"a":{{"Path":"/1/registry/secrets/ns/v2","Value":{},"Children":null}}}}}},"CurrentVersion":2}}"#,
        Value::from(secret("v2"))
    );
    let snapshot = |member: u64, index: u64| raft_snapshot_of(&number(1, member), &store, index);
    let read = |name: &str| bytes(3, &bytes(1, name.as_bytes()));
    let own = (7, 8);
    for ids in [own, IDS_OF_DEFAULTS] {
        // Three segments, of which the last one is the first that is given; the second begins with a raft snapshot that was taken.
        let (first, crc) = segment_behind(0, ids, 1, &[read("a"), read("b")], 2);
        let (second, crc) = segment_behind(crc, ids, 3, &[read("c"), read("d")], 4);
        let (third, crc) = segment_behind(crc, ids, 5, &[read("e"), read("f")], 6);
        let (fourth, _) = segment_behind(crc, ids, 7, &[put("g")], 7);
        let name = |seq: u64, index: u64| format!("member/wal/{seq:016x}-{index:016x}.wal");
        let snap = |index: u64| format!("member/snap/{:016x}-{index:016x}.snap", 2);
        let temporary = || "member/snap/db.tmp.1".to_owned();
        let left = || "member/snap/0000000000000005.snap.db".to_owned();
        for (what, links, is_followed) in [
            ("the segment behind", vec![(name(3, 7), fourth.clone())], true),
            ("the segments before", vec![(name(0, 0), first.clone()), (name(1, 3), second.clone())], true),
            ("a segment that is not beside", vec![(name(0, 0), first.clone())], false),
            ("a segment of other IDs", vec![(name(3, 7), segment_behind(crc, (0x11, 8), 7, &[put("x")], 7).0)], false),
            ("a segment that goes on from another", vec![(name(3, 7), segment_behind(9, ids, 7, &[put("x")], 7).0)], false),
            ("a copy", vec![(format!("{}.broken", name(2, 5)), third.clone())], true),
            ("a copy of another log", vec![(format!("{}.broken", name(2, 5)), segment_of(ids, 5, &[put("x"), read("f")], 6))], false),
            ("another's of that name", vec![("member/wal/0.tmp".to_owned(), segment_of(ids, 8, &[put("x")], 8))], false),
            ("the raft snapshot that was taken", vec![(snap(4), snapshot(ids.0, 4))], ids == own),
            ("a raft snapshot of other members", vec![(snap(4), snapshot(9, 4))], false),
            ("a raft snapshot of which the log says nothing", vec![(snap(3), snapshot(ids.0, 3))], false),
            ("a database of the cluster", vec![(temporary(), database("1", ""))], true),
            ("one that contradicts the member's", vec![(temporary(), database("1", "x"))], false),
            ("a database of another cluster", vec![(temporary(), database("2", "x"))], false),
            ("another of another cluster", vec![(left(), database("2", "x"))], false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let given = Given { member: dir.path().join("killed/member"), dir, of_nobody: None };
            given.write("killed/member/snap/db", &database("1", "own"));
            given.write(&format!("killed/{}", name(2, 5)), &third);
            let (without, bare) = given.scan(&["killed"]);
            for (number, (link, content)) in links.iter().enumerate() {
                given.write(&format!("aside/{number}"), content);
                symlink(given.dir.path().join(format!("aside/{number}")), given.dir.path().join("killed").join(link)).unwrap();
            }
            let (code, all) = given.scan(&["killed"]);
            let through = evidences(&all).iter().filter(|one| !one["link_target"].is_null()).count();
            if is_followed {
                assert_eq!((through, reasons(&all)), (links.len(), vec![]), "{what}");
                continue;
            }
            let wanted: Vec<_> = links.iter().map(|(link, _)| format!("killed/{link}")).collect();
            let wanted: Vec<_> = wanted.iter().map(|path| ("leads-elsewhere", path.as_str())).collect();
            // What is found goes before what was not read.
            let exit = if without == Some(2) { 2 } else { 3 };
            assert_eq!((code, through, reasons(&all)), (Some(exit), 0, wanted), "{what}");
            let of_files = |all: &[Value]| {
                let kinds = ["evidence", "value", "tombstone", "anomaly", "finding"];
                let is_of_files = |one: &&Value| kinds.contains(&one["record"].as_str().unwrap()) && one["rule"] != "not-read";
                all.iter().filter(is_of_files).cloned().collect::<Vec<_>>()
            };
            assert_eq!(of_files(&all), of_files(&bare), "{what}");
            let conditions = &of_kind(&all, "summary")[0]["conditions"];
            assert!(conditions.as_array().unwrap().contains(&"not-read".into()), "{what}: {conditions}");
        }
    }
}

/// Two clusters whose members have the same names and URLs have the same IDs: a log behind a link is taken for the database's only where
/// it has what the database applied last, or goes on from there.
#[cfg(unix)]
#[test]
fn equal_ids_alone_do_not_prove_whose_log_a_link_leads_to() {
    use std::os::unix::fs::symlink;
    let bare = Given::new().scan(&["killed"]).1;
    let of =
        |field: &str| evidences(&bare).iter().find_map(|one| one["log"][field].as_str().map(|id| u64::from_str_radix(id, 16).unwrap()));
    let ids = (of("member_id").unwrap(), of("cluster_id").unwrap());
    let applied = evidences(&bare)[0]["consistent_index"].as_u64().unwrap();
    let nothing = |count: u64| vec![bytes(3, &bytes(1, b"/read")); usize::try_from(count).unwrap()];
    for (what, first, last, is_followed) in [
        ("ends with it", 1, applied, true),
        ("goes on from it", applied + 1, applied + 3, true),
        ("ends before it", 1, applied - 1, false),
        ("begins behind it", applied + 2, applied + 4, false),
    ] {
        let given = Given::new();
        let link = given.dir.path().join("killed/member/wal");
        fs::remove_dir_all(&link).unwrap();
        let name = format!("aside/{:016x}-{first:016x}.wal", 0);
        given.write(&name, &segment_of(ids, first, &nothing(last + 1 - first), last));
        symlink(given.dir.path().join("aside"), &link).unwrap();
        let (_, all) = given.scan(&["killed"]);
        let told: Vec<_> = reasons(&all).iter().map(|(reason, _)| *reason).collect();
        assert_eq!(told, if is_followed { vec![] } else { vec!["leads-elsewhere"] }, "{what}");
    }
}

/// Everybody who tries etcd has a cluster with these IDs.
#[cfg(unix)]
const IDS_OF_DEFAULTS: (u64, u64) = (0x8e9e_05c5_2164_694d, 0xcdf8_1819_4e3a_8c32);

/// A log that a link leads to is another cluster's where the database lacks a single one of its applied writes, and where nothing but the IDs
/// of every such cluster speaks for it; then nothing of it is read, and the target is named.
#[cfg(unix)]
#[test]
fn a_log_of_another_cluster_behind_a_link_is_not_read() {
    use std::os::unix::fs::symlink;
    let put = |name: &str| bytes(4, &[bytes(1, format!("/registry/secrets/ns/{name}").as_bytes()), bytes(2, name.as_bytes())].concat());
    let nothing = bytes(3, &bytes(1, b"/read"));
    let write = |main, name: &str| {
        pages::Write { main, key: format!("/registry/secrets/ns/{name}").into_bytes(), value: name.as_bytes().to_vec() }.entry()
    };
    let (own, other) = ([put("a"), put("b")], [put("x"), put("y"), put("z")]);
    for (what, ids, first, requests, is_followed) in [
        ("its own", IDS_OF_DEFAULTS, 1, [&own[..], std::slice::from_ref(&nothing), &[put("later")]].concat(), true),
        ("the last of its own", IDS_OF_DEFAULTS, 2, vec![put("b"), nothing.clone()], true),
        ("nothing of both", IDS_OF_DEFAULTS, 3, vec![nothing.clone(), put("later")], false),
        ("one write of another", IDS_OF_DEFAULTS, 3, vec![put("x")], false),
        ("all of another", IDS_OF_DEFAULTS, 1, other.to_vec(), false),
        ("one write of another among its own", IDS_OF_DEFAULTS, 1, [&own[..], &other[..1]].concat(), false),
    ] {
        let given = Given::small();
        let member = pages::Entry::value(format!("{:x}", ids.0).as_bytes(), format!(r#"{{"id":{},"name":"default"}}"#, ids.0).as_bytes());
        let index = pages::Entry::value(b"consistent_index", &3u64.to_be_bytes());
        let root = [
            pages::Entry::bucket(b"key", 3),
            pages::Entry::inline_bucket(b"members", &[member]),
            pages::Entry::inline_bucket(b"meta", &[index]),
        ];
        given.write("killed/member/snap/db", &pages::database(&[pages::leaf(2, &root), pages::leaf(3, &[write(2, "a"), write(3, "b")])]));
        let log = segment_of(ids, first, &requests, first + requests.len() as u64 - 1);
        given.write(&format!("aside/{:016x}-{:016x}.wal", u64::from(first > 1), if first > 1 { first } else { 0 }), &log);
        fs::remove_dir_all(given.member.join("wal")).unwrap();
        symlink(given.dir.path().join("aside"), given.member.join("wal")).unwrap();
        let (code, all) = given.scan(&["killed"]);
        let is_read = paths(&all).iter().any(|path| path.ends_with(".wal"));
        let told: Vec<_> = of_kind(&all, "unread").iter().map(|one| (one["reason"].clone(), one["target"].clone())).collect();
        let target = given.dir.path().join("aside").canonicalize().unwrap();
        match is_followed {
            true => assert!(is_read && told.is_empty(), "{what}: {told:?}"),
            false => {
                assert_eq!(
                    (code, is_read, told),
                    (Some(3), false, vec![("leads-elsewhere".into(), target.to_str().unwrap().into())]),
                    "{what}"
                );
            }
        }
    }
    // All of a member, or a file of a directory without one, may stand elsewhere, too.
    let given = Given::small();
    fs::rename(&given.member, given.dir.path().join("aside")).unwrap();
    symlink(given.dir.path().join("aside"), &given.member).unwrap();
    fs::create_dir(given.dir.path().join("backups")).unwrap();
    symlink(given.dir.path().join("aside/snap/db"), given.dir.path().join("backups/newest.db")).unwrap();
    for (input, link, target) in [("killed", "killed/member", "aside"), ("backups", "backups/newest.db", "aside/snap/db")] {
        for command in [&["scan"][..], &["check"], &["keys"], &["verify", "--plan"], &["pages"]] {
            let (code, said) = text(&given.run(&[command, &["-q", input]].concat()));
            assert!(code == 3 && said.contains("not read") && said.contains(link), "{command:?} {code}: {said}");
        }
        let (_, all) = given.scan(&[input]);
        let told = &of_kind(&all, "unread")[0];
        assert_eq!((&told["reason"], &told["path"]), (&"leads-elsewhere".into(), &link.into()));
        assert!(told["target"].as_str().unwrap().ends_with(target) && told["advice"].as_str().unwrap().contains(target), "{told}");
    }
}

/// A directory without a member is read as an archive of the same files is: each that is one of etcd's by itself.
#[test]
fn a_directory_of_backups_is_read_file_by_file() {
    let write = pages::Write { value: b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef".to_vec(), ..pages::Write::at(2) };
    let database = pages::database_of(&[write]);
    let given = Given::small();
    for (name, bytes) in
        [("two/a.db", &database[..]), ("two/old/b.db", &database), ("packed/Full-1.gz", &gzip(&database)), ("mixed/a.db", &database)]
    {
        given.write(name, bytes);
    }
    given.write("mixed/notes.txt", b"of somebody");
    given.write("nothing/notes.txt", b"of somebody");
    for (input, read, unread) in [
        ("two", &["two/a.db", "two/old/b.db"][..], None),
        ("packed", &["packed/Full-1.gz"], None),
        ("mixed", &["mixed/a.db"], Some("mixed/notes.txt")),
    ] {
        let (code, all) = given.scan(&[input]);
        assert_eq!((code, paths(&all)), (Some(if unread.is_some() { 3 } else { 0 }), read.to_vec()), "{input}");
        assert_eq!(reasons(&all).iter().map(|(_, path)| *path).collect::<Vec<_>>(), unread.into_iter().collect::<Vec<_>>(), "{input}");
        let (code, said) = text(&given.run(&["check", input]));
        assert!(code == if unread.is_some() { 3 } else { 0 } && read.iter().all(|path| said.contains(path)), "{said}");
        assert!(
            unread.is_none_or(|path| said.contains(&format!("not read: {path}")) || said.contains(&format!("not read ({path}"))),
            "{said}"
        );
    }
    let carved = given.run(&["carve", "nothing", "mixed", "--format", "jsonl"]);
    assert_eq!((carved.status.code(), paths(&records(&carved))), (Some(0), vec!["nothing/notes.txt", "mixed/a.db", "mixed/notes.txt"]));
    let nothing = given.run(&["scan", "nothing"]);
    assert!(nothing.status.code() == Some(1) && stderr(&nothing).contains("found notes.txt"), "{}", stderr(&nothing));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, bytes).unwrap();
    gzip.finish().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zipped = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zipped.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zipped, bytes).unwrap();
    }
    zipped.finish().unwrap().into_inner()
}

fn replace_all(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    for at in 0..=bytes.len() - from.len() {
        if &bytes[at..at + from.len()] == from {
            bytes[at..at + to.len()].copy_from_slice(to);
        }
    }
}

fn scan_bytes(name: &str, bytes: &[u8]) -> (Option<i32>, Vec<Value>, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(name), bytes).unwrap();
    let output = run_in(dir.path(), &["scan", name, "--fail-on", "never", "--format", "jsonl"]);
    (output.status.code(), records(&output), stderr(&output))
}

/// Tapes and block devices leave zeros behind a file; other bytes are told, and nothing that came out is missing.
#[test]
fn zeros_behind_a_container_are_padding_and_other_bytes_are_told() {
    let database = Fixture::named("etcd35").bytes;
    let half = database.len() / 2;
    let zstd = |bytes: &[u8]| zstd::stream::encode_all(bytes, 1).unwrap();
    for packed in [
        gzip(database),
        zstd(database),
        [gzip(&database[..half]), gzip(&database[half..])].concat(),
        [zstd(&database[..half]), zstd(&database[half..])].concat(),
    ] {
        for padding in [&[][..], &[0], &[0; 4096], b"\n", b"\r\n", b"\0\0\n"] {
            let (code, all, _) = scan_bytes("a", &[&packed[..], padding].concat());
            assert_eq!((code, reasons(&all), of_kind(&all, "evidence-end")[0]["complete"].as_bool()), (Some(0), vec![], Some(true)));
        }
        let (code, all, _) = scan_bytes("a", &[&packed[..], b"something"].concat());
        assert_eq!((code, reasons(&all)), (Some(3), vec![("not-unpacked", "a")]));
        let end = of_kind(&all, "evidence-end")[0];
        assert_eq!(
            (&end["complete"], &end["content_sha256"]),
            (&true.into(), &of_kind(&scan_bytes("a", &packed).1, "evidence-end")[0]["content_sha256"])
        );
    }
}

/// A shell or an editor leaves the end of a line behind any file: behind each form it is the same.
#[test]
fn the_end_of_a_line_behind_a_file_of_any_form_is_padding() {
    let write = pages::Write { value: b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef".to_vec(), ..pages::Write::at(2) };
    let database = pages::database_of(&[write]);
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(database.len() as u64);
    tar.append_data(&mut header, "a.db", &database[..]).unwrap();
    let snapshot =
        [&database[..], &sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), &database))[..]].concat();
    for bytes in [gzip(&database), tar.into_inner().unwrap(), zip(&[("a.db", &database)]), snapshot] {
        for end in ["", "\n", "\r\n"] {
            let (code, all, _) = scan_bytes("a", &[&bytes[..], end.as_bytes()].concat());
            assert_eq!((code, reasons(&all)), (Some(0), vec![]), "{end:?} behind {:?}", &bytes[..4]);
        }
    }
}

/// The mark that ends a tar is zeros, and how many follow it says nothing.
#[test]
fn zeros_of_any_number_end_a_tar() {
    let mut tar = tar::Builder::new(Vec::new());
    let database = Fixture::named("etcd35").bytes;
    let mut header = tar::Header::new_ustar();
    header.set_size(database.len() as u64);
    tar.append_data(&mut header, "a.db", database).unwrap();
    let whole = tar.into_inner().unwrap();
    for padding in [0, 1, 100, 511, 512, 1000, 10241] {
        let padded = [&whole[..], &vec![0; padding]].concat();
        for bytes in [gzip(&padded), padded] {
            let (code, all, error) = scan_bytes("a.tar", &bytes);
            assert_eq!((code, reasons(&all)), (Some(0), vec![]), "{padding}: {error}");
        }
    }
    let (code, all, _) = scan_bytes("a.tar", &whole[..whole.len() - 1024 + 100]);
    assert_eq!((code, reasons(&all)), (Some(3), vec![("not-whole", "a.tar")]));
}

#[test]
fn every_file_of_an_archive_is_read_also_those_that_its_directory_does_not_name() {
    let (one, two) = (Fixture::named("etcd35"), Fixture::named("plaintext"));
    // RKE's: the snapshot, and a state file that is none.
    let (code, all, _) = scan_bytes("a.zip", &zip(&[("backup/a_etcd", one.bytes), ("backup/a_etcd.rkestate", b"{}")]));
    assert_eq!(
        (code, paths(&all), reasons(&all)),
        (Some(3), vec!["a.zip!/backup/a_etcd"], vec![("not-unpacked", "a.zip!/backup/a_etcd.rkestate")])
    );
    let both = [("x.db", one.bytes), ("y.db", two.bytes)];
    let (code, all, _) = scan_bytes("a.zip", &zip(&both));
    assert_eq!((code, paths(&all)), (Some(0), vec!["a.zip!/x.db", "a.zip!/y.db"]));
    // Two entries of one name, of which other programs see one.
    let mut same = zip(&both);
    replace_all(&mut same, b"y.db", b"x.db");
    let (code, all, _) = scan_bytes("a.zip", &same);
    assert_eq!((code, paths(&all)), (Some(0), vec!["a.zip!/x.db", "a.zip!/x.db (in no directory)"]));
    // The first entry of one archive before another one.
    let first = zip(&[("y.db", two.bytes)]);
    let directory = (0..first.len()).find(|at| first[*at..].starts_with(b"PK\x01\x02")).unwrap();
    let (code, all, _) = scan_bytes("a.zip", &[&first[..directory], &zip(&[("x.db", one.bytes)])].concat());
    assert_eq!((code, paths(&all)), (Some(0), vec!["a.zip!/x.db", "a.zip!/y.db (in no directory)"]));
    // Bytes of no entry.
    let (code, all, _) = scan_bytes("a.zip", &[&b"PK\x03\x04"[..], &[7; 100], &zip(&[("x.db", one.bytes)])].concat());
    assert_eq!((code, reasons(&all).len()), (Some(3), 1), "{:?}", reasons(&all));
}

/// What this program does not read is no fault of the file.
#[test]
fn what_is_not_read_here_is_not_called_damaged() {
    let database = Fixture::named("etcd35").bytes;
    let mut method = zip(&[("x.db", database)]);
    for header in [&b"PK\x03\x04"[..], b"PK\x01\x02"] {
        let at = (0..method.len()).find(|at| method[*at..].starts_with(header)).unwrap();
        // The compression method: LZMA.
        method[at + if header[2] == 3 { 8 } else { 10 }] = 14;
    }
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(28).unwrap();
    std::io::Write::write_all(&mut encoder, database).unwrap();
    let window = encoder.finish().unwrap();
    assert_eq!(scan_bytes("a", &window).0, Some(0));
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), &window).unwrap();
    let small = run_in(dir.path(), &["scan", "a", "--max-size", "16M"]);
    for said in [scan_bytes("a", &method).2, stderr(&small)] {
        assert!(said.contains("not read by this program") && said.contains("nothing is wrong with it"), "{said}");
        assert!(!said.contains("damaged") && !said.contains("fetch it again"), "{said}");
    }
}

/// A delta snapshot is readable, and what to do with it is said of the file and of the directory that it lies in.
#[test]
fn a_delta_snapshot_is_told_to_be_readable_wherever_it_lies() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store/v2/Backup-1");
    fs::create_dir_all(&store).unwrap();
    fs::write(store.join("Incr-00000001-00000002-1"), br#"[{"etcdEvent":{"Type":0,"kv":{"key":"L3g="}},"time":"2026-01-01"}]"#).unwrap();
    for input in ["store", "store/v2/Backup-1/Incr-00000001-00000002-1"] {
        let output = run_in(dir.path(), &["scan", input]);
        let said = text(&output).1 + &stderr(&output);
        assert!(output.status.code() == Some(3) && said.contains("treat it as readable; carve counts what it holds"), "{said}");
    }
    // A directory that holds nothing of the kind is not taken for one of etcd's.
    fs::create_dir(dir.path().join("notes")).unwrap();
    fs::write(dir.path().join("notes/a"), "a note").unwrap();
    assert_eq!(run_in(dir.path(), &["scan", "notes"]).status.code(), Some(1));
}

/// What stands behind the end of a container is named by itself, not the file that was read.
#[test]
fn bytes_behind_a_container_are_not_called_the_whole_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, Fixture::named("fresh").bytes).unwrap();
    fs::write(dir.path().join("a.gz"), [packed.finish().unwrap(), vec![7; 100]].concat()).unwrap();
    let (_, quiet) = text(&run_in(dir.path(), &["scan", "a.gz", "-q"]));
    assert!(quiet.contains("not read: 100 bytes behind the last gzip member in a.gz"), "{quiet}");
    let (_, shown) = text(&run_in(dir.path(), &["scan", "a.gz"]));
    assert!(shown.contains("cut them out into a file of their own") && !shown.contains("unpack it, and give its files"), "{shown}");
}
