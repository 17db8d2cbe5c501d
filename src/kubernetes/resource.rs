//! Group-resources, and the words that storage keys use for them.
//!
//! Built-in objects are stored under their plural without the group; a few under another word.
//! Source: kubernetes `pkg/kubeapiserver/default_storage_factory_builder.go`, `pkg/registry/*/rest`.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// A resource and its API group, such as `secrets` or `deployments.apps`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupResource<'a>(pub Cow<'a, str>);

impl GroupResource<'_> {
    /// Whether it is core Secrets.
    pub fn is_secrets(&self) -> bool {
        self.0 == "secrets"
    }

    /// Whether the API server never encrypts it, whatever its configuration says: it keeps these itself, beside the objects.
    /// Some are known by the word in their key, whatever object stands there, some by the name that a configuration would give them.
    pub fn is_never_encrypted(&self) -> bool {
        NEVER_ENCRYPTED.contains(&self.0.as_ref())
    }

    /// Whether only the word of its key is known, and not the group, which may be any.
    pub fn is_without_group(&self) -> bool {
        let is_built_in = || built_ins().any(|b| b.group_resource == self.0);
        !self.0.contains('.') && by_path(&self.0).is_none() && !is_built_in() && !self.is_never_encrypted()
    }

    /// The same with the group that the object's own `apiVersion` names, where its key leaves it open.
    pub fn with_group_of(self, api_version: &str) -> Self {
        match api_version.split_once('/') {
            Some((group, _)) if !group.is_empty() && self.is_without_group() => Self(Cow::Owned(format!("{}.{group}", self.0))),
            _ => self,
        }
    }

    /// Whether an object may be of this resource, as far as its own type tells: built-in resources are the plurals of their kinds in any group
    /// that they have been in, and an object elsewhere is of the group of its key. How a custom resource makes its plural is its own.
    pub fn may_hold(&self, api_version: &str, kind: &str) -> bool {
        let (word, group) = self.0.split_once('.').unwrap_or((&self.0, ""));
        let plural = plural(kind);
        if kind.is_empty() || plural == word {
            return true;
        }
        let own_group = api_version.split_once('/').map_or("", |(group, _)| group);
        let is_built_in = |name: &str| built_ins().any(|built_in| built_in.group_resource == name);
        !is_built_in(&self.0) && !is_built_in(&with_group(&plural, own_group)) && (group.is_empty() || group == own_group)
    }

    /// The words in the key of an object of this type, behind the prefix.
    pub(crate) fn path_of(api_version: &str, kind: &str) -> String {
        let (plural, group) = (plural(kind), api_version.split_once('/').map_or("", |(group, _)| group));
        let name = with_group(&plural, group);
        let below = |word: &str, table: &'static [BuiltIn]| {
            let found = table.iter().find(|built_in| built_in.group_resource == name);
            found.map(|built_in| format!("{word}{}", built_in.path))
        };
        below("", BUILT_IN)
            .or_else(|| below("services/", BELOW_SERVICES))
            .or_else(|| below("oauth/", BELOW_OAUTH))
            .unwrap_or_else(|| if group.is_empty() { plural } else { format!("{group}/{plural}") })
    }

    /// An owned copy.
    pub fn into_owned(self) -> GroupResource<'static> {
        GroupResource(Cow::Owned(self.0.into_owned()))
    }
}

impl fmt::Display for GroupResource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a resource's objects live in namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Cluster,
    Namespaced,
}
use Scope::{Cluster, Namespaced};

/// A built-in: the word in its key, its group-resource, its scope.
pub(super) struct BuiltIn {
    pub path: &'static str,
    pub group_resource: &'static str,
    pub scope: Scope,
}

const fn built_in(path: &'static str, group_resource: &'static str, scope: Scope) -> BuiltIn {
    BuiltIn { path, group_resource, scope }
}

