//! No command shows a value: every marker that stands in a fixture in clear is looked for in all that is printed.

use crate::common;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::{Fixture, of_kind, records, run_in, sleuth, stderr, text, truth_of, unpack_directory};
use serde_json::Value;

/// How every marker of the recipe begins.
const BEGIN: &str = "CANARY-";

/// What must not be printed: markers, in any dress in which bytes are printed.
struct Markers {
    /// How they all begin: as text, as base64 at each alignment and of that again, as hexadecimal digits, as numbers.
    begins: Vec<String>,
    /// The random digits at their ends, for what shows a marker without its beginning.
    ends: HashSet<Vec<u8>>,
}

impl Markers {
    /// Of a fixture: those of every write, also of those that stand in no file in clear.
    fn of(truth: &Value) -> Self {
        let places = truth["markers"].as_array().unwrap().iter().chain(truth["writes"].as_array().unwrap());
        let all: HashSet<&str> = places.filter_map(|place| place["marker"].as_str()).collect();
        assert!(!all.is_empty() && all.iter().all(|marker| marker.starts_with(BEGIN)), "{all:?}");
        let mut begins = vec![BEGIN.to_owned()];
        for once in base64_forms(BEGIN) {
            begins.extend(base64_forms(&once));
            begins.push(once);
        }
        let bytes = BEGIN.as_bytes();
        let join = |each: &dyn Fn(&u8) -> String, between: &str| bytes.iter().map(each).collect::<Vec<_>>().join(between);
        for between in ["", " ", ":", "\\x"] {
            begins.push(join(&|byte| format!("{byte:02x}"), between));
            begins.push(join(&|byte| format!("{byte:02X}"), between));
        }
        begins.push(join(&|byte| byte.to_string(), ", "));
        begins.push(join(&|byte| byte.to_string(), ","));
        let ends = all.iter().map(|marker| marker.as_bytes()[marker.len() - 16..].to_vec()).collect();
        Self { begins, ends }
    }

    /// Fails where one of them occurs in the output of a command.
    fn assert_silent(&self, what: &str, output: &[u8]) {
        let shown = String::from_utf8_lossy(output);
        for begin in &self.begins {
            assert!(!shown.contains(begin.as_str()), "{what} shows a marker as {begin}");
        }
        let is_end = |window: &&[u8]| window[0].is_ascii_hexdigit() && window[15].is_ascii_hexdigit() && self.ends.contains(*window);
        let end = output.windows(16).find(is_end);
        assert_eq!(end, None, "{what} shows the end of a marker");
    }
}

/// The letters of base64 that a text surely gives, wherever it begins in the bytes that are encoded; in both alphabets.
fn base64_forms(text: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3usize {
        let bytes = [&vec![0; before][..], text.as_bytes()].concat();
        let letters = STANDARD.encode(&bytes);
        let form = &letters[(before * 8).div_ceil(6)..bytes.len() * 8 / 6];
        forms.extend([form.to_owned(), form.replace('+', "-").replace('/', "_")]);
    }
    forms.sort();
    forms.dedup();
    forms
}

#[test]
fn a_marker_is_recognised_in_every_dress() {
    let truth = serde_json::json!({ "markers": [{ "marker": "CANARY-1-2-r3-0123456789abcdef" }], "writes": [] });
    let markers = Markers::of(&truth);
    let talks = |shown: String| std::panic::catch_unwind(|| markers.assert_silent("", shown.as_bytes())).is_err();
    for before in ["", "a", "ab", "abc"] {
        let json = format!("{before}CANARY-1-2-r3-0123456789abcdef{before}");
        let once = STANDARD.encode(&json);
        assert!(talks(format!("{{\"data\":\"{once}\"}}")), "{once}");
        assert!(talks(STANDARD.encode(format!("{before}{once}"))));
        assert!(talks(json));
    }
    assert!(talks("+16  43 41 4e 41 52 59 2d 31 …".to_owned()) && talks("…-r3-0123456789abcdef".to_owned()));
    assert!(!talks("CANARIES 0123456789abcde".to_owned()));
}

