package world

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// ConfigMap is revision rev of ConfigMap n.
func (w *World) ConfigMap(n, rev int) *corev1.ConfigMap {
	r := NewRand(w.Seed, fmt.Sprintf("configmap|%d|%d", n, rev))
	c := &corev1.ConfigMap{ObjectMeta: w.meta(n, rev, Namespace(n), fmt.Sprintf("config-%d", n))}
	c.Kind, c.APIVersion = "ConfigMap", "v1"
	c.Data = map[string]string{"app.properties": fmt.Sprintf("marker=%s\ncolor=%s\npassword=%s\n", Marker(w.Seed, n, rev), r.Word(), r.Chars(alnum, 16))}
	return c
}

// KubeSystem is the Namespace whose UID identifies the cluster.
func (w *World) KubeSystem(n, rev int) *corev1.Namespace {
	ns := &corev1.Namespace{ObjectMeta: w.meta(n, rev, "", "kube-system"), Status: corev1.NamespaceStatus{Phase: corev1.NamespaceActive}}
	ns.Kind, ns.APIVersion = "Namespace", "v1"
	ns.UID = types.UID(w.KubeSystemUID)
	ns.Labels = map[string]string{"kubernetes.io/metadata.name": "kube-system", "note": Marker(w.Seed, n, rev)}
	ns.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
	return ns
}

// Endpoints is an Endpoints object; without a name it is what a master lease holds.
func (w *World) Endpoints(n, rev int, name string) *corev1.Endpoints {
	e := &corev1.Endpoints{Subsets: []corev1.EndpointSubset{{Addresses: []corev1.EndpointAddress{{IP: fmt.Sprintf("10.0.%d.%d", rev, n%250)}}}}}
	e.Kind, e.APIVersion = "Endpoints", "v1"
	if name != "" {
		e.ObjectMeta = w.meta(n, rev, "default", name)
		e.Annotations = map[string]string{"note": Marker(w.Seed, n, rev)}
	}
	return e
}

// Deployment holds a password in an environment variable.
func (w *World) Deployment(n, rev int) *appsv1.Deployment {
	d := &appsv1.Deployment{ObjectMeta: w.meta(n, rev, Namespace(n), fmt.Sprintf("web-%d", n))}
	d.Kind, d.APIVersion = "Deployment", "apps/v1"
	labels := map[string]string{"app": "web"}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Containers = []corev1.Container{{
		Name: "web", Image: "registry.example.com/web:1", Env: []corev1.EnvVar{{Name: "DB_PASSWORD", Value: Marker(w.Seed, n, rev)}},
	}}
	return d
}

// Node, as kubelet registers it.
func (w *World) Node(n, rev int) *corev1.Node {
	o := &corev1.Node{ObjectMeta: w.meta(n, rev, "", fmt.Sprintf("node-%d", n))}
	o.Kind, o.APIVersion = "Node", "v1"
	o.Annotations = map[string]string{"note": Marker(w.Seed, n, rev)}
	return o
}

// Event is a core/v1 Event.
func (w *World) Event(n, rev int) *corev1.Event {
	o := &corev1.Event{ObjectMeta: w.meta(n, rev, Namespace(n), fmt.Sprintf("web-%d.18a", n)), Reason: "Pulled", Message: Marker(w.Seed, n, rev), Type: "Normal"}
	o.Kind, o.APIVersion = "Event", "v1"
	return o
}

// NodeLease is a coordination/v1 Lease (not an etcd lease).
func (w *World) NodeLease(n, rev int) *coordinationv1.Lease {
	holder := Marker(w.Seed, n, rev)
	o := &coordinationv1.Lease{ObjectMeta: w.meta(n, rev, "kube-node-lease", fmt.Sprintf("node-%d", n))}
	o.Kind, o.APIVersion = "Lease", "coordination.k8s.io/v1"
	o.Spec.HolderIdentity = &holder
	return o
}

// RangeAllocation is the bitmap of service addresses.
func (w *World) RangeAllocation(n, rev int) *corev1.RangeAllocation {
	o := &corev1.RangeAllocation{Range: "10.96.0.0/12", Data: []byte(Marker(w.Seed, n, rev))}
	o.Kind, o.APIVersion = "RangeAllocation", "v1"
	return o
}

// Custom is an object of a kind without Go types.
func (w *World) Custom(n, rev int, apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	m := w.meta(n, rev, namespace, name)
	meta := map[string]any{
		"name": name, "uid": string(m.UID), "creationTimestamp": m.CreationTimestamp.UTC().Format("2006-01-02T15:04:05Z"), "generation": int64(rev),
	}
	if namespace != "" {
		meta["namespace"] = namespace
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": apiVersion, "kind": kind, "metadata": meta,
		"spec": map[string]any{"note": Marker(w.Seed, n, rev), "adminPassword": NewRand(w.Seed, fmt.Sprintf("custom|%d|%d", n, rev)).Chars(alnum, 16)},
	}}
}
