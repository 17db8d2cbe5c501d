package main

import (
	"errors"
	"os"
	"path/filepath"

	"etcd-sleuth.invalid/recipe/etcd36/internal/fixture"
	"etcd-sleuth.invalid/recipe/etcd36/internal/truth"
	"etcd-sleuth.invalid/recipe/life"
	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

// bumped restores a snapshot as an administrator does who must not let revisions go back.
func bumped(m *maker, g group) error {
	b := fixture.Bumped(m.seed)
	events, err := m.play(b)
	if err != nil {
		return err
	}
	snap := filepath.Join(m.out, "bumped.snapshot.db")
	dir, err := os.MkdirTemp("", "recipe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	data := filepath.Join(dir, "data")
	err = snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath: snap, Name: "restored-0", OutputDataDir: data, PeerURLs: []string{"http://127.0.0.1:2380"},
		InitialCluster: "restored-0=http://127.0.0.1:2380", InitialClusterToken: "restored", RevisionBump: 1_000_000_000, MarkCompacted: true,
	})
	if err != nil {
		return err
	}
	if err := copyFile(filepath.Join(data, "member", "snap", "db"), filepath.Join(m.out, "bumped.db")); err != nil {
		return err
	}
	return errors.Join(os.Remove(snap), m.truth(truth.Source{Name: g.names[0], Builder: b, Events: events}))
}

// page16k lets etcd make its database, copies that into pages of 16 KiB with bbolt's Compact, and goes on.
func page16k(m *maker, g group) error {
	b := fixture.Page16k(m.seed)
	if b.Err != nil {
		return b.Err
	}
	dir, err := os.MkdirTemp("", "recipe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	data := filepath.Join(dir, "data")
	if _, err := life.Run(data, m.out, serverOptions, nil); err != nil {
		return err
	}
	db := filepath.Join(data, "member", "snap", "db")
	if err := repage(db, 16384); err != nil {
		return err
	}
	events, err := life.Run(data, m.out, serverOptions, b.Ops)
	if err != nil {
		return err
	}
	return m.truth(truth.Source{Name: g.names[0], Builder: b, Events: events})
}

func repage(path string, size int) error {
	src, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	dst, err := bolt.Open(path+".new", 0o600, &bolt.Options{PageSize: size, NoFreelistSync: true})
	if err != nil {
		return errors.Join(err, src.Close())
	}
	err = bolt.Compact(dst, src, 0)
	return errors.Join(err, dst.Close(), src.Close(), os.Rename(path+".new", path))
}

// syncedFreelist cuts the trailer off a snapshot and opens it with bbolt's defaults for one transaction.
func syncedFreelist(m *maker, g group) error {
	b := fixture.SyncedFreelist(m.seed)
	events, err := m.play(b)
	if err != nil {
		return err
	}
	path := filepath.Join(m.out, "synced-freelist.db")
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if err := os.Truncate(path, info.Size()-32); err != nil {
		return err
	}
	db, err := bolt.Open(path, 0o600, &bolt.Options{NoFreelistSync: false})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte("meta"))
		return meta.Put([]byte("term"), append([]byte{}, meta.Get([]byte("term"))...))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return m.truth(truth.Source{Name: g.names[0], Builder: b, Events: events})
}