/// Runs commands in a folder, and looks at all they print.
fn assert_silent(dir: &Path, markers: &Markers, args: &[&str]) -> Vec<u8> {
    let output = run_in(dir, args);
    assert!(output.status.code().is_some_and(|code| code != 1), "{args:?}: {}", stderr(&output));
    markers.assert_silent(&format!("{args:?}"), &output.stdout);
    markers.assert_silent(&format!("{args:?} (stderr)"), &output.stderr);
    output.stdout
}

#[test]
fn no_command_prints_a_value_unasked() {
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        let file = format!("{}.db", fixture.name);
        let markers = Markers::of(&fixture.truth());
        for format in ["text", "jsonl", "json", "csv"] {
            for resources in ["secrets", "all"] {
                for command in ["scan", "carve"] {
                    assert_silent(dir.path(), &markers, &[command, &file, "--resources", resources, "--format", format]);
                }
            }
        }
        for args in [&["check", &file][..], &["pages", &file], &["scan", &file, "-q"], &["recover", &file, "--include-residue"]] {
            assert_silent(dir.path(), &markers, args);
        }
        let all = records(&run_in(dir.path(), &["scan", &file, "--resources", "all", "--format", "jsonl"]));
        let mut keys: Vec<&str> = of_kind(&all, "value")
            .into_iter()
            .filter_map(|v| v["key"].as_str())
            .filter(|k| k.starts_with('/') && !k.contains('\0'))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            // What stands in residue only is no object that `show` knows.
            let output = run_in(dir.path(), &["show", &file, key]);
            markers.assert_silent(key, &[output.stdout, output.stderr].concat());
        }
    }
}

#[test]
fn a_page_is_explained_without_its_values() {
    let mut explained = BTreeMap::<String, usize>::new();
    for fixture in Fixture::all() {
        let dir = tempfile::tempdir().unwrap();
        fixture.write_to(dir.path());
        let file = format!("{}.db", fixture.name);
        let markers = Markers::of(&fixture.truth());
        let list = assert_silent(dir.path(), &markers, &["pages", &file, "--list"]);
        // Of each state the runs with the most pages, which have overflow, and the first ones.
        let mut runs = BTreeMap::<String, Vec<(u64, u64)>>::new();
        for line in String::from_utf8(list).unwrap().lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let [page, count, state, ..] = words[..]
                && let (Ok(page), Ok(count)) = (page.parse(), count.parse())
                && !line.contains('%')
            {
                runs.entry(state.to_owned()).or_default().push((count, page));
            }
        }
        for (state, mut runs) in runs {
            let mut pages: Vec<u64> = runs.iter().take(3).map(|(_, page)| *page).collect();
            runs.sort_unstable();
            // The first, second and last page of a run.
            pages.extend(runs.iter().rev().take(2).flat_map(|(count, page)| [*page, page + count.min(&2) - 1, page + count - 1]));
            pages.sort_unstable();
            pages.dedup();
            for page in pages {
                assert_silent(dir.path(), &markers, &["pages", &file, "--page", &page.to_string()]);
                *explained.entry(state.clone()).or_default() += 1;
            }
        }
    }
    for state in ["meta", "freelist", "reachable", "other-root", "free", "beyond-high-water"] {
        assert!(explained.get(state).is_some_and(|count| *count > 0), "{state}: {explained:?}");
    }
}

#[test]
fn a_data_directory_is_as_silent_as_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = unpack_directory("killed", dir.path());
    let markers = Markers::of(&Fixture::named("killed").truth());
    let wal = path.join("member/wal/0000000000000000-0000000000000000.wal");
    let snap = path.join("member/snap/0000000000000002-000000000000007a.snap");
    for format in ["text", "jsonl", "json", "csv"] {
        for input in [path.as_path(), &wal, &snap] {
            assert_silent(dir.path(), &markers, &["scan", input.to_str().unwrap(), "--resources", "all", "--format", format]);
        }
        for input in [&wal, &snap] {
            assert_silent(dir.path(), &markers, &["carve", input.to_str().unwrap(), "--resources", "all", "--format", format]);
        }
    }
}

