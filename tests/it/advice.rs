//! What is said for people and can be done as it stands: commands to go on with, one line of each command, tables that fit.

use crate::common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::pages::{self, Entry, Write};
use common::{Fixture, of_kind, records, run_in, sleuth, stderr, text};
use etcd_sleuth::render::text::{Layout, Screen, limits};
use serde_json::{Value, json};

fn sealed(main: u64) -> Write {
    Write { value: b"k8s:enc:aescbc:v1:key1:\x01123456789abcdef0123456789abcdef".to_vec(), ..Write::at(main) }
}

fn advice(dir: &Path, args: &[&str]) -> Vec<String> {
    let all = records(&run_in(dir, &[args, &["--format", "jsonl"]].concat()));
    of_kind(&all, "unread").iter().map(|one| one["advice"].as_str().unwrap_or_default().to_owned()).collect()
}

/// A path in a command is one word of it, whatever it holds.
#[test]
fn paths_in_commands_are_quoted_where_a_shell_needs_it() {
    let dir = tempfile::tempdir().unwrap();
    let member = common::unpack_directory("etcd34", dir.path());
    let odd = dir.path().join("it's a b");
    fs::rename(member, &odd).unwrap();
    fs::write(odd.join("member/snap/x y"), [7; 5000]).unwrap();
    fs::remove_dir_all(odd.join("member/wal")).unwrap();
    let said = advice(dir.path(), &["scan", "it's a b"]);
    assert!(said.iter().any(|said| said.ends_with(r"carve 'it'\''s a b/member/snap/x y'")), "{said:?}");
    assert!(said.iter().any(|said| said.contains(r"scan 'it'\''s a b' WAL")), "{said:?}");
    let (_, screen) = text(&run_in(dir.path(), &["scan", "it's a b"]));
    assert!(screen.contains(r"NEXT  etcd-sleuth scan 'it'\''s a b' --rotate-list"), "{screen}");
}

/// Every command in advice begins with the program's name, and a path in it that is no text leads to that file.
#[cfg(target_os = "linux")]
#[test]
fn commands_lead_to_a_file_whose_name_is_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let dir = tempfile::tempdir().unwrap();
    let member = common::unpack_directory("etcd34", dir.path());
    let names: [&[u8]; 2] = [b"a\xffb", b"a\xfeb"];
    for name in names {
        fs::write(member.join("member/snap").join(std::ffi::OsStr::from_bytes(name)), [7; 5000]).unwrap();
    }
    let all = records(&run_in(dir.path(), &["scan", "etcd34", "--format", "jsonl"]));
    let unread: Vec<&Value> = of_kind(&all, "unread").into_iter().filter(|one| one["reason"] == "foreign").collect();
    let paths: Vec<&str> = unread.iter().filter_map(|one| one["path"].as_str()).collect();
    assert_eq!(paths, [r"etcd34/member/snap/a\xfeb", r"etcd34/member/snap/a\xffb"]);
    let words: Vec<&str> = unread.iter().filter_map(|one| one["advice"].as_str()?.strip_prefix("search it: etcd-sleuth carve ")).collect();
    assert_eq!(words, [r"$'etcd34/member/snap/a\xfeb'", r"$'etcd34/member/snap/a\xffb'"]);
    let as_a_shell_reads =
        |word: &str| std::process::Command::new("bash").args(["-c", &format!("printf %s {word} | base64 -w0")]).output().unwrap().stdout;
    let bytes: Vec<&str> = unread.iter().filter_map(|one| one["path_base64"].as_str()).collect();
    assert_eq!(words.iter().map(|word| String::from_utf8(as_a_shell_reads(word)).unwrap()).collect::<Vec<_>>(), bytes);
    let quiet = text(&run_in(dir.path(), &["scan", "-q", "etcd34"])).1;
    assert!(quiet.contains(r"a\xfeb, etcd34/member/snap/a\xffb"), "{quiet}");
}