/// Sorted by path, for the search.
const BUILT_IN: &[BuiltIn] = &[
    built_in("certificatesigningrequests", "certificatesigningrequests.certificates.k8s.io", Cluster),
    built_in("clusterrolebindings", "clusterrolebindings.rbac.authorization.k8s.io", Cluster),
    built_in("clusterroles", "clusterroles.rbac.authorization.k8s.io", Cluster),
    built_in("clustertrustbundles", "clustertrustbundles.certificates.k8s.io", Cluster),
    built_in("compositepodgroups", "compositepodgroups.scheduling.k8s.io", Namespaced),
    built_in("configmaps", "configmaps", Namespaced),
    built_in("controllerrevisions", "controllerrevisions.apps", Namespaced),
    built_in("controllers", "replicationcontrollers", Namespaced),
    built_in("cronjobs", "cronjobs.batch", Namespaced),
    built_in("csidrivers", "csidrivers.storage.k8s.io", Cluster),
    built_in("csinodes", "csinodes.storage.k8s.io", Cluster),
    built_in("csistoragecapacities", "csistoragecapacities.storage.k8s.io", Namespaced),
    built_in("daemonsets", "daemonsets.apps", Namespaced),
    built_in("deployments", "deployments.apps", Namespaced),
    built_in("deviceclasses", "deviceclasses.resource.k8s.io", Cluster),
    built_in("devicetaintrules", "devicetaintrules.resource.k8s.io", Cluster),
    built_in("endpointslices", "endpointslices.discovery.k8s.io", Namespaced),
    built_in("events", "events", Namespaced),
    built_in("evictionrequests", "evictionrequests.lifecycle.k8s.io", Namespaced),
    built_in("flowschemas", "flowschemas.flowcontrol.apiserver.k8s.io", Cluster),
    built_in("horizontalpodautoscalers", "horizontalpodautoscalers.autoscaling", Namespaced),
    built_in("ingress", "ingresses.networking.k8s.io", Namespaced),
    built_in("ingressclasses", "ingressclasses.networking.k8s.io", Cluster),
    built_in("ipaddresses", "ipaddresses.networking.k8s.io", Cluster),
    built_in("jobs", "jobs.batch", Namespaced),
    built_in("leasecandidates", "leasecandidates.coordination.k8s.io", Namespaced),
    built_in("leases", "leases.coordination.k8s.io", Namespaced),
    built_in("limitranges", "limitranges", Namespaced),
    built_in("minions", "nodes", Cluster),
    built_in("mutatingadmissionpolicies", "mutatingadmissionpolicies.admissionregistration.k8s.io", Cluster),
    built_in("mutatingadmissionpolicybindings", "mutatingadmissionpolicybindings.admissionregistration.k8s.io", Cluster),
    built_in("mutatingwebhookconfigurations", "mutatingwebhookconfigurations.admissionregistration.k8s.io", Cluster),
    built_in("namespaces", "namespaces", Cluster),
    built_in("networkpolicies", "networkpolicies.networking.k8s.io", Namespaced),
    built_in("persistentvolumeclaims", "persistentvolumeclaims", Namespaced),
    built_in("persistentvolumes", "persistentvolumes", Cluster),
    built_in("podcertificaterequests", "podcertificaterequests.certificates.k8s.io", Namespaced),
    built_in("poddisruptionbudgets", "poddisruptionbudgets.policy", Namespaced),
    built_in("podgroups", "podgroups.scheduling.k8s.io", Namespaced),
    built_in("pods", "pods", Namespaced),
    built_in("podsecuritypolicy", "podsecuritypolicies.policy", Cluster),
    built_in("podtemplates", "podtemplates", Namespaced),
    built_in("priorityclasses", "priorityclasses.scheduling.k8s.io", Cluster),
    built_in("prioritylevelconfigurations", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io", Cluster),
    built_in("replicasets", "replicasets.apps", Namespaced),
    built_in("resourceclaims", "resourceclaims.resource.k8s.io", Namespaced),
    built_in("resourceclaimtemplates", "resourceclaimtemplates.resource.k8s.io", Namespaced),
    built_in("resourcepoolstatusrequests", "resourcepoolstatusrequests.resource.k8s.io", Cluster),
    built_in("resourcequotas", "resourcequotas", Namespaced),
    built_in("resourceslices", "resourceslices.resource.k8s.io", Cluster),
    built_in("rolebindings", "rolebindings.rbac.authorization.k8s.io", Namespaced),
    built_in("roles", "roles.rbac.authorization.k8s.io", Namespaced),
    built_in("runtimeclasses", "runtimeclasses.node.k8s.io", Cluster),
    built_in("secrets", "secrets", Namespaced),
    built_in("serviceaccounts", "serviceaccounts", Namespaced),
    built_in("servicecidrs", "servicecidrs.networking.k8s.io", Cluster),
    built_in("statefulsets", "statefulsets.apps", Namespaced),
    built_in("storageclasses", "storageclasses.storage.k8s.io", Cluster),
    built_in("storageversionmigrations", "storageversionmigrations.storagemigration.k8s.io", Cluster),
    built_in("storageversions", "storageversions.internal.apiserver.k8s.io", Cluster),
    built_in("validatingadmissionpolicies", "validatingadmissionpolicies.admissionregistration.k8s.io", Cluster),
    built_in("validatingadmissionpolicybindings", "validatingadmissionpolicybindings.admissionregistration.k8s.io", Cluster),
    built_in("validatingwebhookconfigurations", "validatingwebhookconfigurations.admissionregistration.k8s.io", Cluster),
    built_in("volumeattachments", "volumeattachments.storage.k8s.io", Cluster),
    built_in("volumeattributesclasses", "volumeattributesclasses.storage.k8s.io", Cluster),
    built_in("workloads", "workloads.scheduling.k8s.io", Namespaced),
];

/// What is written past the encryption, as the leases of the API servers and what hands out addresses and ports.
/// Source: kubernetes `pkg/controlplane/instance.go`, apiserver `pkg/apis/apiserver/validation/validation_encryption.go`.
const NEVER_ENCRYPTED: [&str; 6] =
    ["masterleases", "peerserverleases", "ranges", "apiserveripinfo", "serviceipallocations", "servicenodeportallocations"];

/// Stored one level deeper: `services/specs/<ns>/<name>`.
const BELOW_SERVICES: &[BuiltIn] = &[built_in("endpoints", "endpoints", Namespaced), built_in("specs", "services", Namespaced)];

/// Stored so by OpenShift's API server for OAuth: `oauth/accesstokens/<name>`.
///
/// Source: the special resource prefixes of openshift/oauth-apiserver.
const BELOW_OAUTH: &[BuiltIn] = &[
    built_in("accesstokens", "oauthaccesstokens.oauth.openshift.io", Cluster),
    built_in("authorizetokens", "oauthauthorizetokens.oauth.openshift.io", Cluster),
    built_in("clientauthorizations", "oauthclientauthorizations.oauth.openshift.io", Cluster),
    built_in("clients", "oauthclients.oauth.openshift.io", Cluster),
];

fn built_ins() -> impl Iterator<Item = &'static BuiltIn> {
    BUILT_IN.iter().chain(BELOW_SERVICES).chain(BELOW_OAUTH)
}

