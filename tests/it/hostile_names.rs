//! Names in evidence, and of evidence, are an attacker's text: whatever is printed of them neither moves a cursor nor turns
//! a line around nor begins a new one, and is not left out either.

use crate::common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;

use common::pages::{self, Write};
use common::{Fixture, evidences, of_kind, records, run_in, stderr};

/// What stands behind a newline in a hostile name: no line of any output begins with it.
const INJECTED: &str = "SNAPSHOT WHOLE";
/// A file as hostile as the names in it.
const FILE: &str = "a\u{1b}[2J\nSNAPSHOT WHOLE\u{202e}.db";

/// Characters that a terminal obeys, that turn the direction of text or are not seen. Lines end where the tool ends them.
fn is_obeyed(c: char) -> bool {
    let turns_or_hides = matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    c.is_control() && c != '\n' || turns_or_hides
}

/// Each of them that may stand in a name, and a newline with more behind it.
fn hostile_parts() -> Vec<String> {
    let control = ('\u{1}'..='\u{1f}').chain('\u{7f}'..='\u{9f}');
    let all =
        control.chain('\u{61c}'..='\u{61c}').chain('\u{200b}'..='\u{200f}').chain('\u{2028}'..='\u{202e}').chain('\u{2060}'..='\u{2069}');
    let mut parts: Vec<String> = all.chain(['\u{feff}']).filter(|c| is_obeyed(*c)).map(|c| format!("x{c}y")).collect();
    parts.extend(["x\u{1b}[2Jy".to_owned(), format!("x\n{INJECTED}"), format!("x\r\n{INJECTED}")]);
    parts
}

