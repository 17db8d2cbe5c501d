package world

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

var secretTypes = []corev1.SecretType{
	corev1.SecretTypeOpaque, corev1.SecretTypeTLS, corev1.SecretTypeDockerConfigJson, corev1.SecretTypeBasicAuth,
	corev1.SecretTypeOpaque, corev1.SecretTypeSSHAuth, corev1.SecretTypeServiceAccountToken, corev1.SecretTypeBootstrapToken,
	"helm.sh/release.v1", corev1.SecretTypeDockercfg,
}

// SecretName is the name of Secret n.
func (w *World) SecretName(n int) string {
	r := NewRand(w.Seed, fmt.Sprintf("name|%d", n))
	switch secretTypes[n%len(secretTypes)] {
	case corev1.SecretTypeBootstrapToken:
		return "bootstrap-token-" + r.Chars(lower, 6)
	case "helm.sh/release.v1":
		return fmt.Sprintf("sh.helm.release.v1.%s-%d.v1", r.Word(), n)
	}
	return fmt.Sprintf("%s-%s-%d", r.Word(), r.Word(), n)
}

// Secret is revision rev of Secret n. Its marker stands in its data in clear.
func (w *World) Secret(n, rev int) *corev1.Secret {
	marker := Marker(w.Seed, n, rev)
	r := NewRand(w.Seed, fmt.Sprintf("secret|%d|%d", n, rev))
	name := w.SecretName(n)
	s := &corev1.Secret{ObjectMeta: w.meta(n, rev, Namespace(n), name), Type: secretTypes[n%len(secretTypes)]}
	s.Kind, s.APIVersion = "Secret", "v1"
	s.Data = secretData(r, s.Type, name, s.Namespace, marker)
	if s.Type == corev1.SecretTypeServiceAccountToken {
		s.Annotations = map[string]string{"kubernetes.io/service-account.name": "builder"}
	}
	if n%11 == 4 {
		yes := true
		s.Immutable = &yes
	}
	if n%9 == 2 {
		applied, _ := json.Marshal(map[string]any{ // cannot fail: strings and bytes only
			"apiVersion": "v1", "kind": "Secret", "type": s.Type, "data": s.Data,
			"metadata": map[string]any{"annotations": map[string]any{}, "name": name, "namespace": s.Namespace},
		})
		s.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: string(applied) + "\n"}
	}
	return s
}

func secretData(r Rand, t corev1.SecretType, name, namespace, marker string) map[string][]byte {
	text := func(pairs ...string) map[string][]byte {
		m := map[string][]byte{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = []byte(pairs[i+1])
		}
		return m
	}
	switch t {
	case corev1.SecretTypeTLS:
		return text("tls.crt", pem(r, "CERTIFICATE", 380), "tls.key", "# "+marker+"\n"+pem(r, "FAKE KEY", 120))
	case corev1.SecretTypeDockerConfigJson:
		return text(".dockerconfigjson", `{"auths":{"registry.example.com":`+registry(r, marker)+`}}`)
	case corev1.SecretTypeDockercfg:
		return text(".dockercfg", `{"https://index.example.com/v1/":`+registry(r, marker)+`}`)
	case corev1.SecretTypeBasicAuth:
		return text("username", r.Word(), "password", r.Chars(alnum, 12)+marker)
	case corev1.SecretTypeSSHAuth:
		return text("ssh-privatekey", pem(r, "FAKE OPENSSH KEY", 260), "known_hosts", "git.example.com "+marker)
	case corev1.SecretTypeServiceAccountToken:
		return text("token", token(r, namespace, name), "namespace", namespace, "ca.crt", pem(r, "CERTIFICATE", 300), "note", marker)
	case corev1.SecretTypeBootstrapToken:
		return text("token-id", strings.TrimPrefix(name, "bootstrap-token-"), "token-secret", r.Chars(lower, 16),
			"usage-bootstrap-authentication", "true", "usage-bootstrap-signing", "true", "description", marker)
	case "helm.sh/release.v1":
		return text("release", release(r, name), "note", marker)
	}
	return text("DATABASE_URL", fmt.Sprintf("postgres://%s:%s@db.%s.svc:5432/%s", r.Word(), marker, r.Word(), r.Word()),
		"api-key", r.Chars(alnum, 40), "session.key", string(r.Bytes(32)))
}

