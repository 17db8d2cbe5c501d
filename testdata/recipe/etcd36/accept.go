package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"go.uber.org/zap"
)

// accepted is what bbolt, etcdutl and a server that was restored from it say of a snapshot.
type accepted struct {
	Check  []string        `json:"bbolt_check"`
	Status snapshot.Status `json:"status"`
	// The revision from which the server goes on.
	Revision int64         `json:"revision"`
	Keys     []acceptedKey `json:"keys"`
}

type acceptedKey struct {
	Key         string `json:"key"`
	ModRevision int64  `json:"mod_revision"`
	SHA256      string `json:"sha256"`
}

// acceptCommand restores a snapshot, with its trailer checked, starts etcd on it, and lists what it serves.
func acceptCommand(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: etcd36 accept SNAPSHOT")
	}
	var a accepted
	var err error
	if a.Check, err = boltCheck(args[0]); err != nil {
		return fmt.Errorf("bbolt: %w", err)
	}
	utl := snapshot.NewV3(zap.NewNop())
	if a.Status, err = utl.Status(args[0]); err != nil {
		return fmt.Errorf("etcdutl snapshot status: %w", err)
	}
	dir, err := os.MkdirTemp("", "accept")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	data := filepath.Join(dir, "data")
	err = utl.Restore(snapshot.RestoreConfig{
		SnapshotPath: args[0], Name: "rescued", OutputDataDir: data, PeerURLs: []string{"http://127.0.0.1:0"},
		InitialCluster: "rescued=http://127.0.0.1:0", InitialClusterToken: "rescued",
	})
	if err != nil {
		return fmt.Errorf("etcdutl snapshot restore: %w", err)
	}
	if a.Keys, a.Revision, err = serve(data); err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(a)
}

func boltCheck(path string) ([]string, error) {
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	found := []string{}
	return found, db.View(func(tx *bolt.Tx) error {
		for e := range tx.Check() {
			found = append(found, e.Error())
		}
		return nil
	})
}

// serve starts etcd on a data directory, on free ports of this machine alone, and reads every key.
func serve(data string) ([]acceptedKey, int64, error) {
	free := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	cfg := embed.NewConfig()
	cfg.Name, cfg.Dir, cfg.InitialClusterToken = "rescued", data, "rescued"
	cfg.ListenClientUrls, cfg.ListenPeerUrls, cfg.AdvertiseClientUrls, cfg.AdvertisePeerUrls = free, free, free, free
	cfg.InitialCluster = "rescued=http://127.0.0.1:0"
	cfg.LogLevel, cfg.LogOutputs = "error", []string{"stderr"}
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, 0, err
	}
	defer e.Close()
	select {
	case <-e.Server.ReadyNotify():
	case err := <-e.Err():
		return nil, 0, err
	case <-time.After(time.Minute):
		return nil, 0, errors.New("not ready after a minute")
	}
	client := v3client.New(e.Server)
	got, err := client.Get(context.Background(), "\x00", clientv3.WithFromKey())
	if err != nil {
		return nil, 0, err
	}
	keys := []acceptedKey{}
	for _, kv := range got.Kvs {
		sum := sha256.Sum256(kv.Value)
		keys = append(keys, acceptedKey{Key: string(kv.Key), ModRevision: kv.ModRevision, SHA256: hex.EncodeToString(sum[:])})
	}
	// It takes a write, and its revisions go on.
	put, err := client.Put(context.Background(), "rescued", "yes")
	if err != nil {
		return nil, 0, err
	}
	if put.Header.Revision != got.Header.Revision+1 {
		return nil, 0, fmt.Errorf("revision %d after %d", put.Header.Revision, got.Header.Revision)
	}
	return keys, got.Header.Revision, nil
}
