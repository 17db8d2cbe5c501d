//! Compiles `proto/` with protox, so that no protoc is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["etcdserverpb.proto", "kmsv2.proto", "kubernetes.proto", "mvccpb.proto", "raftpb.proto", "snappb.proto", "walpb.proto"];
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(files, ["proto"])?;
    prost_build::Config::new()
        // Sorted maps give the same output for the same input; no Debug that would print a Secret's bytes.
        .btree_map(["."])
        .skip_debug(["kubernetes.Secret", "kubernetes.ConfigMap", "kubernetes.ObjectMeta", "kubernetes.Unknown", "mvccpb.KeyValue"])
        .compile_fds(descriptors)?;
    Ok(())
}