// pem frames random bytes as PEM. Nothing in it is a certificate or a key.
func pem(r Rand, kind string, n int) string {
	body := base64.StdEncoding.EncodeToString(r.Bytes(n))
	var b strings.Builder
	fmt.Fprintf(&b, "-----BEGIN %s-----\n", kind)
	for len(body) > 64 {
		b.WriteString(body[:64] + "\n")
		body = body[64:]
	}
	fmt.Fprintf(&b, "%s\n-----END %s-----\n", body, kind)
	return b.String()
}

func registry(r Rand, marker string) string {
	user := r.Word()
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + marker))
	return fmt.Sprintf(`{"username":%q,"password":%q,"email":"ci@example.com","auth":%q}`, user, marker, auth)
}

// token has the shape of a JWT; its signature is random.
func token(r Rand, namespace, name string) string {
	e := base64.RawURLEncoding
	claims := fmt.Sprintf(`{"iss":"kubernetes/serviceaccount","kubernetes.io/serviceaccount/namespace":%q,"kubernetes.io/serviceaccount/secret.name":%q,"sub":"system:serviceaccount:%s:builder"}`, namespace, name, namespace)
	return e.EncodeToString([]byte(`{"alg":"RS256","kid":"fake"}`)) + "." + e.EncodeToString([]byte(claims)) + "." + e.EncodeToString(r.Bytes(256))
}

// release is a Helm release as Helm stores it: JSON, gzip, base64.
func release(r Rand, name string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprintf(z, `{"name":%q,"info":{"status":"deployed"},"config":{"adminPassword":%q},"manifest":"---\n# %s"}`, name, r.Chars(alnum, 20), r.Chars(alnum, 300))
	_ = z.Close() // into memory
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// Content is what a big Secret holds.
type Content string

// Contents of big Secrets.
const (
	Text     Content = "dump.log"   // lines of text, with the marker in every eighth
	JSONText Content = "state.json" // one line of JSON, with the marker in every eighth item
	Binary   Content = "key.bin"    // random bytes, with the marker in front of every 4096
)

// BigSecret is revision rev of an Opaque Secret with one value of the given size, every part of which is
// unique, so that a fragment of it can be told.
func (w *World) BigSecret(n, rev, size int, content Content) *corev1.Secret {
	marker := Marker(w.Seed, n, rev)
	r := NewRand(w.Seed, fmt.Sprintf("big|%d|%d", n, rev))
	var b strings.Builder
	for i := 0; b.Len() < size; i++ {
		tag := "session"
		if i%8 == 0 {
			tag = marker
		}
		switch content {
		case Binary:
			b.WriteString(marker)
			b.Write(r.Bytes(4096))
		case JSONText:
			open := ","
			if i == 0 {
				open = `{"items":[`
			}
			fmt.Fprintf(&b, `%s{"id":%d,"r":%d,"tag":%q,"user":%q,"password":%q,"ok":true}`, open, i, rev, tag, r.Word(), r.Word()+"-"+r.Word()+"-"+r.Word())
		default:
			fmt.Fprintf(&b, "%06d r%d %s user=%s password=%s-%s level=info path=/v1/%s ok=true\n", i, rev, tag, r.Word(), r.Word(), r.Word(), r.Word())
		}
	}
	s := &corev1.Secret{ObjectMeta: w.meta(n, rev, Namespace(n), fmt.Sprintf("dump-%d", n)), Type: corev1.SecretTypeOpaque}
	s.Kind, s.APIVersion = "Secret", "v1"
	s.Data = map[string][]byte{string(content): []byte(b.String()[:size])}
	return s
}
