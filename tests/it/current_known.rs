//! `verify` calls nothing complete where it is not known which values are current: without a tree, or with a part of one, whatever else was
//! given. Every input is made here.

use crate::common;
use crate::requirement::{A, CLEAR, KEY1, config, rule, secret};

use std::fs;
use std::path::Path;

use common::pages::{PAGE, Write, database_of};
use common::sealed::aes_gcm;
use common::{of_kind, records, run_in, text};
use serde_json::json;

/// A database with so many Secrets, all under the required key.
fn sealed(count: u64) -> Vec<u8> {
    let write = |main: u64| {
        let (key, value) = aes_gcm(A, "key1", secret(&format!("s{main}")));
        Write { main, key: key.into_bytes(), value }
    };
    database_of(&(2..2 + count).map(write).collect::<Vec<_>>())
}

/// The same, of which the last leaf does not say any more what it is.
fn with_a_leaf_lost(mut bytes: Vec<u8>) -> Vec<u8> {
    const FLAGS: usize = 8;
    let is_leaf = |number: usize, page: &[u8]| page[..FLAGS] == (number as u64).to_le_bytes() && page[FLAGS] == 2;
    let (last, _) = bytes.chunks(PAGE).enumerate().rfind(|(number, page)| is_leaf(*number, page)).unwrap();
    bytes[last * PAGE + FLAGS] = 0x20;
    bytes
}

/// The same with neither meta.
fn without_metas(mut bytes: Vec<u8>) -> Vec<u8> {
    (0..2).for_each(|page| bytes[page * PAGE + 16..(page + 1) * PAGE].fill(0));
    bytes
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn nothing_is_complete_where_it_is_not_known_what_is_current() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "enc.yaml", config(&[rule(&["secrets"], &[KEY1, CLEAR])]).as_bytes());
    write(dir.path(), "sound.db", &sealed(3));
    write(dir.path(), "part.db", &with_a_leaf_lost(sealed(200)));
    write(dir.path(), "lost.db", &without_metas(sealed(3)));
    write(dir.path(), "empty/member/snap/db", b"");
    write(dir.path(), "noise", &[0x9c; 5000]);
    write(dir.path(), "cut.db", &sealed(200)[..PAGE / 2]);
    for (inputs, said) in [
        (&["sound.db"][..], None),
        (&["part.db"], Some("a part of the tree of part.db is lost")),
        (&["part.db", "sound.db"], Some("a part of the tree of part.db is lost")),
        (&["lost.db"], Some("no database with its tree was read")),
        (&["lost.db", "sound.db"], Some("the tree of lost.db is lost")),
        (&["sound.db", "lost.db", "part.db"], Some("the tree of lost.db is lost, a part of the tree of part.db is lost")),
        (&["empty"], None),
        (&["noise", "sound.db"], Some("noise was not read")),
        (&["sound.db", "cut.db"], Some("cut.db was not read")),
    ] {
        let args = [&["verify"][..], inputs, &["--encryption-config", "enc.yaml", "--no-progress"]].concat();
        let run = |more: &[&str]| run_in(dir.path(), &[&args[..], more].concat());
        let ((code, shown), (_, quiet)) = (text(&run(&[])), text(&run(&["-q"])));
        let all = records(&run(&["--format", "jsonl"]));
        let conditions = of_kind(&all, "summary")[0]["conditions"].clone();
        let is_known = inputs == ["sound.db"];
        assert_eq!(
            (code == 0, shown.contains("COMPLETE in"), shown.contains("keys FILES --retire")),
            (is_known, is_known, is_known),
            "{shown}"
        );
        let is_open = conditions.as_array().unwrap().contains(&json!("current-not-known"));
        if inputs != ["empty"] {
            assert_eq!(is_open, !is_known, "{inputs:?} {conditions}");
        }
        let Some(said) = said else { continue };
        let said = format!("which values are current is not known: {said}");
        assert!(shown.lines().next().unwrap().contains(&said) && quiet.contains(&said), "{inputs:?} {shown}");
        let judged = shown.lines().find(|line| line.starts_with("Re-encryption")).unwrap();
        assert!(judged.starts_with("Re-encryption NOT KNOWN") && judged.contains(&said) || judged.contains("nothing to judge"), "{judged}");
    }
}
