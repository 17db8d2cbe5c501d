package world

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// World is the cluster of one seed.
type World struct {
	Seed          int
	KubeSystemUID string
}

// New returns the world of the seed. The label keeps the worlds of different fixtures apart.
func New(seed int, label string) *World {
	return &World{Seed: seed, KubeSystemUID: NewRand(seed, label+"|kube-system").UUID()}
}

var namespaces = []string{"default", "kube-system", "payments", "shop", "monitoring", "ci"}

// Namespace is where object n lives.
func Namespace(n int) string { return namespaces[n%len(namespaces)] }

// when is a time that belongs to the seed and to n, revision k: no wall clock.
func (w *World) when(n, k int) metav1.Time {
	return metav1.NewTime(time.Date(2026, 1, 1, 8, 0, w.Seed%60, 0, time.UTC).Add(time.Duration(n)*7*time.Minute + time.Duration(k)*13*time.Hour))
}

// meta makes the metadata of object n: everything but the name is decided by seed and n.
func (w *World) meta(n, rev int, namespace, name string) metav1.ObjectMeta {
	r := NewRand(w.Seed, fmt.Sprintf("meta|%d|%s|%s", n, namespace, name))
	m := metav1.ObjectMeta{
		Name: name, Namespace: namespace, UID: types.UID(r.UUID()), CreationTimestamp: w.when(n, 0),
		Labels: map[string]string{"app.kubernetes.io/name": r.Word(), "app.kubernetes.io/managed-by": "Helm"},
	}
	if n%5 == 1 {
		yes := true
		m.OwnerReferences = []metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: "Deployment", Name: r.Word(), UID: types.UID(r.UUID()), Controller: &yes,
		}}
	}
	if n%3 == 0 {
		t := w.when(n, rev)
		m.ManagedFields = []metav1.ManagedFieldsEntry{{
			Manager: "kubectl-client-side-apply", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", Time: &t,
			FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{Raw: []byte(`{"f:data":{".":{},"f:note":{}},"f:metadata":{"f:labels":{".":{}}},"f:type":{}}`)},
		}}
	}
	return m
}
