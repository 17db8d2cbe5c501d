package random

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"etcd-sleuth.invalid/recipe/etcd36/internal/server"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// evidence is a file or a directory, and what a client read when it was taken.
type evidence struct {
	Path      string `json:"path"` // below the directory of the life
	Kind      string `json:"kind"` // snapshot, directory or database
	Version   string `json:"version"`
	Revision  int64  `json:"revision"`
	Plaintext int    `json:"plaintext"` // Secrets that exist
	Encrypted int    `json:"encrypted"`
	Behind    bool   `json:"behind"`             // the process was killed: its database may be behind its log
	Later     bool   `json:"later"`              // something was written after the client read
	Migrated  string `json:"migrated,omitempty"` // the storage version that etcdutl wrote
	// What `snapshot status` of each version counts as keys.
	TotalKeys map[string]int `json:"total_keys,omitempty"`
	Story     []string       `json:"story"`
}

func (l *life) say(e evidence) error {
	e.Version, e.Story = l.version.String(), l.story
	return l.truth.Encode(e)
}

// now is what exists, and the revision.
func (l *life) now() (plaintext, encrypted int, revision int64, err error) {
	err = l.within(func(ctx context.Context) error {
		all, err := l.cli.Get(ctx, "", clientv3.WithFromKey())
		if err != nil {
			return err
		}
		plaintext, encrypted = counts(all)
		revision = all.Header.Revision
		return nil
	})
	return plaintext, encrypted, revision, err
}

// save writes a snapshot of the first member.
func (l *life) save(path string) error {
	return l.within(func(ctx context.Context) (err error) {
		r, err := l.cli.Snapshot(ctx)
		if err != nil {
			return err
		}
		defer r.Close()
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		n, err := io.Copy(f, r)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		if n%512 != 32 {
			return fmt.Errorf("snapshot of %d bytes has no trailer", n)
		}
		return nil
	})
}

// snapshot takes one as an evidence.
func (l *life) snapshot() error {
	name := fmt.Sprintf("taken-%d.db", l.taken)
	l.taken++
	plaintext, encrypted, revision, err := l.now()
	if err != nil {
		return err
	}
	if err := l.save(filepath.Join(l.out, name)); err != nil {
		return err
	}
	l.did("snapshot %s", name)
	totals, err := l.totalKeys(filepath.Join(l.out, name))
	if err != nil {
		return err
	}
	return l.say(evidence{Path: name, Kind: "snapshot", Revision: revision, Plaintext: plaintext, Encrypted: encrypted, TotalKeys: totals})
}

// totalKeys are the figures of people who compare: each version's own `snapshot status`. A program refuses what is newer.
func (l *life) totalKeys(path string) (map[string]int, error) {
	totals := map[string]int{}
	for v := server.Oldest; v <= server.Newest; v++ {
		tool := "etcdutl"
		if v == server.Oldest {
			tool = "etcdctl"
		}
		cmd := exec.Command(server.Program(l.servers, v, tool), "snapshot", "status", path, "-w", "json")
		cmd.Env = append(os.Environ(), "ETCDCTL_API=3")
		said, err := cmd.Output()
		if err != nil {
			continue
		}
		var status struct {
			TotalKey int `json:"totalKey"`
		}
		if err := json.Unmarshal(said, &status); err != nil {
			return nil, fmt.Errorf("%v: %w: %s", cmd.Args, err, said)
		}
		totals[v.String()] = status.TotalKey
	}
	return totals, nil
}

// end takes a snapshot, then every member's directory after it was stopped or killed.
func (l *life) end() error {
	if err := l.snapshot(); err != nil {
		return err
	}
	if err := l.writes(l.rng.IntN(6)); err != nil {
		return err
	}
	plaintext, encrypted, revision, err := l.now()
	if err != nil {
		return err
	}
	for _, m := range l.others() {
		if err := l.caughtUp(m); err != nil {
			return err
		}
	}
	if err := l.cli.Close(); err != nil {
		return err
	}
	kill := l.rng.IntN(2) == 0
	l.did("ended, killed: %v", kill)
	for i, m := range l.members {
		m.Stop(kill)
		e := evidence{Path: filepath.Base(m.Dir), Kind: "directory", Revision: revision, Plaintext: plaintext, Encrypted: encrypted, Behind: kill}
		if err := l.say(e); err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		if err := l.copyDatabase(m, "copied.db"); err != nil {
			return err
		}
		e.Path, e.Kind = "copied.db", "database"
		if err := l.say(e); err != nil {
			return err
		}
	}
	return nil
}

// copyDatabase copies the database of a member that was stopped.
func (l *life) copyDatabase(m *server.Member, name string) error {
	bytes, err := os.ReadFile(filepath.Join(m.Dir, "member", "snap", "db"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.out, name), bytes, 0o600)
}
