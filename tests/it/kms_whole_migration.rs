//! A migration as people are in the middle of it, over AWS as moto implements it and a plugin at two sockets, in one run.

#![cfg(all(feature = "aws-kms", feature = "kms-plugin", target_os = "linux"))]

use crate::common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixListener;

use common::moto::Moto;
use common::pages::{self, Write};
use common::plugin_double::{Reply, field_1, serve_by, status};
use common::sealed::{kms_v1, kms_v2, secret};
use etcd_sleuth::kms::EncryptionContexts;
use serde_json::Value;

/// What is in the middle of everything: KMS v1 without a context and v2 with one under the same name, keys in two regions, an alias that
/// was pointed elsewhere, and another provider whose plugin serves each API at a socket of its own. One run opens all of it, with the
/// calls of its plan.
#[test]
#[ignore = "needs moto"]
fn moto_and_two_sockets_open_a_whole_migration_in_one_run() {
    let moto = Moto::start();
    let (none, prod) = (BTreeMap::new(), EncryptionContexts::parse("cluster=prod").unwrap());
    let (east, west) = (moto.client("us-east-1"), moto.client("eu-west-1"));
    let (v1, v2, abroad) = (east.wrap([1; 32], &none), east.wrap([2; 32], &prod), west.wrap([3; 32], &prod));
    let (before, now) = (east.wrap([4; 32], &prod), east.wrap([5; 32], &prod));
    east.point("alias/etcd", &before.id, true);
    let before = east.wrap_by("alias/etcd", [4; 32], &prod);
    east.point("alias/etcd", &now.id, false);
    let now = east.wrap_by("alias/etcd", [5; 32], &prod);
    let alias = v1.arn.replace(&format!("key/{}", v1.id), "alias/etcd");
    let values = [
        kms_v1("aws", &v1.blob, [1; 32], secret("a")),
        kms_v2("aws", &v2.arn, &v2.blob, [2; 32], secret("b")),
        kms_v2("aws", &abroad.arn, &abroad.blob, [3; 32], secret("c")),
        kms_v2("aws", &alias, &before, [4; 32], secret("d")),
        kms_v2("aws", &alias, &now, [5; 32], secret("e")),
        kms_v1("google", b"wrapped 6", [6; 32], secret("f")),
        kms_v2("google", "key-1", b"wrapped 7", [7; 32], secret("g")),
    ];
    let dir = tempfile::tempdir().unwrap();
    let writes = (2..).zip(&values).map(|(main, (key, value))| Write { main, key: key.clone().into_bytes(), value: value.clone() });
    let entries: Vec<_> = writes.map(|write| write.entry()).collect();
    fs::write(dir.path().join("a.db"), pages::database(&[pages::root(3), pages::leaf(3, &entries)])).unwrap();
    let sockets = [("v1beta1.", b'6'), ("v2.", b'7')].map(|(api, number)| {
        let path = dir.path().join(api);
        let asked = serve_by(UnixListener::bind(&path).unwrap(), move |path, message| match path.contains(api) {
            true if path.ends_with("/Decrypt") && message.windows(9).any(|part| part == [b"wrapped ", &[number][..]].concat()) => {
                Reply::Message(field_1(&[number - b'0'; 32]))
            }
            true if path.ends_with("/Status") => Reply::Message(status("key-1")),
            _ => Reply::Status(12, "unknown service".to_owned()),
        });
        (format!("google=unix://{}", path.display()), asked)
    });
    let verify = |further: &[&str]| {
        let mut command = common::sleuth();
        command.current_dir(dir.path()).env("AWS_ENDPOINT_URL_KMS", &moto.url).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "fake").env("AWS_SECRET_ACCESS_KEY", "fake").env("AWS_EC2_METADATA_DISABLED", "true");
        command.args(["verify", "a.db", "--rate", "0", "--format", "jsonl", "--aws-kms=aws"]);
        command.args(["--encryption-context-for", "v1/aws", "none", "--encryption-context-for", "v2/aws", "cluster=prod"]);
        command.args(sockets.iter().flat_map(|(socket, _)| ["--kms-plugin", socket])).args(further);
        let output = command.output().unwrap();
        (output.status.code(), common::records(&output), common::stderr(&output))
    };
    let (_, planned, said) = verify(&["--plan"]);
    let plans = common::of_kind(&planned, "plan");
    assert!(!plans.is_empty(), "{said}");
    let sum = |field: &str| plans.iter().map(|plan| plan[field].as_u64().unwrap()).sum::<u64>();
    let (code, all, said) = verify(&[]);
    let outcomes: Vec<_> = common::of_kind(&all, "value").iter().map(|value| value["outcome"].clone()).collect();
    assert_eq!((code, outcomes), (Some(0), vec![Value::from("opened"); values.len()]), "{said}");
    let calls = common::of_kind(&all, "summary")[0]["verify"]["calls"].as_u64().unwrap();
    let made = sockets.iter().flat_map(|(_, asked)| asked.lock().unwrap().clone()).filter(|(path, _)| path.ends_with("/Decrypt")).count();
    // One is asked for each value, and a socket that does not serve the API sends the question on to the other one.
    assert_eq!((sum("calls"), sum("further_calls")), (values.len() as u64, 2));
    let to_aws = calls - made as u64;
    assert!(to_aws == 5 && made <= 2 + 2, "{to_aws} to AWS, {made} to plugins");
}
