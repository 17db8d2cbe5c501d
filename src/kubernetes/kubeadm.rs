//! What `kubeadm` calls its cluster: the ConfigMap `kubeadm-config` of the namespace `kube-system`.
//!
//! Its item `ClusterConfiguration` is YAML that `kubeadm` writes, in which both fields stand at the beginning of a line, each with a
//! scalar. Source: kubernetes `cmd/kubeadm/app/phases/uploadconfig`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Encoding, each_data_item, json};

/// Names of a cluster, as it gives them itself: text that anyone who writes to etcd can choose.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubeadmNames {
    /// `clusterName`; `kubernetes` where nobody chose another.
    pub cluster_name: Option<String>,
    /// `controlPlaneEndpoint`: where its API servers are reached.
    pub endpoint: Option<String>,
}

impl KubeadmNames {
    /// The longest name that is kept: that of a host, a colon and a port are shorter.
    const LONGEST: usize = 300;

    /// Whether a key of etcd is that of the ConfigMap, below any prefix.
    pub fn is_key(key: &[u8]) -> bool {
        key.ends_with(b"/configmaps/kube-system/kubeadm-config")
    }

    /// Reads them of the ConfigMap's value; `None` where it has neither.
    pub fn read(value: &[u8], encoding: Encoding) -> Option<Self> {
        let mut names = None;
        let mut see = |item: &str, text: &str| {
            if item == "ClusterConfiguration" {
                names = Some(Self { cluster_name: scalar(text, "clusterName:"), endpoint: scalar(text, "controlPlaneEndpoint:") });
            }
        };
        match encoding {
            Encoding::Protobuf => {
                each_data_item(value, encoding, |item, data| see(item, std::str::from_utf8(data).unwrap_or_default()))?;
            }
            Encoding::Json => of_json(value, &mut see)?,
            Encoding::Cbor => of_json(&json::json_of_cbor(value).ok()?, &mut see)?,
            Encoding::Yaml | Encoding::Other => {}
        }
        names.filter(|names| *names != Self::default())
    }
}

fn of_json(value: &[u8], see: &mut impl FnMut(&str, &str)) -> Option<()> {
    #[derive(Deserialize)]
    struct Stored {
        #[serde(default)]
        data: BTreeMap<String, String>,
    }
    let stored: Stored = serde_json::from_slice(value).ok()?;
    stored.data.iter().for_each(|(item, text)| see(item, text));
    Some(())
}

/// The scalar behind a field at the beginning of a line.
fn scalar(text: &str, field: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(field))?.trim();
    let value = value.trim_matches(['"', '\'']);
    (!value.is_empty() && value.len() <= KubeadmNames::LONGEST).then(|| value.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics fails")]
mod tests {
    use super::*;

    #[test]
    fn both_names_are_read_at_the_beginning_of_a_line_alone() {
        let yaml = "apiServer:\n  controlPlaneEndpoint: not-this:1\nclusterName: prod\ncontrolPlaneEndpoint: \"api.example:6443\"\n";
        let value = serde_json::json!({"kind": "ConfigMap", "data": {"ClusterConfiguration": yaml, "other": "clusterName: no"}});
        let names = KubeadmNames::read(value.to_string().as_bytes(), Encoding::Json).unwrap();
        assert_eq!(names.cluster_name.as_deref(), Some("prod"));
        assert_eq!(names.endpoint.as_deref(), Some("api.example:6443"));
        for (data, why) in [
            (serde_json::json!({"other": yaml}), "another item"),
            (serde_json::json!({"ClusterConfiguration": "clusterName:\n"}), "no scalar"),
            (serde_json::json!({"ClusterConfiguration": format!("clusterName: {}", "x".repeat(301))}), "longer than any"),
        ] {
            let value = serde_json::json!({ "data": data });
            assert_eq!(KubeadmNames::read(value.to_string().as_bytes(), Encoding::Json), None, "{why}");
        }
        assert_eq!(KubeadmNames::read(b"{", Encoding::Json), None);
    }
}
