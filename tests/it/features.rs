//! The program without `aws-kms` and `kms-plugin` has no code for networks: nothing in its tree opens a socket or speaks TLS. The
//! library alone has not the crates of a command line either.

use std::collections::BTreeSet;
use std::process::Command;

/// Crates that read arguments, draw progress or wait for signals. `anyhow` is not among them: prost's macros are made with it.
const OF_THE_PROGRAM: [&str; 7] = ["anstream", "clap", "clap_complete", "clap_mangen", "indicatif", "rustix", "signal-hook"];

/// Crates of the tree with these features alone, build and test dependencies aside.
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
fn the_program_alone_has_neither_socket_nor_tls() {
    let small = tree(&["--features", "cli"]);
    assert!(small.contains("etcd-sleuth") && small.contains("nom"), "{small:?}");
    assert_eq!(network(&small), [""; 0]);
}

#[test]
fn the_library_alone_has_no_command_line() {
    let (alone, program) = (tree(&[]), tree(&["--features", "cli"]));
    assert!(alone.contains("etcd-sleuth") && alone.contains("nom") && alone.is_subset(&program), "{alone:?}");
    assert_eq!(network(&alone), [""; 0]);
    for name in OF_THE_PROGRAM {
        assert!(!alone.contains(name), "{name}");
        assert!(program.contains(name), "{name}");
    }
}

#[test]
fn the_search_would_find_them() {
    let with = |features| network(&tree(&["--features", features])).join(" ");
    for aws in [with("aws-kms"), with("cli,aws-kms")] {
        assert!(["aws-sdk-kms", "rustls", "tokio", "hyper"].iter().all(|name| aws.contains(name)), "{aws}");
    }
    for plugin in [with("kms-plugin"), with("cli,kms-plugin")] {
        assert!(["tonic", "tokio", "h2"].iter().all(|name| plugin.contains(name)) && !plugin.contains("rustls"), "{plugin}");
    }
}
