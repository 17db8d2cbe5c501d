package random

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"etcd-sleuth.invalid/recipe/etcd36/internal/seal"
	"etcd-sleuth.invalid/recipe/etcd36/internal/server"
	"etcd-sleuth.invalid/recipe/etcd36/internal/world"
	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/runtime"
)

// writes are some of every kind.
func (l *life) writes(n int) error {
	for range n {
		if err := l.write(); err != nil {
			return err
		}
	}
	l.did("%d writes", n)
	return nil
}

func (l *life) write() error {
	switch k := l.rng.IntN(100); {
	case k < 55: // a Secret, in plaintext or encrypted
		if l.secrets == 0 || l.rng.IntN(3) > 0 {
			l.secrets++
		}
		return l.secret(l.rng.IntN(l.secrets))
	case k < 65:
		n := l.rng.IntN(20)
		l.revs[1000+n]++
		return l.put(fmt.Sprintf("/registry/configmaps/%s/config-%d", world.Namespace(n), n), l.world.ConfigMap(n, l.revs[1000+n]), n, l.revs[1000+n], nil)
	case k < 80:
		if l.secrets == 0 {
			return nil
		}
		key := l.key(l.rng.IntN(l.secrets))
		return l.within(func(ctx context.Context) error { _, err := l.cli.Delete(ctx, key); return err })
	case k < 86: // several keys in one revision
		return l.within(func(ctx context.Context) error {
			_, err := l.cli.Txn(ctx).Then(
				clientv3.OpPut("/registry/events/default/a", "k8s\x00\n\x00\x12\x00"), clientv3.OpPut("/registry/events/default/b", "k8s\x00\n\x00\x12\x00"),
				clientv3.OpDelete("/registry/events/default/c"),
			).Commit()
			return err
		})
	case k < 92: // a comparison that fails: nothing is written, and the proposal stands in the log
		never := 1_000_000 + l.rng.IntN(5)
		value, err := l.sealed(l.key(never), l.world.Secret(never, 1), l.seals[0])
		if err != nil {
			return err
		}
		return l.within(func(ctx context.Context) error {
			_, err := l.cli.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(l.key(0)), "=", 1<<40)).
				Then(clientv3.OpPut(l.key(never), string(value))).Else(clientv3.OpGet(l.key(0))).Commit()
			return err
		})
	case k < 96: // a lease, with a key that goes with it
		return l.within(func(ctx context.Context) error {
			granted, err := l.cli.Grant(ctx, 3600)
			if err != nil {
				return err
			}
			if _, err = l.cli.Put(ctx, "/registry/leases/kube-node-lease/node", "k8s\x00\n\x00\x12\x00", clientv3.WithLease(granted.ID)); err != nil {
				return err
			}
			if l.rng.IntN(2) == 0 {
				_, err = l.cli.Revoke(ctx, granted.ID)
			}
			return err
		})
	}
	return l.writeV2()
}

func (l *life) key(n int) string {
	return fmt.Sprintf("/registry/secrets/%s/%s", world.Namespace(n), l.world.SecretName(n))
}

func (l *life) secret(n int) error {
	l.revs[n]++
	return l.put(l.key(n), l.world.Secret(n, l.revs[n]), n, l.revs[n], l.seals[l.rng.IntN(len(l.seals))])
}

func (l *life) put(key string, o runtime.Object, n, rev int, s *seal.Seal) error {
	value, err := l.sealed(key, o, s)
	if err != nil {
		return err
	}
	return l.within(func(ctx context.Context) error { _, err := l.cli.Put(ctx, key, string(value)); return err })
}

func (l *life) sealed(key string, o runtime.Object, s *seal.Seal) ([]byte, error) {
	raw, err := world.Encode(o, world.Protobuf)
	if err != nil || s == nil {
		return raw, err
	}
	value, _, err := s.Encrypt([]byte(key), raw)
	return value, err
}

// writeV2 writes what flannel, or another user of the v2 API, does.
func (l *life) writeV2() error {
	if l.version != server.Oldest || !l.settings.V2 {
		return nil
	}
	target := fmt.Sprintf("%s/v2/keys/coreos.com/network/subnets/10.0.%d.0", l.members[0].Client, l.rng.IntN(20))
	form := url.Values{"value": {`{"PublicIP":"192.0.2.7"}`}}
	request, err := http.NewRequest(http.MethodPut, target, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s: %s", target, answer.Status)
	}
	l.hasV2 = true
	return nil
}

// counts are the Secrets that a client reads.
func counts(response *clientv3.GetResponse) (plaintext, encrypted int) {
	for _, kv := range response.Kvs {
		if !strings.HasPrefix(string(kv.Key), "/registry/secrets/") {
			continue
		}
		if bytes.HasPrefix(kv.Value, []byte("k8s:enc:")) {
			encrypted++
		} else {
			plaintext++
		}
	}
	return plaintext, encrypted
}
