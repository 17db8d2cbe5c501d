//! Without its default features the tool has no code for networks: nothing in its tree opens a socket or speaks TLS.

use std::collections::BTreeSet;
use std::process::Command;

/// Crates of the binary's tree, build and test dependencies aside.
fn tree(features: &[&str]) -> BTreeSet<String> {
    let args = ["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--no-default-features"];
    let output = Command::new(env!("CARGO")).current_dir(env!("CARGO_MANIFEST_DIR")).args(args).args(features).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Crates that open sockets or speak TLS, HTTP or gRPC.
fn network(tree: &BTreeSet<String>) -> Vec<&str> {
    let words = [
        "tokio",
        "hyper",
        "h2",
        "tonic",
        "tower",
        "rustls",
        "aws-",
        "openssl",
        "ring",
        "socket2",
        "mio",
        "native-tls",
        "reqwest",
        "curl",
        "http",
    ];
    tree.iter()
        .map(String::as_str)
        .filter(|name| words.iter().any(|word| name == word || name.starts_with(&format!("{}-", word.trim_end_matches('-')))))
        .collect()
}

#[test]
fn without_features_there_is_neither_socket_nor_tls() {
    let small = tree(&[]);
    assert!(small.contains("etcd-sleuth") && small.contains("nom"), "{small:?}");
    assert_eq!(network(&small), [""; 0]);
}

#[test]
fn the_search_would_find_them() {
    let with = |feature| network(&tree(&["--features", feature])).join(" ");
    let aws = with("aws-kms");
    assert!(["aws-sdk-kms", "rustls", "tokio", "hyper"].iter().all(|name| aws.contains(name)), "{aws}");
    let plugin = with("kms-plugin");
    assert!(["tonic", "tokio", "h2"].iter().all(|name| plugin.contains(name)) && !plugin.contains("rustls"), "{plugin}");
}