/// Of a file that `scan` reads, `carve` says so, and what to do with what it passed over.
#[test]
fn carve_names_the_command_that_reads_a_file_as_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let member = common::unpack_directory("etcd34", dir.path()).join("member");
    let in_folder = |folder: &str, ending: &str| {
        let names = fs::read_dir(member.join(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.ends_with(ending)).collect();
        names.sort();
        format!("etcd34/member/{folder}/{}", names.pop().unwrap())
    };
    for (file, what) in [
        (in_folder("snap", ".snap"), "a raft snapshot"),
        (in_folder("wal", ".wal"), "a segment of a write-ahead log"),
        (in_folder("snap", "db"), "a database"),
    ] {
        let (_, screen) = text(&run_in(dir.path(), &["carve", &file]));
        assert!(screen.contains(&format!("NEXT  etcd-sleuth scan {file} reads it as what it is: {what}\n")), "{screen}");
        let said = advice(dir.path(), &["carve", &file]);
        assert!(said.iter().all(|said| *said == format!("it is {what}, which is read as one: etcd-sleuth scan {file}")), "{said:?}");
        assert_eq!(said.is_empty(), file.ends_with("db"), "{file}");
        // Free pages are a database's.
        let all = records(&run_in(dir.path(), &["carve", &file, "--format", "jsonl"]));
        let titles: Vec<&str> = of_kind(&all, "finding").iter().map(|finding| finding["title"].as_str().unwrap()).collect();
        assert!(titles.iter().all(|title| !title.contains("ree pages")), "{file}: {titles:?}");
    }
    fs::write(dir.path().join("image"), [7; 5000]).unwrap();
    assert!(!text(&run_in(dir.path(), &["carve", "image"])).1.contains("NEXT"));
}

#[test]
fn quiet_runs_of_show_and_pages_print_one_line() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("migration").write_to(dir.path());
    let key = of_kind(&records(&run_in(dir.path(), &["scan", "migration.db", "--format", "jsonl"])), "value")[0]["key"].clone();
    let key = key.as_str().unwrap();
    for args in [vec!["show", "migration.db", key], vec!["pages", "migration.db"]] {
        let whole = run_in(dir.path(), &args);
        let quiet = run_in(dir.path(), &[&args[..], &["-q"]].concat());
        assert_eq!(quiet.status.code(), whole.status.code(), "{}", stderr(&quiet));
        let said = text(&quiet).1;
        assert!(said.lines().count() == 1 && text(&whole).1.lines().count() > 1, "{said}");
    }
    assert_eq!(run_in(dir.path(), &["pages", "migration.db", "--page", "2", "-q"]).status.code(), Some(1));
}

#[test]
fn the_limits_fit_a_terminal() {
    let mut out = Vec::new();
    limits(Screen::new(&mut out, Layout { width: Some(60), has_colour: false })).unwrap();
    let shown = String::from_utf8(out).unwrap();
    assert!(shown.lines().all(|line| line.chars().count() <= 60), "{shown}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(words(&shown), words(&text(&sleuth().args(["check", "--limits"]).output().unwrap()).1));
}

/// Of a segment whose records are zeros nothing is known of its entries: that is no log which is not applied yet.
#[test]
fn a_segment_of_zeros_is_told_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let wal = common::unpack_directory("etcd34", dir.path()).join("member/wal");
    fs::write(wal.join("0000000000000000-0000000000000000.wal"), [0; 64 << 10]).unwrap();
    fs::write(wal.join("0.tmp"), [0; 64 << 10]).unwrap();
    let (_, screen) = text(&run_in(dir.path(), &["scan", "etcd34"]));
    assert!(screen.contains("Log      1 segment, zeros where records should be"), "{screen}");
    assert!(screen.contains("entries of its log that may write or delete them are not there"), "{screen}");
    assert!(!screen.contains("has not applied all of its log") && !screen.contains("the log goes on behind"), "{screen}");
    assert!(screen.contains("member/wal/0.tmp, 65,536 bytes: preallocated, nothing was written to it"), "{screen}");
    let all = records(&run_in(dir.path(), &["scan", "etcd34", "--format", "jsonl"]));
    let of_log = of_kind(&all, "anomaly").into_iter().find(|anomaly| anomaly["class"] == "file-truncated").unwrap();
    assert!(of_log["detail"].as_str().unwrap().contains("with zeros where its records should be"), "{of_log}");
}

