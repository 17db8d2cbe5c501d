package truth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"

	"etcd-sleuth.invalid/recipe/etcd36/internal/fixture"
	"etcd-sleuth.invalid/recipe/life"
	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"
)

// Source is what the truth of one file is made from.
type Source struct {
	Name     string
	File     string // the database, with or without trailer
	Builder  *fixture.Builder
	Events   []life.Event
	MadeWith map[string]string
	Raft     *Raft // the WAL beside it, if any
	V2       []V2  // writes through the v2 API
	IsOlder  bool  // the file may end before the record does
}

// Make finds the truth. It fails when any comparison does not hold.
func Make(s Source) (*Truth, error) {
	file, err := os.ReadFile(s.File)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(file)
	t := &Truth{
		Fixture: s.Name, MadeWith: s.MadeWith, Seed: s.Builder.World.Seed, Size: int64(len(file)), SHA256: hex.EncodeToString(sum[:]), Trailer: "absent",
		Users: []string{}, Roles: []string{}, Alarms: []string{}, Elsewhere: []Occurrence{}, Retained: []Retained{}, V2: s.V2, SelfChecks: map[string]int{},
	}
	data := file
	if len(file)%512 == sha256.Size {
		data = file[:len(file)-sha256.Size]
		if sha256.Sum256(data) != [sha256.Size]byte(file[len(data):]) {
			return nil, fmt.Errorf("the trailer does not match")
		}
		t.Trailer = "match"
	}
	st, err := snapshot.NewV3(zap.NewNop()).Status(s.File)
	if err != nil {
		return nil, fmt.Errorf("etcdutl status: %w", err)
	}
	t.Status = &Status{fmt.Sprintf("%x", st.Hash), st.Revision, st.TotalKey, st.TotalSize, st.Version}
	t.Keys = s.Builder.Ring.Keys()
	entries, err := t.readBolt(s.File)
	if err != nil {
		return nil, err
	}
	c := &checker{t: t, data: data, source: s}
	c.writes()
	c.retained(entries)
	c.places()
	c.library()
	if s.Raft != nil {
		c.raft(s.Raft)
	}
	return t, c.err
}

// hexsum is the SHA-256 of b in hex.
func hexsum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
