//! Compiles `proto/` with protox, so that no protoc is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = ["etcdserverpb.proto", "kmsv2.proto", "kubernetes.proto", "mvccpb.proto", "raftpb.proto", "snappb.proto", "walpb.proto"];
    let mut messages = prost_build::Config::new();
    messages
        // Sorted maps give the same output for the same input; no Debug that would print a Secret's bytes.
        .btree_map(["."])
        .skip_debug(["kubernetes.Secret", "kubernetes.ConfigMap", "kubernetes.ObjectMeta", "kubernetes.Unknown", "mvccpb.KeyValue"])
        .compile_fds(protox::compile(files, ["proto"])?)?;
    #[cfg(feature = "kms-plugin")]
    {
        let plugin = protox::compile(["kmsplugin_v1beta1.proto", "kmsplugin_v2.proto"], ["proto"])?;
        tonic_prost_build::configure().build_server(false).build_transport(false).compile_fds_with_config(plugin, {
            let mut messages = prost_build::Config::new();
            // What a plugin answers holds a key.
            messages.btree_map(["."]).skip_debug(["v1beta1.DecryptResponse", "v2.DecryptResponse"]);
            messages
        })?;
    }
    Ok(())
}
