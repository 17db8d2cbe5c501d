//! Random lives of real etcd clusters, 3.4 to 3.7: killed, restored, upgraded, moved back, migrated, compacted, defragmented,
//! with learners and replaced members. Nothing of it is damage, and what an etcd client read is what is said to exist.

use crate::common;

use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Evidences that a run makes at the least.
const COUNT: usize = 300;

/// No file and no directory of a random life raises an alarm, and the Secrets that exist are those that a client read.
#[test]
#[ignore = "needs Go, and plays for half an hour: the recipe runs servers of etcd 3.4 to 3.7"]
fn random_lives_raise_no_alarm() {
    let programs = tempfile::tempdir().unwrap();
    let servers = servers(programs.path());
    let etcd36 = common::etcd36(programs.path());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let first = now.as_secs() % 1_000_000;
    let (mut evidences, mut alarms) = (0, Vec::new());
    for seed in first.. {
        if evidences >= COUNT {
            break;
        }
        println!("etcd36 life -seed {seed}");
        let dir = tempfile::tempdir().unwrap();
        let played = Command::new(&etcd36)
            .args(["life", "-seed", &seed.to_string(), "-out"])
            .arg(dir.path())
            .arg("-servers")
            .arg(&servers)
            .output()
            .unwrap();
        assert!(played.status.success(), "{}", common::stderr(&played));
        for truth in common::records(&played) {
            evidences += 1;
            // One life takes long to play: the others are looked at, too.
            if panic::catch_unwind(|| compare(dir.path(), &truth, seed)).is_err() {
                alarms.push(format!("seed {seed}, {truth}"));
            }
        }
    }
    assert!(alarms.is_empty(), "{} of {evidences} evidences: {}", alarms.len(), alarms.join("\n"));
    println!("{evidences} evidences of random lives");
}

/// The programs of every version, each in a directory of its own.
fn servers(dir: &Path) -> PathBuf {
    let servers = dir.join("servers");
    for version in ["etcd34", "etcd35", "etcd36", "etcd37"] {
        let to = servers.join(version);
        fs::create_dir_all(&to).unwrap();
        let built = Command::new("go")
            .args(["build", "-p", "2", "-o"])
            .arg(&to)
            .arg("tool")
            .current_dir(common::testdata().join("recipe/servers").join(version))
            .output()
            .unwrap();
        assert!(built.status.success(), "{version}: {}", common::stderr(&built));
    }
    servers
}

fn compare(dir: &Path, truth: &Value, seed: u64) {
    let path = truth["path"].as_str().unwrap();
    let what = format!("seed {seed}, {truth}");
    let output = common::sleuth().current_dir(dir).args(["scan", path, "-f", "jsonl"]).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 2)), "{what}: exit {:?}: {}", output.status.code(), common::stderr(&output));
    let records = common::records(&output);
    let of_kind = |kind: &str| records.iter().filter(|record| record["record"] == kind).collect::<Vec<_>>();
    assert_eq!(of_kind("anomaly"), Vec::<&Value>::new(), "{what}");
    let [summary] = of_kind("summary")[..] else { panic!("{what}: no summary") };
    assert_eq!(summary["not_analysed"], Value::Array(Vec::new()), "{what}");

    let checked = common::sleuth().current_dir(dir).args(["check", path, "-f", "jsonl"]).output().unwrap();
    assert!(matches!(checked.status.code(), Some(0 | 2)), "{what}: check exits {:?}", checked.status.code());
    // Each version's own `snapshot status`, as far as its program takes the file.
    let checked = common::records(&checked);
    for (version, total) in truth["total_keys"].as_object().into_iter().flatten() {
        let field = if version.as_str() < "3.6" { "total_keys_up_to_3_5" } else { "total_keys" };
        assert_eq!(&common::of_kind(&checked, "evidence-end")[0]["snapshot_status"][field], total, "{what}: {version}");
    }

    // A database that was killed may be behind its log: then the newest writes are in the log alone.
    let databases: Vec<_> = of_kind("evidence").into_iter().filter(|evidence| !evidence["revision"].is_null()).collect();
    let [database] = databases[..] else { panic!("{what}: {} databases", databases.len()) };
    if truth["behind"] == true {
        assert!(database["revision"].as_u64() <= truth["revision"].as_u64(), "{what}: {}", database["revision"]);
        return;
    }
    assert_eq!(database["revision"], truth["revision"], "{what}");
    for protection in ["plaintext", "encrypted"] {
        assert_eq!(summary["secrets_current"][protection], truth[protection], "{what}: {protection}");
    }
}