/// The resource of a kind, as Kubernetes makes it.
/// Source: apimachinery `pkg/api/meta/restmapper.go`, `UnsafeGuessKindToResource`.
fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    match kind.strip_suffix('y') {
        _ if kind == "endpoints" => kind,
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with('s') => format!("{kind}es"),
        None => format!("{kind}s"),
    }
}

fn with_group(word: &str, group: &str) -> String {
    if group.is_empty() { word.to_owned() } else { format!("{word}.{group}") }
}

/// The table by the words: every key is looked up in it.
static BY_PATH: LazyLock<HashMap<&str, &BuiltIn, FixedState>> =
    LazyLock::new(|| BUILT_IN.iter().map(|built_in| (built_in.path, built_in)).collect());

/// The built-in stored under this word.
pub(super) fn by_path(path: &str) -> Option<&'static BuiltIn> {
    BY_PATH.get(path).copied()
}

/// The resource stored under `oauth/<path>`.
pub(super) fn below_oauth(path: &str) -> Option<&'static BuiltIn> {
    BELOW_OAUTH.iter().find(|b| b.path == path)
}

/// The built-in stored under `services/<path>`.
pub(super) fn below_services(path: &str) -> Option<&'static BuiltIn> {
    BELOW_SERVICES.iter().find(|b| b.path == path)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_has_each_word_once() {
        assert!(BUILT_IN.is_sorted_by_key(|b| b.path));
        assert!(BUILT_IN.iter().all(|b| by_path(b.path).is_some_and(|found| found.group_resource == b.group_resource)));
    }

    #[test]
    fn an_object_is_of_the_resource_of_its_kind() {
        for (resource, api_version, kind, may) in [
            ("secrets", "v1", "Secret", true),
            ("secrets", "v1", "ConfigMap", false),
            ("secrets", "example.com/v1", "Thing", false),
            ("endpoints", "v1", "Endpoints", true),
            ("networkpolicies.networking.k8s.io", "extensions/v1beta1", "NetworkPolicy", true),
            ("storageclasses.storage.k8s.io", "storage.k8s.io/v1", "StorageClass", true),
            ("deployments.apps", "apps/v1", "DaemonSet", false),
            // A plural of its own.
            ("oxen.farm.example.com", "farm.example.com/v1", "Ox", true),
            ("oxen.farm.example.com", "other.example.com/v1", "Ox", false),
            ("oxen.farm.example.com", "v1", "Secret", false),
            ("routes", "route.openshift.io/v1", "Route", true),
            ("routes", "v1", "Secret", false),
            // What does not say what it is may be anything.
            ("secrets", "", "", true),
        ] {
            assert_eq!(GroupResource(resource.into()).may_hold(api_version, kind), may, "{resource} {api_version} {kind}");
        }
        for (api_version, kind, path) in [
            ("v1", "ConfigMap", "configmaps"),
            ("v1", "Node", "minions"),
            ("v1", "Service", "services/specs"),
            ("networking.k8s.io/v1", "Ingress", "ingress"),
            ("farm.example.com/v1", "Cow", "farm.example.com/cows"),
        ] {
            assert_eq!(GroupResource::path_of(api_version, kind), path);
        }
    }

    #[test]
    fn a_group_is_that_of_the_object_only_where_its_key_leaves_it_open() {
        let with = |word: &'static str, api_version: &str| GroupResource(word.into()).with_group_of(api_version).0.into_owned();
        assert_eq!(with("routes", "route.openshift.io/v1"), "routes.route.openshift.io");
        assert_eq!(with("routes", "v1"), "routes");
        // What the table knows, by its key's word or by its own name, is not asked.
        assert_eq!(with("secrets", "example.com/v1"), "secrets");
        assert_eq!(with("nodes", "example.com/v1"), "nodes");
        assert_eq!(with("services", "example.com/v1"), "services");
        assert_eq!(with("routes.example.com", "other.com/v1"), "routes.example.com");
        // What the API server keeps for itself is told by its key: `peerserverleases` are Leases.
        assert_eq!(with("peerserverleases", "coordination.k8s.io/v1"), "peerserverleases");
    }
}