/// Where a file has several prefixes, a key of one name may be another one below each.
#[test]
fn keys_below_several_prefixes_have_a_line_each() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("two-clusters").write_to(dir.path());
    let all = records(&run_in(dir.path(), &["scan", "two-clusters.db", "--resources", "all", "--format", "jsonl"]));
    let mut named = BTreeSet::new();
    for value in of_kind(&all, "value").iter().filter(|value| value["protection"] == "encrypted") {
        named.insert((value["prefix"].as_str().unwrap_or("-").to_owned(), value["provider_name"].to_string(), value["key_id"].to_string()));
    }
    let (_, screen) = text(&run_in(dir.path(), &["keys", "two-clusters.db"]));
    let lines: Vec<&str> = screen.lines().skip_while(|line| !line.trim_start().starts_with("prefix")).skip(1).collect();
    let rows = lines.iter().take_while(|line| !line.starts_with("  Offline")).count();
    assert_eq!(rows, named.len(), "{screen}");
    let prefixes: BTreeSet<&str> = named.iter().map(|(prefix, ..)| prefix.as_str()).collect();
    assert!(prefixes.len() > 1 && prefixes.iter().all(|prefix| lines.iter().any(|line| line.trim_start().starts_with(prefix))), "{screen}");
    Fixture::named("migration").write_to(dir.path());
    assert!(!text(&run_in(dir.path(), &["keys", "migration.db"])).1.contains("prefix"));
}

/// What stands in a key is a part of the key, for whoever reads the database and for whoever searches its bytes.
#[test]
fn a_key_that_looks_like_a_value_is_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let named = |main: u64, key: &str| Write { main, key: key.as_bytes().to_vec(), ..sealed(main) };
    let odd = ["/app/k8s:enc:aescbc:v1:key1:x", "/registry/secrets/ns/k8s:enc:aescbc:v1:x"].map(|key| named(3, key).entry());
    for entry in odd {
        let root = pages::leaf(2, &[Entry::bucket(b"key", 3), Entry::inline_bucket(b"meta", &[])]);
        let database = pages::database(&[root, pages::leaf(3, &[sealed(2).entry(), entry])]);
        fs::write(dir.path().join("a.db"), database).unwrap();
        let codes = ["scan", "carve"].map(|command| run_in(dir.path(), &[command, "a.db", "-q"]).status.code());
        assert_eq!(codes, [Some(0); 2]);
        let all = records(&run_in(dir.path(), &["carve", "a.db", "--resources", "all", "--format", "jsonl"]));
        assert_eq!((of_kind(&all, "unread").len(), of_kind(&all, "value").len()), (0, 2));
    }
}

/// The options in the synopsis of a page stand in the order in which help and the page explain them.
#[test]
fn the_synopsis_of_a_page_has_the_order_of_the_help() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(sleuth().args(["man", "man1"]).current_dir(dir.path()).status().unwrap().code(), Some(0));
    for command in ["scan", "carve", "keys", "verify", "show", "recover"] {
        let page = fs::read_to_string(dir.path().join(format!("man1/etcd-sleuth-{command}.1"))).unwrap().replace('\\', "");
        let synopsis = page.lines().skip_while(|line| *line != ".SH SYNOPSIS").nth(1).unwrap();
        let options = |text: &str| -> Vec<String> {
            let words = text.split(['[', ']', '|', ' ', ',', '\n']).map(|word| word.trim_start_matches("fB").trim_end_matches("fR"));
            let mut seen = BTreeSet::new();
            words
                .filter(|word| word.starts_with("--") && word.len() > 2)
                .filter(|word| seen.insert(word.to_string()))
                .map(str::to_owned)
                .collect()
        };
        let help = text(&sleuth().args([command, "--help"]).output().unwrap()).1;
        let explained: String = help
            .lines()
            .filter(|line| line.trim_start().starts_with('-'))
            .map(|line| {
                let names: Vec<&str> = line.split_whitespace().take_while(|word| word.starts_with('-')).collect();
                format!("{} ", names.join(" "))
            })
            .collect();
        assert_eq!(options(synopsis), options(&explained), "{command}");
    }
}

#[test]
fn unread_of_no_file_that_is_read_has_the_advice_of_its_form() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("dump"), [&[7; 100][..], b"k8s:enc:aescbc:v1:key1:", &[0x91; 100]].concat()).unwrap();
    let all = records(&run_in(dir.path(), &["carve", "dump", "--format", "jsonl"]));
    let unread: Vec<&Value> = of_kind(&all, "unread");
    assert_eq!((unread.len(), &unread[0]["reason"]), (1, &json!("no-end")));
    assert!(unread[0]["advice"].as_str().unwrap().starts_with("if it goes on in another file"), "{unread:?}");
}
