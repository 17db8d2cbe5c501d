//! Databases of one cluster in one run are held against each other: what contradicts is said of the later one, with its place and
//! both files named, and nothing else is.

use crate::common;

use std::fs;
use std::path::Path;

use common::mutate::{Mutant, header};
use common::{Fixture, evidences, of_kind, pages, records, run_in, stderr, text};
use etcd_sleuth::case::{Case, Plan, Question, Silent};
use etcd_sleuth::evidence::Limits;
use etcd_sleuth::evidence::anomaly::Class;
use etcd_sleuth::finding::Outcome;
use etcd_sleuth::report::{EvidenceReport, Render, Report};
use serde_json::{Value, json};

/// Writes nothing down.
struct Nobody;

impl Render for Nobody {
    fn end(&mut self, _report: &Report, _outcome: &Outcome) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a run says of how its inputs stand to each other.
#[derive(Debug, PartialEq)]
struct Said {
    /// `compared` of each evidence.
    compared: Vec<Value>,
    /// The anomalies that say so: evidence, offset, page, detail.
    divergent: Vec<(u64, Option<u64>, Option<u64>, String)>,
    conditions: Value,
}

fn scan(dir: &Path, files: &[&str]) -> Said {
    let records = records(&run_in(dir, &[&["scan", "--format", "jsonl", "--fail-on", "never"], files].concat()));
    let place = |anomaly: &Value| {
        let detail = anomaly["detail"].as_str().unwrap().to_owned();
        (anomaly["evidence"].as_u64().unwrap(), anomaly["offset"].as_u64(), anomaly["pgid"].as_u64(), detail)
    };
    let divergent = of_kind(&records, "anomaly").into_iter().filter(|anomaly| anomaly["class"] == "member-divergence");
    Said {
        compared: evidences(&records).into_iter().map(|evidence| evidence["compared"].clone()).collect(),
        divergent: divergent.map(place).collect(),
        conditions: of_kind(&records, "summary")[0]["conditions"].clone(),
    }
}

/// One other evidence, as `compared` has it.
fn other(evidence: u64, shared: u64, differing: u64, only_here: u64, only_there: u64) -> Value {
    others(evidence, 1, shared, [differing, only_here, only_there])
}

/// So many that agree, of which this is the first.
fn others(evidence: u64, databases: u64, shared: u64, [differing, only_here, only_there]: [u64; 3]) -> Value {
    json!({"evidence": evidence, "databases": databases, "shared": shared,
           "differing": differing, "only_here": only_here, "only_there": only_there})
}

fn check(dir: &Path, files: &[&str]) -> (i32, Vec<String>) {
    let (code, said) = text(&run_in(dir, &[&["check", "-q"], files].concat()));
    (code, said.lines().map(str::to_owned).collect())
}

/// A small database: writes by main revision, several of one being of one transaction, a tombstone where there is no value, and what
/// it was compacted at.
fn database(uid: &str, writes: &[(u64, &str)], compacted: u64) -> Vec<u8> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": uid}}).to_string();
    let first = (1, "/registry/namespaces/kube-system".to_owned(), namespace.as_str());
    let first = std::iter::once((0, first));
    let rest = writes.iter().enumerate().map(|(index, (main, value))| {
        let sub = writes[..index].iter().filter(|(of, _)| of == main).count();
        // A deletion is of what was written two revisions before.
        let of = if value.is_empty() { main - 2 } else { *main };
        (sub as u64, (*main, format!("/registry/configmaps/ns/c{of}-{sub}"), *value))
    });
    let field = |tag: u8, bytes: &[u8]| [&[tag, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let revision = |main: u64, sub: u64, mark: &[u8]| [&main.to_be_bytes()[..], b"_", &sub.to_be_bytes(), mark].concat();
    let writes = first.chain(rest).map(|(sub, (main, key, value))| {
        let counts = [0x10, u8::try_from(main).unwrap(), 0x18, u8::try_from(main).unwrap(), 0x20, 1];
        match value {
            "" => pages::Entry::value(&revision(main, sub, b"t"), &field(0x0a, key.as_bytes())),
            value => pages::Entry::value(
                &revision(main, sub, b""),
                &[&field(0x0a, key.as_bytes())[..], &counts, &field(0x2a, value.as_bytes())].concat(),
            ),
        }
    });
    let key = pages::leaf(3, &writes.collect::<Vec<_>>());
    let meta =
        [b"finishedCompactRev", b"scheduledCompactRev".as_slice()].map(|name| pages::Entry::value(name, &revision(compacted, 0, b"")));
    let meta = if compacted > 0 { &meta[..] } else { &[] };
    let root = pages::leaf(2, &[pages::Entry::bucket(b"key", 3), pages::Entry::inline_bucket(b"meta", meta)]);
    let high_water_mark = 3 + (key.len() / pages::PAGE) as u64;
    let meta = pages::Meta { root: 2, freelist: None, high_water_mark, txid: 5 };
    [pages::Meta { txid: 6, ..meta }.page(0), meta.page(1), root, key].concat()
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(dir.path().join(name), bytes).unwrap());
    dir
}

/// The retained value of `migration` with this number, in the order of the truth: its place, its page, its revision.
fn retained(mutant: &Mutant, index: usize) -> (usize, u64, u64) {
    let row = &mutant.truth["retained"][index];
    let offset = usize::try_from(row["offset"].as_u64().unwrap()).unwrap();
    let write = &mutant.truth["writes"][usize::try_from(row["w"].as_u64().unwrap()).unwrap()];
    (offset, (offset / mutant.page_size) as u64, write["mod_revision"].as_u64().unwrap())
}

/// A copy of `migration` with one bit of a value flipped; the page and the revision of that value.
fn flipped() -> (Vec<u8>, u64, u64) {
    let mut mutant = Mutant::of("migration").without_trailer();
    let (offset, page, revision) = retained(&mutant, 100);
    let length = usize::try_from(mutant.truth["retained"][100]["length"].as_u64().unwrap()).unwrap();
    mutant.bytes[offset + length / 2] ^= 1;
    (mutant.bytes, page, revision)
}

/// A copy of `migration` without one write, as if it had never been: the last of a leaf whose revisions `holds` accepts. Its
/// revision.
fn without_one(holds: impl Fn(u64) -> bool) -> (Vec<u8>, u64) {
    let mut mutant = Mutant::of("migration").without_trailer();
    let main = |mutant: &Mutant, page: u64, index: u64| {
        let element = Mutant::element(index);
        let at = usize::try_from(mutant.offset(page)).unwrap() + element + mutant.get(page, element + 4, 4) as usize;
        u64::from_be_bytes(mutant.bytes[at..at + 8].try_into().unwrap())
    };
    let last = |mutant: &Mutant, page: u64| mutant.get(page, header::COUNT, 2) - 1;
    let fits = |page: &&u64| {
        let (page, count) = (**page, mutant.get(**page, header::COUNT, 2));
        mutant.get(page, header::OVERFLOW, 4) == 0 && count > 1 && holds(main(&mutant, page, count - 1))
    };
    let page = *mutant.leaves.iter().find(fits).unwrap();
    let (index, size) = (last(&mutant, page), mutant.page_size);
    let revision = main(&mutant, page, index);
    let (element, heads) = (Mutant::element(index), Mutant::element(index + 1));
    // Its bytes are the last on the page. All others move up by what its element took.
    let end = element + mutant.get(page, element + 4, 4) as usize;
    for other in 0..index {
        let at = Mutant::element(other);
        mutant.set(page, at + 4, 4, mutant.get(page, at + 4, 4) - 16);
    }
    let start = usize::try_from(mutant.offset(page)).unwrap();
    mutant.bytes.copy_within(start + heads..start + end, start + element);
    mutant.bytes[start + end - 16..start + size].fill(0);
    mutant.set(page, header::COUNT, 2, index);
    (mutant.bytes, revision)
}

#[test]
fn backups_of_one_history_agree_however_far_each_was_compacted() {
    let names = ["compacted", "defragmented", "kinds"];
    let dir = tempfile::tempdir().unwrap();
    names.iter().for_each(|name| _ = Fixture::named(name).write_to(dir.path()));
    fs::copy(dir.path().join("compacted.db"), dir.path().join("again.db")).unwrap();
    let said = scan(dir.path(), &["compacted.db", "defragmented.db", "again.db"]);
    assert_eq!(said.compared, [json!([]), json!([other(0, 62, 0, 0, 0)]), json!([others(0, 2, 62, [0, 0, 0])])]);
    assert_eq!((said.divergent, said.conditions), (vec![], json!([])));
    assert_eq!(check(dir.path(), &["defragmented.db", "compacted.db"]).0, 0);

    let (old, new) = ([(2, "a"), (3, "b"), (4, ""), (5, "d")], [(3, "b"), (5, "d"), (7, "f"), (8, "g")]);
    let dir = folder(&[
        ("old", &database("uid", &old, 0)),
        ("new", &database("uid", &new, 6)),
        ("compacted", &database("uid", &[old[1], old[3]], 4)),
    ]);
    let said = scan(dir.path(), &["old", "new", "compacted"]);
    assert_eq!(said.compared, [json!([]), json!([other(0, 3, 0, 0, 0)]), json!([others(0, 2, 3, [0, 0, 0])])]);
    assert_eq!(said.divergent, vec![]);
    let (code, screen) = text(&run_in(dir.path(), &["scan", "old", "new", "compacted"]));
    let lines: Vec<&str> = screen.lines().filter(|line| line.starts_with("Compared ")).collect();
    let wanted = [
        "Compared the 3 writes that it shares with old are the same",
        "Compared the writes that it shares with each of 2 others of this cluster are the same",
    ];
    assert_eq!((code, lines), (0, wanted.to_vec()), "{screen}");
}

/// One flipped bit of one value is told with its place and both files.
#[test]
fn one_flipped_bit_is_told_with_its_place() {
    let (bytes, page, revision) = flipped();
    let sound = Fixture::named("migration").bytes;
    let dir = folder(&[("a.db", sound), ("b.db", &bytes)]);
    for (first, second) in [("a.db", "b.db"), ("b.db", "a.db")] {
        let said = scan(dir.path(), &[first, second]);
        assert_eq!(said.compared, [json!([]), json!([other(0, 175, 1, 0, 0)])]);
        let [(1, Some(offset), Some(on), detail)] = said.divergent.as_slice() else { panic!("{said:?}") };
        assert_eq!(*on, page);
        // The place is that of the write, which is its revision in bucket `key`.
        let at = usize::try_from(*offset).unwrap();
        assert_eq!(bytes[at..at + 8], revision.to_be_bytes());
        let of = "of the same cluster, differs in 1 of the 175 writes that both retain, the first at revision";
        assert_eq!(*detail, format!("{first}, {of} {revision}"));
        assert_eq!(said.conditions, json!(["divergent"]));
        let (code, lines) = check(dir.path(), &[first, second]);
        assert_eq!(
            (code, lines),
            (2, [first, second].map(|file| format!("{file}: DIFFERS from another database of its cluster (exit 2)")).to_vec())
        );
        // Nothing is found, and what is current depends on which of them is right.
        assert_eq!(run_in(dir.path(), &["scan", "-q", "--fail-on", "never", first, second]).status.code(), Some(3));
        let (_, screen) = text(&run_in(dir.path(), &["scan", first, second]));
        assert!(screen.contains(&format!("\nCompared DIVERGENT: {first}, {of} {revision}\n")), "{screen}");
        assert!(screen.contains("structure sound") && !screen.contains("NOT SOUND"), "{screen}");
    }
    // The third is of the majority, and says with which of the two it agrees.
    fs::write(dir.path().join("c.db"), sound).unwrap();
    let said = scan(dir.path(), &["a.db", "b.db", "c.db"]);
    assert_eq!(said.compared[2], json!([other(0, 175, 0, 0, 0), other(1, 175, 1, 0, 0)]));
}

/// Which of two files fails its own trailer does not hang on which was given first, nor does what is said of either; also not where there
/// are several of the sound ones.
#[test]
fn a_copy_that_fails_its_trailer_is_named_in_any_order() {
    let sound = Fixture::named("migration").bytes;
    let (mut altered, page, revision) = flipped();
    altered.extend(&sound[altered.len()..]);
    let dir = folder(&[("a.db", &altered), ("s.db", sound), ("t.db", sound)]);
    for (files, others) in [(&["a.db", "s.db"][..], ""), (&["a.db", "s.db", "t.db"], " (and 1 other that agrees with it)")] {
        let detail = |first: &str| {
            format!(
                "{first}{others}, of the same cluster, differs in 1 of the 175 writes that both retain, the first at revision {revision}"
            )
        };
        for turn in 0..files.len() {
            let mut given = files.to_vec();
            given.rotate_left(turn);
            let first = given.iter().find(|name| **name != "a.db").unwrap();
            let (code, lines) = check(dir.path(), &given);
            let line_of = |name: &str| lines.iter().find(|line| line.starts_with(&format!("{name}: "))).unwrap().as_str();
            assert_eq!(code, 2);
            assert_eq!(
                line_of("a.db"),
                "a.db: NOT AS WRITTEN: it DOES NOT MATCH ITS TRAILER; DIFFERS from another database of its cluster (exit 2)",
                "{given:?}"
            );
            assert!(line_of("s.db").starts_with("s.db: whole, matches"), "{given:?}: {lines:?}");
            let order: Vec<&str> = lines.iter().map(|line| &line[..4]).collect();
            assert_eq!(order, given);
            let records = records(&run_in(dir.path(), &[&["check", "--format", "jsonl"], &given[..]].concat()));
            let divergent: Vec<_> =
                of_kind(&records, "anomaly").into_iter().filter(|anomaly| anomaly["class"] == "member-divergence").collect();
            let [only] = divergent.as_slice() else { panic!("{divergent:?}") };
            let at = given.iter().position(|name| *name == "a.db").unwrap();
            assert_eq!((&only["evidence"], &only["pgid"], &only["detail"]), (&json!(at), &json!(page), &json!(detail(first))));
            let offset = usize::try_from(only["offset"].as_u64().unwrap()).unwrap();
            assert_eq!(altered[offset..offset + 8], revision.to_be_bytes());
            let compared = evidences(&records).into_iter().map(|evidence| evidence["compared"].as_array().unwrap().len());
            let with_altered = compared.enumerate().filter(|(_, others)| *others > 0).map(|(at, _)| given[at]).collect::<Vec<_>>();
            assert!(with_altered.contains(&"a.db"), "{given:?}: {with_altered:?}");
            // What was told already when the other one came has the finding at least.
            for command in [&["scan", "--format", "jsonl"][..], &["keys", "--format", "jsonl"]] {
                let records = common::records(&run_in(dir.path(), &[command, &given[..]].concat()));
                let found = of_kind(&records, "finding").into_iter().filter(|finding| finding["rule"] == "file-divergent");
                let accused: Vec<_> = found.map(|finding| finding["evidence"].clone()).collect();
                assert_eq!(accused, [json!(at)], "{command:?} {given:?}");
                let conditions = &of_kind(&records, "summary")[0]["conditions"];
                assert!(conditions.as_array().unwrap().contains(&json!("divergent")), "{conditions}");
            }
        }
    }
}

/// A year of backups is held against the history that they share, so that what is said of each does not grow with their number; one
/// that differs is told once.
#[test]
fn many_backups_of_one_history_are_one_history() {
    let writes = |upto: u64| (2..=upto).map(|main| (main, if main == 9 { "x" } else { "a" })).collect::<Vec<_>>();
    let days: Vec<(String, Vec<u8>)> =
        (0..60).map(|day| (format!("day-{day:02}.db"), database("uid", &writes(day + 20), day / 2))).collect();
    let mut other = writes(40);
    other[7].1 = "y";
    let mut given: Vec<(&str, &[u8])> = days.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let odd = database("uid", &other, 0);
    given.push(("odd.db", &odd));
    let dir = folder(&given);
    let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
    let said = scan(dir.path(), &names);
    for (day, compared) in said.compared.iter().enumerate().skip(1).take(59) {
        assert_eq!(compared.as_array().unwrap().len(), 1, "{day}");
        assert_eq!((&compared[0]["evidence"], &compared[0]["databases"]), (&json!(0), &json!(day)), "{day}");
    }
    assert_eq!(said.compared[60], json!([others(0, 60, 40, [1, 0, 0])]));
    let [(60, Some(_), Some(_), detail)] = said.divergent.as_slice() else { panic!("{:?}", said.divergent) };
    let of = "of the same cluster, differs in 1 of the 40 writes that both retain, the first at revision 9";
    assert_eq!(*detail, format!("day-00.db (and 59 others that agree with it), {of}"));
    let (_, screen) = text(&run_in(dir.path(), &["scan", "day-00.db", "day-01.db", "day-02.db"]));
    assert!(screen.contains("\nCompared the writes that it shares with each of 2 others of this cluster are the same\n"), "{screen}");
}

/// A write that is not there is told where it should be, and only there.
#[test]
fn a_missing_write_is_told_where_it_should_be() {
    // Of the revisions themselves none is missing: only another file can tell that a transaction wrote more.
    let whole = [(2, "a"), (3, "b"), (3, "c"), (4, "d")];
    let dir = folder(&[
        ("a.db", &database("uid", &whole, 0)),
        ("b.db", &database("uid", &[whole[0], whole[1], whole[3]], 0)),
        ("c.db", &database("uid", &[whole[1], whole[3]], 3)),
    ]);
    let said = scan(dir.path(), &["a.db", "b.db"]);
    assert_eq!(said.compared[1], json!([other(0, 4, 0, 0, 1)]));
    let detail = "a.db, of the same cluster, has 1 that are not here and should be, the first at revision 3.1".to_owned();
    assert_eq!(said.divergent, [(1, None, None, detail)], "what is not there has no place");
    assert_eq!(said.conditions, json!(["divergent"]), "the copy is otherwise sound");
    let said = scan(dir.path(), &["b.db", "a.db"]);
    assert_eq!(said.compared[1], json!([other(0, 4, 0, 1, 0)]));
    let [(1, Some(offset), Some(3), _)] = said.divergent.as_slice() else { panic!("{said:?}") };
    let at = usize::try_from(*offset).unwrap();
    assert_eq!(database("uid", &whole, 0)[at..at + 17], *b"\0\0\0\0\0\0\0\x03_\0\0\0\0\0\0\0\x01");
    // A file that was changed since it was sent accuses none.
    fs::write(dir.path().join("changed.db"), [database("uid", &whole, 0), vec![7; 32]].concat()).unwrap();
    for files in [["changed.db", "b.db"], ["b.db", "changed.db"]] {
        let said = scan(dir.path(), &files);
        assert_eq!((said.compared[1].clone(), said.divergent), (json!([other(0, 4, 0, 0, 0)]), vec![]), "{files:?}");
    }
    // A compaction takes any write that is not the newest of its key.
    let said = scan(dir.path(), &["a.db", "c.db"]);
    assert_eq!((said.compared[1].clone(), said.divergent), (json!([other(0, 3, 0, 0, 0)]), vec![]));
    let sound = Fixture::named("migration").bytes;
    let dir = folder(&[("a.db", sound), ("b.db", &without_one(|main| main <= 225).0)]);
    let said = scan(dir.path(), &["a.db", "b.db"]);
    assert_eq!((said.compared[1].clone(), said.divergent), (json!([other(0, 174, 0, 0, 0)]), vec![]));
}

#[test]
fn a_revision_that_is_missing_is_said_of_the_file_that_lacks_it() {
    let sound = Fixture::named("migration").bytes;
    let (bytes, revision) = without_one(|main| main > 226);
    let dir = folder(&[("a.db", sound), ("b.db", &bytes)]);
    // Nothing vouches for the tombstones of such a file.
    let tombstones =
        of_kind(&records(&run_in(dir.path(), &["scan", "--format", "jsonl", "b.db"])), "evidence")[0]["tombstones"].as_u64().unwrap();
    assert!(tombstones > 0);
    for (files, lacks) in [(["a.db", "b.db"], 1), (["b.db", "a.db"], 0)] {
        let said = scan(dir.path(), &files);
        assert_eq!((said.compared[1].clone(), said.divergent), (json!([other(0, 174 - tombstones, 0, 0, 0)]), vec![]), "{files:?}");
        assert_eq!(said.conditions, json!(["incomplete"]));
        let records = records(&run_in(dir.path(), &[&["scan", "--format", "jsonl"], &files[..]].concat()));
        let found = of_kind(&records, "anomaly");
        let [gap] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((gap["class"].as_str(), gap["evidence"].as_u64()), (Some("revision-gap"), Some(lacks)));
        let detail = format!("behind revision {} stands {}; each transaction takes the next one", revision - 1, revision + 1);
        assert_eq!(gap["detail"], detail);
        let at = usize::try_from(gap["offset"].as_u64().unwrap()).unwrap();
        assert_eq!(bytes[at..at + 8], (revision + 1).to_be_bytes());
    }
}

#[test]
fn a_flipped_bit_of_a_revision_accuses_no_other_file() {
    let sound = Fixture::named("migration").bytes;
    let dir = folder(&[("a.db", sound)]);
    let (mut told, mut tombstones) = (0, 0);
    // The last leaves, where nothing was compacted.
    let mutant = Mutant::of("migration").without_trailer();
    let of_leaf = |leaf: &u64| (0..mutant.get(*leaf, header::COUNT, 2)).map(|index| (*leaf, Mutant::element(index))).collect::<Vec<_>>();
    let elements: Vec<(u64, usize)> = mutant.leaves.iter().rev().take(6).flat_map(of_leaf).collect();
    for (leaf, element) in elements.into_iter().step_by(3) {
        let is_tombstone = mutant.get(leaf, element + 8, 4) == 18;
        let at = element + mutant.get(leaf, element + 4, 4) as usize;
        for bit in if is_tombstone { 0..136 } else { 48..64 } {
            let mut flipped = Mutant::of("migration").without_trailer();
            let byte = at + bit / 8;
            flipped.set(leaf, byte, 1, flipped.get(leaf, byte, 1) ^ 0x80 >> (bit % 8));
            fs::write(dir.path().join("b.db"), &flipped.bytes).unwrap();
            for files in [["a.db", "b.db"], ["b.db", "a.db"]] {
                let paths = files.map(|file| dir.path().join(file));
                let plan = Plan { hash: false, ..Plan::default() };
                let answer = Case::new(&paths, Limits::default(), &Silent).run(&plan, Question::Integrity, &mut Nobody).unwrap();
                let divergent = |evidence: &EvidenceReport| evidence.anomaly_counts.contains_key(&Class::MemberDivergence);
                assert!(
                    !answer.report.evidences.iter().any(divergent) && answer.report.evidences.len() == 2,
                    "page {leaf}, element at {element}, bit {bit}, {files:?}"
                );
            }
            (told, tombstones) = (told + 1, tombstones + u32::from(is_tombstone));
        }
    }
    assert!(told > 300 && tombstones > 200, "{told} {tombstones}");
}

#[test]
fn what_damage_takes_is_not_told_as_divergence() {
    let sound = Fixture::named("migration").bytes;
    let mut lost = Mutant::of("migration").without_trailer();
    let leaf = *lost.leaves.last().unwrap();
    lost.set(leaf, header::FLAGS, 2, 0x40);
    let cut = &sound[..sound.len() / 2];
    let dir = folder(&[("a.db", sound), ("lost.db", &lost.bytes), ("cut.db", cut)]);
    for files in [["a.db", "lost.db"], ["lost.db", "a.db"], ["a.db", "cut.db"]] {
        let said = scan(dir.path(), &files);
        let compared = &said.compared[1];
        assert!(compared[0]["shared"].as_u64().is_some_and(|shared| shared < 175) || *compared == json!(null), "{said:?}");
        assert_eq!(said.divergent, vec![], "{files:?}");
    }
    // What is left is still held against the other.
    let (flipped, ..) = flipped();
    lost.bytes = flipped;
    lost.set(leaf, header::FLAGS, 2, 0x40);
    fs::write(dir.path().join("both.db"), &lost.bytes).unwrap();
    assert_eq!(scan(dir.path(), &["a.db", "both.db"]).compared[1][0]["differing"], 1);
}

/// A fork of history is one, and a restore that bumps the revision is none.
#[test]
fn a_fork_is_one_and_a_bumped_restore_is_none() {
    let snapshot = [(2, "a"), (3, "b"), (4, "c")];
    let went_on = [&snapshot[..], &[(5, "d"), (6, "e"), (7, "f")]].concat();
    let restored = [&snapshot[..], &[(5, "x"), (6, "y")]].concat();
    // The marker of a bump has neither key nor value; here it is any write far above.
    let bumped = [&snapshot[..], &[(100, "x"), (101, "y")]].concat();
    let dir = folder(&[
        ("went-on", &database("uid", &went_on, 0)),
        ("restored", &database("uid", &restored, 0)),
        ("bumped", &database("uid", &bumped, 100)),
        ("foreign", &database("another", &restored, 0)),
    ]);
    let said = scan(dir.path(), &["went-on", "restored"]);
    assert_eq!(said.compared[1], json!([other(0, 6, 2, 0, 0)]));
    assert!(said.divergent[0].3.ends_with("differs in 2 of the 6 writes that both retain, the first at revision 5"), "{said:?}");
    assert_eq!(scan(dir.path(), &["went-on", "bumped"]).compared[1], json!([other(0, 4, 0, 0, 0)]));
    assert_eq!(scan(dir.path(), &["went-on", "foreign"]).compared, [json!([]), json!([])], "another cluster");
}

#[test]
fn foreign_clusters_and_one_input_alone_are_not_compared() {
    let dir = tempfile::tempdir().unwrap();
    ["migration", "plaintext", "fresh"].iter().for_each(|name| _ = Fixture::named(name).write_to(dir.path()));
    fs::copy(dir.path().join("fresh.db"), dir.path().join("again.db")).unwrap();
    let said = scan(dir.path(), &["migration.db", "plaintext.db", "fresh.db", "again.db"]);
    // Nothing in `fresh` says of which cluster it is, so it is not even held against itself.
    assert_eq!(said.compared, [json!([]), json!([]), json!(null), json!(null)]);
    assert_eq!(said.divergent, vec![]);
    assert_eq!(scan(dir.path(), &["migration.db"]).compared, [json!(null)]);
}

/// The answer is the same with any number of threads, and drives no terminal.
#[test]
fn any_number_of_threads_answers_the_same() {
    let hostile = "a\u{1b}[31m\u{202e}.db";
    let dir = folder(&[(hostile, Fixture::named("migration").bytes), ("b.db", &flipped().0), ("c.db", &without_one(|main| main > 225).0)]);
    for format in ["text", "jsonl", "json"] {
        let run = |threads: &str| {
            run_in(dir.path(), &["scan", hostile, "b.db", "c.db", "--resources", "all", "--format", format, "--threads", threads]).stdout
        };
        let said = run("1");
        assert!(said == run("2"), "{format}");
        let said = String::from_utf8(said).unwrap();
        assert!(said.contains("member-divergence") && said.chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{202e}')), "{format}");
    }
}

/// Where no trailer tells which of two is right, neither is called whole: in any order, by every command.
#[test]
fn of_two_that_contradict_each_other_both_are_named_in_any_order() {
    let (uid, writes) = ("00000000-0000-0000-0000-000000000001", [(2, "a"), (3, "b"), (4, "c")]);
    let good = database(uid, &writes, 0);
    let later = database(uid, &[&writes[..], &[(5, "d")]].concat(), 0);
    let other = database(uid, &[(2, "a"), (3, "x"), (4, "c")], 0);
    let dir = folder(&[("good.db", &good), ("later.db", &later), ("other.db", &other)]);
    for order in [["other.db", "good.db", "later.db"], ["good.db", "later.db", "other.db"], ["good.db", "other.db", "later.db"]] {
        let (code, lines) = check(dir.path(), &order);
        let differing = lines.iter().filter(|line| line.contains("DIFFERS from another database of its cluster")).count();
        assert_eq!((code, differing), (2, order.len()), "{order:?} {lines:?}");
        for command in ["scan", "keys", "check"] {
            let all = records(&run_in(dir.path(), &[&[command], &order[..], &["--format", "jsonl"]].concat()));
            let accused: std::collections::BTreeSet<u64> = of_kind(&all, "finding")
                .iter()
                .filter(|finding| finding["rule"] == "file-divergent")
                .map(|finding| finding["evidence"].as_u64().unwrap())
                .collect();
            assert_eq!(accused.len(), order.len(), "{command} {order:?}");
        }
        let retire = [&["keys"], &order[..], &["--retire", "aescbc/none", "--confirm-unseen"]].concat();
        let (code, shown) = text(&run_in(dir.path(), &retire));
        assert!(code == 3 && shown.starts_with("CANNOT SAY") && shown.contains("contradict each other"), "{shown}");
    }
}

/// The same databases contradict each other in whatever way they are given: as files, in a directory, in the directories of their members
/// below one, in an archive.
#[test]
fn databases_are_held_against_each_other_however_they_are_given() {
    let uid = "00000000-0000-0000-0000-000000000002";
    let good = database(uid, &[(2, "a"), (3, "b"), (4, "c")], 0);
    let other = database(uid, &[(2, "a"), (3, "x"), (4, "c")], 0);
    let dir = folder(&[("a.db", &good), ("b.db", &other)]);
    let place = |path: &str, bytes: &[u8]| {
        fs::create_dir_all(dir.path().join(path).parent().unwrap()).unwrap();
        fs::write(dir.path().join(path), bytes).unwrap();
    };
    for (path, bytes) in [("flat/a.db", &good), ("flat/b.db", &other), ("members/etcd-0/member/snap/db", &good)] {
        place(path, bytes);
    }
    place("members/etcd-1/member/snap/db", &other);
    let mut tar = tar::Builder::new(fs::File::create(dir.path().join("both.tar")).unwrap());
    tar.append_dir_all("flat", dir.path().join("flat")).unwrap();
    tar.finish().unwrap();
    for inputs in [&["a.db", "b.db"][..], &["flat"], &["members"], &["both.tar"]] {
        let (code, lines) = check(dir.path(), inputs);
        let differing = lines.iter().filter(|line| line.contains("DIFFERS from another database of its cluster")).count();
        assert_eq!((code, differing), (2, 2), "{inputs:?} {lines:?}");
        let retire = [&["keys", "-q"], inputs, &["--retire", "aescbc/none", "--confirm-unseen"]].concat();
        assert_eq!(run_in(dir.path(), &retire).status.code(), Some(3), "{inputs:?}");
        for (command, options) in [("scan", &["--resources", "all"][..]), ("keys", &[])] {
            let all = records(&run_in(dir.path(), &[&[command], inputs, options, &["--format", "jsonl"]].concat()));
            let accused = of_kind(&all, "finding").into_iter().filter(|finding| finding["rule"] == "file-divergent").count();
            assert_eq!(accused, 2, "{command} {inputs:?}");
        }
    }
}

/// Of one write that stands with two values none is shown, in any order; what stands alike in several files is.
#[test]
fn a_revision_with_two_values_is_not_revealed() {
    let uid = "00000000-0000-0000-0000-000000000003";
    let object = |data: &str| format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","data":{{"a":"{data}"}}}}"#);
    let [same, one, another] = ["same", "one", "another"].map(object);
    let good = database(uid, &[(2, &same), (3, &one)], 0);
    let other = database(uid, &[(2, &same), (3, &another)], 0);
    let dir = folder(&[("a.db", &good), ("b.db", &other)]);
    for order in [["a.db", "b.db"], ["b.db", "a.db"]] {
        let reveal = |name: &str| run_in(dir.path(), &[&["show"], &order[..], &[&format!("configmaps/ns/{name}"), "--reveal"]].concat());
        let refused = reveal("c3-0");
        let said = stderr(&refused);
        assert!(refused.stdout.is_empty() && refused.status.code() == Some(1), "{said}");
        assert!(said.contains("revision 3 stands with two different values") && said.contains("a.db") && said.contains("b.db"), "{said}");
        assert!(String::from_utf8_lossy(&reveal("c2-0").stdout).contains("same"), "{}", stderr(&reveal("c2-0")));
    }
}
