package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	bolt "go.etcd.io/bbolt"
)

// randomCommand makes databases by random operations: nested buckets, deletions, large values, every page size, with and
// without a freelist in the file. One line of JSON a database.
func randomCommand(args []string) error {
	fs := flag.NewFlagSet("random", flag.ExitOnError)
	seed := fs.Uint64("seed", 1, "decides everything")
	count := fs.Int("count", 100, "databases")
	out := fs.String("out", "", "directory")
	if err := fs.Parse(args); err != nil {
		return err
	}
	enc := json.NewEncoder(os.Stdout)
	for n := range *count {
		path := filepath.Join(*out, fmt.Sprintf("random-%04d.db", n))
		rng := rand.New(rand.NewPCG(*seed, uint64(n)))
		if err := randomDatabase(rng, path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := describeTo(enc, path); err != nil {
			return err
		}
	}
	return nil
}

func randomDatabase(rng *rand.Rand, path string) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		PageSize: 1024 << rng.IntN(7), NoSync: true, NoFreelistSync: rng.IntN(2) == 0, FreelistType: bolt.FreelistMapType,
	})
	if err != nil {
		return err
	}
	db.AllocSize = 1 << 16
	defer db.Close()
	// etcdutl takes it for granted that there are these.
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("key"))
		_, more := tx.CreateBucket([]byte("meta"))
		return errors.Join(err, more)
	})
	if err != nil {
		return err
	}
	for range 1 + rng.IntN(20) {
		err := db.Update(func(tx *bolt.Tx) error {
			for range 1 + rng.IntN(60) {
				name := fmt.Appendf(nil, "bucket-%d", rng.IntN(4))
				b, err := tx.CreateBucketIfNotExists(name)
				if err != nil {
					return err
				}
				b.FillPercent = 0.1 + 0.9*rng.Float64()
				for rng.IntN(3) == 0 {
					b, err = b.CreateBucketIfNotExists(fmt.Appendf(nil, "nested-%d", rng.IntN(3)))
					if err != nil {
						return err
					}
				}
				if err := randomOperation(rng, tx, name, b); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func randomOperation(rng *rand.Rand, tx *bolt.Tx, name []byte, b *bolt.Bucket) error {
	key := fmt.Appendf(nil, "%0*d", 1+rng.IntN(40), rng.IntN(500))
	switch rng.IntN(20) {
	case 0:
		return tx.DeleteBucket(name)
	case 1, 2, 3, 4:
		// What begins with a digit is never a bucket.
		return b.Delete(key)
	case 5:
		return b.Put(key, make([]byte, rng.IntN(1<<17)))
	default:
		value := make([]byte, rng.IntN(300))
		for i := range value {
			value[i] = byte(rng.Uint32())
		}
		return b.Put(key, value)
	}
}
