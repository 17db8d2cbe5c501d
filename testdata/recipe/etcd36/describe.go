package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

// described is what bbolt and etcdutl say of a database.
type described struct {
	File     string   `json:"file"`
	PageSize int      `json:"page_size"`
	Check    []string `json:"bbolt_check"`
	// Of a file in which bbolt finds something, etcdutl says nothing.
	Status *snapshot.Status `json:"status"`
	// A letter a page: m meta, l freelist, t branch or leaf, f free, ? one that bbolt finds something about.
	Pages string `json:"pages"`
	// Elements that are no buckets, by depth of their bucket.
	Elements map[int]int `json:"elements"`
}

// describeCommand describes the databases it is given, one line of JSON each.
func describeCommand(paths []string) error {
	enc := json.NewEncoder(os.Stdout)
	for _, path := range paths {
		if err := describeTo(enc, path); err != nil {
			return err
		}
	}
	return nil
}

func describeTo(enc *json.Encoder, path string) error {
	d, err := describe(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return enc.Encode(d)
}

func describe(path string) (d described, err error) {
	d = described{File: filepath.Base(path), Elements: map[int]int{}}
	if d.Check, err = boltCheck(path); err != nil {
		return d, err
	}
	if len(d.Check) == 0 {
		st, err := snapshot.NewV3(zap.NewNop()).Status(path)
		if err != nil {
			return d, fmt.Errorf("etcdutl snapshot status: %w", err)
		}
		d.Status = &st
	}
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	d.PageSize = db.Info().PageSize
	return d, db.View(func(tx *bolt.Tx) error {
		if err := d.pages(tx); err != nil {
			return err
		}
		return tx.ForEach(func(_ []byte, b *bolt.Bucket) error { return d.count(b, 1) })
	})
}

func (d *described) pages(tx *bolt.Tx) error {
	doubtful := map[int]bool{}
	for _, found := range d.Check {
		var id int
		if _, err := fmt.Sscanf(found, "page %d:", &id); err != nil {
			return fmt.Errorf("bbolt says %q: %w", found, err)
		}
		doubtful[id] = true
	}
	letters := map[string]string{"meta": "m", "freelist": "l", "branch": "t", "leaf": "t", "free": "f"}
	var pages strings.Builder
	for id := 0; ; id = pages.Len() {
		p, err := tx.Page(id)
		if err != nil || p == nil {
			d.Pages = pages.String()
			return err
		}
		switch letter := letters[p.Type]; {
		case doubtful[id]:
			pages.WriteString("?")
		case p.Type == "free":
			// Its header is that of what it was once.
			pages.WriteString(letter)
		default:
			pages.WriteString(strings.Repeat(letter, 1+p.OverflowCount))
		}
	}
}

func (d *described) count(b *bolt.Bucket, depth int) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			return d.count(b.Bucket(k), depth+1)
		}
		d.Elements[depth]++
		return nil
	})
}