/// How a name is written in text and CSV.
fn escaped(name: &str) -> String {
    name.chars().map(|c| if is_obeyed(c) || c == '\n' { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

/// The keys of Secrets with hostile namespaces and names.
fn keys() -> Vec<String> {
    hostile_parts().iter().map(|part| format!("/registry/secrets/ns-{part}/name-{part}")).collect()
}

/// The provider's names in prefixes of sealed values: no colon, which ends them.
fn provider_names() -> Vec<String> {
    hostile_parts().iter().map(|part| format!("key-{part}")).collect()
}

/// A database with a Secret in clear and one sealed under every hostile name; the same again on a free page.
fn database() -> Vec<u8> {
    let mut writes = Vec::new();
    for ((main, key), name) in (2..).step_by(2).zip(keys()).zip(provider_names()) {
        let (namespace, object) = key["/registry/secrets/".len()..].split_once('/').unwrap();
        let secret = serde_json::json!({
            "kind": "Secret", "apiVersion": "v1", "type": object, "metadata": { "namespace": namespace, "name": object },
            "data": { object: "c2VjcmV0" },
        });
        writes.push(Write { main, key: key.clone().into_bytes(), value: serde_json::to_vec(&secret).unwrap() });
        let sealed = [format!("k8s:enc:aescbc:v1:{name}:").as_bytes(), &[0x5a; 64]].concat();
        writes.push(Write { main: main + 1, key: format!("{key}-sealed").into_bytes(), value: sealed });
    }
    let entries: Vec<_> = writes.iter().map(Write::entry).collect();
    let tree = pages::leaf(3, &entries);
    let free = 3 + (tree.len() / pages::PAGE) as u64;
    // Where the tree does not have them.
    let removed: Vec<_> = writes
        .iter()
        .map(|w| Write { main: w.main + 100_000, key: [&w.key[..], b"-freed"].concat(), value: w.value.clone() }.entry())
        .collect();
    pages::database(&[pages::root(3), tree, pages::leaf(free, &removed)])
}

/// Nothing in what a command printed is obeyed, and no line is one that a name began.
fn assert_tame(what: &str, output: &Output) -> String {
    assert!(output.status.code().is_some(), "{what}: {}", output.status);
    let mut shown = String::new();
    for part in [&output.stdout, &output.stderr] {
        let text = String::from_utf8(part.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
        if let Some(at) = text.find(is_obeyed) {
            panic!("{what} prints {:?}", &text[at..].chars().next());
        }
        let forged = text.lines().find(|line| line.trim_start_matches(['"', '\'', ' ']).starts_with(INJECTED));
        assert_eq!(forged, None, "{what}");
        shown.push_str(&text);
    }
    shown
}

fn place() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE), database()).unwrap();
    dir
}

/// Runs a command on the hostile file; its name is said, escaped, wherever it is.
fn run(dir: &Path, args: &[&str]) -> (Output, String) {
    let output = run_in(dir, args);
    let shown = assert_tame(&format!("{args:?}"), &output);
    (output, shown)
}

#[test]
fn reports_show_every_hostile_name_and_obey_none() {
    let dir = place();
    let keys: BTreeSet<String> =
        keys().into_iter().flat_map(|key| [format!("{key}-sealed"), key]).flat_map(|key| [format!("{key}-freed"), key]).collect();
    for command in ["scan", "carve"] {
        let run = |format: &str| run(dir.path(), &[command, FILE, "--resources", "all", "--format", format]);
        let (lines, _) = run("jsonl");
        let lines = records(&lines);
        let values = of_kind(&lines, "value");
        let found: BTreeSet<String> = values.iter().filter_map(|value| value["key"].as_str()).map(str::to_owned).collect();
        assert!(found == keys, "{command}: {:?}", keys.symmetric_difference(&found).collect::<Vec<_>>());
        assert_eq!(evidences(&lines)[0]["path"], FILE);
        // One row a line, whatever stands in it.
        let (table, _) = run("csv");
        let rows: Vec<csv::StringRecord> = csv::Reader::from_reader(&table.stdout[..]).records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), values.len() + of_kind(&lines, "tombstone").len(), "{command}");
        assert_eq!(String::from_utf8_lossy(&table.stdout).lines().count(), rows.len() + 1, "{command}");
        let cells: BTreeSet<&str> = rows.iter().flatten().collect();
        for key in &keys {
            assert!(cells.contains(escaped(key).as_str()), "{command}: {key:?}");
        }
        for cell in cells {
            assert!(cell.parse::<f64>().is_ok() || !cell.starts_with(['=', '+', '-', '@']), "{cell}");
        }
        let (document, _) = run("json");
        assert!(
            serde_json::from_slice::<serde_json::Value>(&document.stdout)
                .unwrap()
                .to_string()
                .contains(&serde_json::to_string(FILE).unwrap()[1..])
        );
        let (_, text) = run("text");
        assert!(text.contains(&escaped(FILE)), "{text}");
        // The first screen has the first of them only.
        let named = keys.iter().filter(|key| text.contains(&escaped(key.rsplit_once('/').unwrap().1.trim_end_matches("-freed")))).count();
        assert!(command == "carve" || named > 0, "{text}");
    }
}