#[test]
fn values_of_a_log_that_are_no_objects_are_not_shown_either() {
    let dir = tempfile::tempdir().unwrap();
    unpack_directory("segments", dir.path());
    let truth = truth_of("segments");
    let values = truth["values"].as_object().unwrap().values().map(|value| value.as_str().unwrap().as_bytes());
    let parts: HashSet<&[u8]> = values.flat_map(|value| value.windows(12)).collect();
    assert!(parts.len() > 10_000);
    for format in ["text", "jsonl", "csv"] {
        let output = run_in(dir.path(), &["scan", "segments", "--resources", "all", "--format", format]);
        assert_eq!(output.stdout.windows(12).find(|part| parts.contains(part)), None, "{format}");
    }
}

/// Runs a command that writes files into a new folder, and proves that they are private and silent.
fn assert_private(dir: &Path, markers: &Markers, args: &[&str], option: &str) -> Vec<u8> {
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("results");
    let output = run_in(dir, &[args, &[option, target.to_str().unwrap()]].concat());
    assert!(output.status.code().is_some_and(|code| code != 1), "{args:?}: {}", stderr(&output));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600, "{args:?} {option}");
    }
    assert_eq!(std::fs::read_dir(out.path()).unwrap().count(), 1, "{args:?} {option}");
    let written = std::fs::read(&target).unwrap();
    markers.assert_silent(&format!("{args:?} {option}"), &[&written[..], &output.stdout, &output.stderr].concat());
    written
}

#[test]
fn what_is_written_to_files_is_silent_and_only_for_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let mut inputs = vec![("killed".to_owned(), Markers::of(&Fixture::named("killed").truth()))];
    unpack_directory("killed", dir.path());
    for name in ["migration", "kinds", "big-values"] {
        let fixture = Fixture::named(name);
        fixture.write_to(dir.path());
        inputs.push((format!("{name}.db"), Markers::of(&fixture.truth())));
    }
    for (input, markers) in &inputs {
        for command in ["scan", "carve"].into_iter().filter(|command| *command == "scan" || input.ends_with(".db")) {
            let list = assert_private(dir.path(), markers, &[command, input], "--rotate-list");
            let mut reader = csv::Reader::from_reader(list.as_slice());
            let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
            assert!(rows.len() > 20, "{command} {input}: {}", rows.len());
            for cell in rows.iter().flatten() {
                assert!(cell.parse::<f64>().is_ok() || !cell.starts_with(['=', '+', '-', '@']), "{cell}");
            }
            for format in ["text", "jsonl", "json", "csv"] {
                assert_private(dir.path(), markers, &[command, input, "--resources", "all", "--format", format], "--output");
            }
        }
    }
}

/// A file that is there is replaced only when asked, and a link never.
#[test]
fn a_file_is_replaced_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("kinds").write_to(dir.path());
    for option in ["--output", "--rotate-list"] {
        let out = tempfile::tempdir().unwrap();
        let target = out.path().join("results");
        std::fs::write(&target, "before").unwrap();
        let output = sleuth().current_dir(dir.path()).args(["scan", "kinds.db", option, target.to_str().unwrap()]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{option}");
        assert!(stderr(&output).contains("exists already"), "{}", stderr(&output));
        assert_eq!(std::fs::read(&target).unwrap(), b"before");
        #[cfg(unix)]
        {
            let link = out.path().join("link");
            std::os::unix::fs::symlink(&target, &link).unwrap();
            let args = ["scan", "kinds.db", "--force", "--output", link.to_str().unwrap()];
            let output = sleuth().current_dir(dir.path()).args(args).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
            assert_eq!(std::fs::read(&target).unwrap(), b"before");
        }
    }
}

