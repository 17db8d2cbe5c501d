package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"etcd-sleuth.invalid/recipe/etcd36/internal/fixture"
	"etcd-sleuth.invalid/recipe/etcd36/internal/server"
	"etcd-sleuth.invalid/recipe/etcd36/internal/truth"
	"etcd-sleuth.invalid/recipe/etcd36/internal/world"
	"etcd-sleuth.invalid/recipe/life"
)

// played is a life that a server of another process played, and that was stopped cleanly.
type played struct {
	dir      string // data directory
	events   []life.Event
	versions map[string]string
}

// playWith plays a life with the server of a version in dir, and what more there is to do before it is stopped.
func (m *maker) playWith(v server.Version, dir string, b *fixture.Builder, more func(*server.Member) error) (*played, error) {
	if b.Err != nil {
		return nil, b.Err
	}
	made := versions()
	said, err := exec.Command(server.Program(m.servers, v, "server"), "--version").Output()
	if err != nil {
		return nil, err
	}
	delete(made, "bbolt") // the server's own, which it does not say
	made["etcd"] = strings.TrimPrefix(strings.SplitN(string(said), "\n", 2)[0], "etcd Version: ")
	member, err := server.New("member-0", dir)
	if err != nil {
		return nil, err
	}
	settings := server.Settings{SnapshotCount: 60, Batch: serverOptions.BatchInterval, V2: true}
	if err := member.Start(m.servers, v, settings, "", "new"); err != nil {
		return nil, err
	}
	defer member.Stop(true)
	p, err := life.NewPlayer(strings.TrimPrefix(member.Client, "http://"), m.out)
	if err != nil {
		return nil, err
	}
	err = p.Play(b.Ops)
	if err == nil && more != nil {
		err = more(member)
	}
	events, closeErr := p.Close()
	member.Stop(false)
	return &played{dir: dir, events: events, versions: made}, errors.Join(err, closeErr)
}

// ofVersion is a snapshot that a server of this version wrote.
func ofVersion(v server.Version, plan func(seed int) *fixture.Builder) func(*maker, group) error {
	return func(m *maker, g group) error {
		dir, err := os.MkdirTemp("", "recipe")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		b := plan(m.seed)
		p, err := m.playWith(v, filepath.Join(dir, "data"), b, nil)
		if err != nil {
			return err
		}
		return m.truth(truth.Source{Name: g.names[0], Builder: b, Events: p.events, MadeWith: p.versions})
	}
}

// etcd34 is a data directory whose log holds writes of both APIs: Kubernetes kept its objects in the v2 API until 1.5, and
// what was not migrated is in every raft snapshot since.
func etcd34(m *maker, g group) error {
	root, err := os.MkdirTemp("", "recipe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	b := fixture.Etcd34(m.seed)
	var v2 []truth.V2
	p, err := m.playWith(server.Oldest, filepath.Join(root, g.names[0]), b, func(member *server.Member) (err error) {
		v2, err = writeV2(member, b.World)
		return err
	})
	if err != nil {
		return err
	}
	if err := copyFile(filepath.Join(p.dir, "member", "snap", "db"), filepath.Join(m.out, g.names[0]+".db")); err != nil {
		return err
	}
	if _, err := pack(root, filepath.Join(m.out, g.names[0]+".dir.tar")); err != nil {
		return err
	}
	return m.truth(truth.Source{Name: g.names[0], Builder: b, Events: p.events, MadeWith: p.versions, V2: v2})
}

// writeV2 writes Secrets through the v2 API: enough for a raft snapshot, then some that stand in the log alone.
func writeV2(member *server.Member, w *world.World) ([]truth.V2, error) {
	var all []truth.V2
	for n := range 70 {
		secret := w.Secret(n%20, 500+n)
		text, err := world.Encode(secret, world.JSON)
		if err != nil {
			return nil, err
		}
		key := fmt.Sprintf("/registry/secrets/%s/%s", secret.Namespace, secret.Name)
		if err := requestV2(http.MethodPut, member.Client+"/v2/keys"+key, string(text)); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		all = append(all, truth.V2{Key: key, Marker: world.Marker(w.Seed, n%20, 500+n), SHA256: hex.EncodeToString(sum[:]), Length: len(text)})
	}
	last := all[len(all)-1].Key
	all = append(all, truth.V2{Key: last, Delete: true})
	return all, requestV2(http.MethodDelete, member.Client+"/v2/keys"+last, "")
}

func requestV2(method, target, value string) error {
	request, err := http.NewRequest(method, target, strings.NewReader(url.Values{"value": {value}}.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		var said struct{ Message string }
		_ = json.NewDecoder(answer.Body).Decode(&said) // the status says enough
		return fmt.Errorf("%s %s: %s %s", method, target, answer.Status, said.Message)
	}
	return nil
}

// migrated is a database of 3.6 whose storage etcdutl wrote back to 3.5.
func migrated(m *maker, g group) error {
	dir, err := os.MkdirTemp("", "recipe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := fixture.Migrated(m.seed)
	p, err := m.playWith(36, filepath.Join(dir, "data"), b, nil)
	if err != nil {
		return err
	}
	cmd := exec.Command(server.Program(m.servers, 36, "etcdutl"), "migrate", "--data-dir", p.dir, "--target-version", "3.5")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("etcdutl migrate: %w: %s", err, said)
	}
	if err := copyFile(filepath.Join(p.dir, "member", "snap", "db"), filepath.Join(m.out, g.names[0]+".db")); err != nil {
		return err
	}
	return m.truth(truth.Source{Name: g.names[0], Builder: b, Events: p.events, MadeWith: p.versions})
}
