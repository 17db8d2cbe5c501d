package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"log"
	"os"
	"time"

	"etcd-sleuth.invalid/recipe/etcd36/internal/fixture"
	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// perTransaction is how many puts go into a transaction of bbolt, as in one of etcd's under load.
const perTransaction = 10_000

// lay writes a database in the shape of etcd's, for benchmarks, with bbolt alone: a server would take hours. It has no truth.
type lay struct {
	laid   fixture.LaidOptions
	writes int
	older  int
	out    string
}

func layCommand(args []string) error {
	var l lay
	fs := flag.NewFlagSet("lay", flag.ExitOnError)
	fs.IntVar(&l.laid.Seed, "seed", 1, "decides names and values")
	fs.IntVar(&l.laid.Keys, "keys", 560_000, "keys that exist in the end")
	fs.IntVar(&l.writes, "writes", 672_000, "puts that are kept, a revision each")
	fs.IntVar(&l.older, "compacted", 100_000, "puts before them of the same keys, which are compacted: their pages are free in the end, or half empty")
	fs.IntVar(&l.laid.Size, "value-size", 300, "mean size of a value's content, to which metadata and encryption add")
	fs.IntVar(&l.laid.Secrets, "secrets", 15, "keys of a hundred that hold Secrets; one Secret of ten is in plaintext")
	fs.BoolVar(&l.laid.IsRandom, "random", false, "contents are random bytes, as what is packed looks")
	fs.StringVar(&l.out, "out", "laid.db", "the database; beside it, with .yaml behind its name, the EncryptionConfiguration of its Secrets")
	if err := fs.Parse(args); err != nil {
		return err
	}
	return l.make()
}

func (l *lay) make() error {
	start := time.Now()
	if err := os.Remove(l.out); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	db, err := bolt.Open(l.out, 0o600, &bolt.Options{NoSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	db.AllocSize = 64 << 20
	err = errors.Join(l.fill(db), db.Sync(), db.Close())
	log.Printf("%s: %d puts of %d keys in %s", l.out, l.older+l.writes, l.laid.Keys, time.Since(start).Round(time.Second))
	return err
}

func (l *lay) fill(db *bolt.DB) error {
	err := db.Update(func(tx *bolt.Tx) error {
		for _, name := range []string{"alarm", "auth", "authRoles", "authUsers", "cluster", "key", "lease", "members", "members_removed", "meta"} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	source, err := fixture.NewLaid(l.laid)
	if err != nil {
		return err
	}
	if err := os.WriteFile(l.out+".yaml", []byte(source.Configuration()), 0o600); err != nil {
		return err
	}
	// Of each key what a put of etcd would say: the revision that it was created at, and how often it was written.
	created, versions := make([]int64, l.laid.Keys), make([]int64, l.laid.Keys)
	all := l.older + l.writes
	for from := 0; from < all; from += perTransaction {
		err := db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte("key"))
			b.FillPercent = 0.9
			for i := from; i < min(from+perTransaction, all); i++ {
				if err := l.put(b, source, i, created, versions); err != nil {
					return err
				}
			}
			return l.meta(tx, from)
		})
		if err != nil {
			return err
		}
	}
	return l.compact(db)
}

// key is which key put i is of: each of the first ones twice, before all others have their turn.
func (l *lay) key(i int) int {
	if i < l.older {
		return i % ((l.older + 1) / 2)
	}
	return (i - l.older/2) % l.laid.Keys
}

// put writes revision i+2.
func (l *lay) put(b *bolt.Bucket, source *fixture.Laid, i int, created, versions []int64) error {
	n, revision := l.key(i), int64(i+2)
	if versions[n]++; created[n] == 0 {
		created[n] = revision
	}
	op, err := source.Put(n, int(versions[n]))
	if err != nil {
		return err
	}
	kv := mvccpb.KeyValue{Key: op.Key, Value: op.Value, CreateRevision: created[n], ModRevision: revision, Version: versions[n]}
	value, err := kv.Marshal()
	if err != nil {
		return err
	}
	return b.Put(revisionKey(i), value)
}

func revisionKey(i int) []byte {
	key := binary.BigEndian.AppendUint64(nil, uint64(i+2))
	return binary.BigEndian.AppendUint64(append(key, '_'), 0)
}

func (l *lay) meta(tx *bolt.Tx, index int) error {
	meta := tx.Bucket([]byte("meta"))
	return errors.Join(
		meta.Put([]byte("consistent_index"), binary.BigEndian.AppendUint64(nil, uint64(index+4))),
		meta.Put([]byte("term"), binary.BigEndian.AppendUint64(nil, 2)),
		meta.Put([]byte("storageVersion"), []byte("3.6.0")),
	)
}

// compact removes the first put of each key that was written twice before all others, as a compaction of etcd at their last one does.
func (l *lay) compact(db *bolt.DB) error {
	older := l.older / 2
	for from := 0; from < older; from += perTransaction {
		err := db.Update(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte("key"))
			for i := from; i < min(from+perTransaction, older); i++ {
				if err := b.Delete(revisionKey(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return db.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte("meta"))
		for _, name := range []string{"scheduledCompactRev", "finishedCompactRev"} {
			if err := meta.Put([]byte(name), revisionKey(l.older-1)); err != nil {
				return err
			}
		}
		return nil
	})
}