#[test]
fn damage_does_not_make_it_talk() {
    let fixture = Fixture::named("plaintext");
    let markers = Markers::of(&fixture.truth());
    for step in 0..40usize {
        let mut bytes = fixture.bytes.to_vec();
        let at = 8192 + step * (bytes.len() - 8192 - 200) / 40;
        bytes[at..at + 64].iter_mut().for_each(|byte| *byte ^= 0x55);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("damaged.db"), &bytes).unwrap();
        for args in [
            &["scan", "damaged.db", "--resources", "all", "--format", "jsonl"][..],
            &["check", "damaged.db"],
            &["recover", "damaged.db", "--include-residue"],
            &["pages", "damaged.db", "--list"],
        ] {
            let output = run_in(dir.path(), args);
            // `pages` does not hash, so it cannot see a change in a free page or in a value.
            let seen = matches!(output.status.code(), Some(2 | 3)) || args[0] == "pages" && output.status.code() == Some(0);
            assert!(seen, "{args:?} {at}: {:?} {}", output.status, stderr(&output));
            markers.assert_silent(&format!("{args:?} with damage at {at}"), &[output.stdout, output.stderr].concat());
        }
    }
}

/// One object is revealed when asked for, and into a private file.
#[test]
fn one_object_is_revealed_when_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::named("plaintext");
    fixture.write_to(dir.path());
    let all = records(&run_in(dir.path(), &["scan", "plaintext.db", "--format", "jsonl"]));
    let current = |v: &&&Value| v["retention"] == "current" && v["protection"] == "plaintext";
    let value = of_kind(&all, "value").iter().find(current).copied().unwrap().clone();
    let object = format!("{}/{}", value["namespace"].as_str().unwrap(), value["name"].as_str().unwrap());

    let shown = run_in(dir.path(), &["show", "plaintext.db", &object, "--reveal"]);
    let json: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&json["kind"], &json["metadata"]["name"]), (&"Secret".into(), &value["name"]));
    assert!(stderr(&shown).starts_with(&format!("warning: printing {object}, revision ")), "{}", stderr(&shown));
    let data = json["data"].as_object().unwrap();
    let items = value["secret"]["data"].as_array().unwrap();
    assert_eq!(data.len(), items.len());
    for item in items {
        let bytes = STANDARD.decode(data[item["name"].as_str().unwrap()].as_str().unwrap()).unwrap();
        assert_eq!(bytes.len() as u64, item["length"].as_u64().unwrap());
    }

    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("secret.json");
    let written = run_in(dir.path(), &["show", "plaintext.db", &object, "--reveal", "-o", target.to_str().unwrap()]);
    assert_eq!(written.status.code(), Some(0));
    assert_eq!(std::fs::read(&target).unwrap(), shown.stdout);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

/// Show gives every revision, and says when there is no such object.
#[test]
fn show_gives_every_revision() {
    let dir = tempfile::tempdir().unwrap();
    let fixture = Fixture::named("migration");
    fixture.write_to(dir.path());
    let all = records(&run_in(dir.path(), &["scan", "migration.db", "--format", "jsonl"]));
    let values = of_kind(&all, "value");
    let superseded = values.iter().find(|v| v["retention"] == "superseded").unwrap();
    let revisions: Vec<u64> =
        values.iter().filter(|v| v["key"] == superseded["key"]).map(|v| v["mod_revision"].as_u64().unwrap()).collect();
    assert!(revisions.len() > 1);
    let (code, stdout) = text(&run_in(dir.path(), &["show", "migration.db", superseded["key"].as_str().unwrap()]));
    assert_eq!(code, 0);
    for revision in revisions {
        assert!(stdout.contains(&format!("revision {revision} ")), "{stdout}");
    }
    let missing = run_in(dir.path(), &["show", "migration.db", "no-such/object"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("no object no-such/object"), "{}", stderr(&missing));
}
