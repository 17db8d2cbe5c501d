package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"etcd-sleuth.invalid/recipe/etcd36/internal/fixture"
	"etcd-sleuth.invalid/recipe/etcd36/internal/truth"
	"etcd-sleuth.invalid/recipe/life"
)

// serverOptions let the backend commit often, so that a short life leaves as many free pages as a long one.
var serverOptions = life.ServerOptions{BatchInterval: 20 * time.Millisecond}

// maker makes fixtures into a directory.
type maker struct {
	seed         int
	out, servers string
}

// group is one life and the fixtures that are taken from it.
type group struct {
	names []string
	make  func(m *maker, g group) error
}

var groups = []group{
	{[]string{"migration"}, migration},
	{[]string{"plaintext"}, simple(fixture.Plaintext)},
	{[]string{"big-values"}, simple(fixture.BigValues)},
	{[]string{"bumped"}, bumped},
	{[]string{"etcd34"}, etcd34},
	{[]string{"etcd35"}, ofVersion(35, fixture.Etcd35)},
	{[]string{"etcd37"}, ofVersion(37, fixture.Etcd37)},
	{[]string{"migrated"}, migrated},
	{[]string{"two-clusters"}, simple(fixture.TwoClusters)},
	{[]string{"killed"}, killed},
	{[]string{"page16k"}, page16k},
	{[]string{"openshift"}, simple(fixture.OpenShift)},
	{[]string{"custom-prefix"}, simple(fixture.CustomPrefix)},
	{[]string{"kinds"}, simple(fixture.Kinds)},
	{[]string{"synced-freelist"}, syncedFreelist},
	{[]string{"compacted", "defragmented"}, simple(fixture.Compacted)},
	{[]string{"segments"}, segments},
	{[]string{"fragments"}, simple(fixture.Fragments)},
	{[]string{"busy"}, busy},
	{[]string{"interrupted"}, interrupted},
	{[]string{"fresh"}, simple(fixture.Fresh)},
}

func (m *maker) all(only string) error {
	if err := os.MkdirAll(m.out, 0o755); err != nil {
		return err
	}
	done := false
	for _, g := range groups {
		for _, name := range g.names {
			if only == "" || only == name {
				if err := g.make(m, g); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				done = true
				break
			}
		}
	}
	if !done {
		return fmt.Errorf("no fixture is called %q", only)
	}
	return nil
}

// simple is a group whose files are snapshots taken by the plan.
func simple(plan func(seed int) *fixture.Builder) func(*maker, group) error {
	return func(m *maker, g group) error {
		b := plan(m.seed)
		events, err := m.play(b)
		if err != nil {
			return err
		}
		for _, name := range g.names {
			if err := m.truth(truth.Source{Name: name, Builder: b, Events: events}); err != nil {
				return err
			}
		}
		return nil
	}
}

// migration comes with the EncryptionConfiguration that reads it.
func migration(m *maker, g group) error {
	var b *fixture.Builder
	err := simple(func(seed int) *fixture.Builder {
		b = fixture.Migration(seed)
		return b
	})(m, g)
	if err != nil {
		return err
	}
	dir := filepath.Join(m.out, "keys")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "migration.encryption-config.yaml"), []byte(fixture.EncryptionConfiguration(b.Ring.Keys())), 0o644)
}

// play plays a life with etcd 3.6 in a directory of its own.
func (m *maker) play(b *fixture.Builder) ([]life.Event, error) {
	if b.Err != nil {
		return nil, b.Err
	}
	dir, err := os.MkdirTemp("", "recipe")
	if err != nil {
		return nil, err
	}
	events, err := life.Run(filepath.Join(dir, "data"), m.out, serverOptions, b.Ops)
	return events, errors.Join(err, os.RemoveAll(dir))
}

// truth finds the truth about out/<name>.db and writes it beside it.
func (m *maker) truth(s truth.Source) error {
	if s.File == "" {
		s.File = filepath.Join(m.out, s.Name+".db")
	}
	if s.MadeWith == nil {
		s.MadeWith = versions()
	}
	t, err := truth.Make(s)
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(m.out, s.Name+".truth.json"))
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	enc.SetEscapeHTML(false)
	log.Printf("%-16s %8d bytes, %4d writes, %4d retained, %4d elsewhere, %4d markers, %d free of %d pages", s.Name, t.Size, len(t.Writes), len(t.Retained), len(t.Elsewhere), len(t.Markers), t.FreePages, t.HighWaterMark)
	return errors.Join(enc.Encode(t), f.Close())
}