#[test]
fn keys_are_named_escaped() {
    let dir = place();
    // A name ends before a control character, and one that would be nothing else is said to be none.
    let (unreadable, named): (Vec<String>, Vec<String>) = provider_names().into_iter().partition(|name| name.contains(char::is_control));
    let (_, text) = run(dir.path(), &["keys", FILE]);
    assert!(named.iter().all(|name| text.contains(&escaped(name))) && text.contains("(name not readable)"), "{text}");
    for format in ["jsonl", "json", "csv"] {
        let (output, _) = run(dir.path(), &["keys", FILE, "--format", format]);
        assert!(!output.stdout.is_empty());
        if format == "jsonl" {
            let lines = records(&output);
            let keys = of_kind(&lines, "key");
            let found: BTreeSet<&str> = keys.iter().filter_map(|key| key["provider_name"].as_str()).collect();
            assert_eq!(found, named.iter().map(String::as_str).collect(), "{:?}", keys.first());
            // None of them is left out of the count.
            let nameless: u64 = keys.iter().filter(|key| key["provider_name"].is_null()).map(|key| key["current"].as_u64().unwrap()).sum();
            assert_eq!(nameless, unreadable.len() as u64, "{:?}", keys.first());
        }
    }
    let name = &named[0];
    let (output, _) = run(dir.path(), &["keys", FILE, "--retire", &format!("aescbc/{name}")]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn the_other_commands_name_the_file_and_what_is_in_it_escaped() {
    let dir = place();
    for args in [&["check", FILE][..], &["pages", FILE]] {
        let (_, shown) = run(dir.path(), args);
        assert!(shown.contains(&escaped(FILE)), "{args:?}: {shown}");
    }
    // These name no file.
    for args in
        [&["pages", FILE, "--list"][..], &["scan", FILE, "-q"], &["check", FILE, "-q"], &["keys", FILE, "-q"], &["verify", FILE, "--plan"]]
    {
        run(dir.path(), args);
    }
    // The leaf is a run of many pages; each tells what stands on it.
    let pages = database().len() / pages::PAGE;
    let explained: String = (2..pages).map(|page| run(dir.path(), &["pages", FILE, "--page", &page.to_string()]).1).collect();
    let (recovered, _) = run(dir.path(), &["recover", FILE, "--include-residue"]);
    let recovered: BTreeSet<String> = records(&recovered).iter().filter_map(|record| record["key"].as_str()).map(str::to_owned).collect();
    for key in keys() {
        assert!(explained.contains(&escaped(&key)), "{key:?} is on no page");
        assert!(recovered.contains(&key), "{key:?}");
        let (shown, text) = run(dir.path(), &["show", FILE, &key]);
        // A provider's name that no API server writes is damage, of whatever object, and every command says so.
        assert_eq!(shown.status.code(), Some(3), "{key:?}: {text} {}", stderr(&shown));
        assert!(text.contains(&escaped(&key)) || text.contains(&escaped(key.rsplit_once('/').unwrap().1)), "{text}");
        let (_, revealed) = run(dir.path(), &["show", FILE, &key, "--reveal"]);
        assert!(revealed.contains("c2VjcmV0"), "{revealed}");
        // An object that is not there is named all the same.
        let missing = format!("{key}-missing");
        let (output, text) = run(dir.path(), &["show", FILE, &missing]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text.contains(&escaped(&missing)), "{text}");
    }
}

#[test]
fn errors_and_options_are_escaped_too() {
    let dir = place();
    let missing = format!("missing-{FILE}");
    fs::write(dir.path().join("foreign\n\u{1b}[31m.db"), b"hello, this is a note\n").unwrap();
    for args in [
        &["scan", &missing][..],
        &["check", &missing],
        &["carve", &missing],
        &["keys", &missing],
        &["recover", &missing],
        &["pages", &missing],
        &["show", &missing, "a/b"],
        &["verify", &missing, "--plan"],
        &["scan", "foreign\n\u{1b}[31m.db"],
        &["scan", FILE, "-o", FILE],
        &["verify", FILE, "--encryption-config", &missing],
        &["keys", FILE, "--retire", &format!("aescbc/no\n{INJECTED}\u{202e}")],
    ] {
        let (output, shown) = run(dir.path(), args);
        assert!(matches!(output.status.code(), Some(1..=3)), "{args:?}: {shown}");
        assert!(shown.contains("\\u{a}") || shown.contains("\\n"), "{args:?} does not name it: {shown}");
    }
}

#[test]
fn what_a_cluster_named_itself_is_not_obeyed_either() {
    let dir = tempfile::tempdir().unwrap();
    Fixture::named("kinds").write_to(dir.path());
    for command in ["scan", "carve", "keys"] {
        for format in ["text", "jsonl", "json", "csv"] {
            let (output, _) = run(dir.path(), &[command, "kinds.db", "--resources", "all", "--format", format]);
            if format == "csv" {
                for cell in csv::Reader::from_reader(&output.stdout[..]).records().map(Result::unwrap).collect::<Vec<_>>().iter().flatten()
                {
                    assert!(cell.parse::<f64>().is_ok() || !cell.starts_with(['=', '+', '-', '@']), "{cell}");
                }
            }
        }
    }
}
