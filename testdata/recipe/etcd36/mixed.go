package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"etcd-sleuth.invalid/recipe/etcd36/internal/fixture"
	"etcd-sleuth.invalid/recipe/etcd36/internal/truth"
	bolt "go.etcd.io/bbolt"
)

// busy is a snapshot of a server that writes on: pages that were free when it began are newer than the rest.
func busy(m *maker, g group) error {
	b := fixture.Busy(m.seed)
	events, err := m.play(b)
	if err != nil {
		return err
	}
	return m.truth(truth.Source{Name: g.names[0], Builder: b, Events: events, IsOlder: true})
}

// interrupted is what a power failure leaves when the pages of the last transactions reached the disk in part, and their
// meta pages did not: of each range of free pages that these changed, and of those behind the old end, the first half
// is new.
func interrupted(m *maker, g group) error {
	b := fixture.Interrupted(m.seed)
	events, err := m.play(b)
	if err != nil {
		return err
	}
	path := filepath.Join(m.out, g.names[0]+".db")
	after := filepath.Join(m.out, g.names[0]+".after.db")
	if err := errors.Join(writeHalf(path, after), os.Remove(after)); err != nil {
		return err
	}
	return m.truth(truth.Source{Name: g.names[0], Builder: b, Events: events, IsOlder: true})
}

func writeHalf(path, after string) error {
	free, size, err := freePages(path)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	old = old[:len(old)-32] // the trailer would not match
	changed, err := os.ReadFile(after)
	if err != nil {
		return err
	}
	page := func(of []byte, id int) []byte { return of[id*size : (id+1)*size] }
	differs := func(id int) bool { return free[id] && !bytes.Equal(page(old, id), page(changed, id)) }
	for id := 0; id < len(old)/size; id++ {
		end := id
		for end < len(old)/size && differs(end) {
			end++
		}
		for half := id + (end-id+1)/2; id < half; id++ {
			copy(page(old, id), page(changed, id))
		}
		id = max(id, end)
	}
	// Beyond the old end the file was grown, and is zeros where nothing came.
	beyond := len(old) + (len(changed)-len(old))/size/2*size
	old = append(append(old, changed[len(old):beyond]...), make([]byte, (len(changed)-beyond)/size*size)...)
	return os.WriteFile(path, old, 0o600)
}

// freePages are the pages that bbolt calls free, and the page size.
func freePages(path string) (free map[int]bool, size int, err error) {
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	free = map[int]bool{}
	err = db.View(func(tx *bolt.Tx) error {
		for id := 0; ; {
			p, err := tx.Page(id)
			if err != nil || p == nil {
				return err
			}
			free[id] = p.Type == "free"
			if free[id] {
				id++
			} else {
				id += 1 + p.OverflowCount
			}
		}
	})
	return free, db.Info().PageSize, err
}
