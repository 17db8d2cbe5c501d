// Package life plays a planned life against a real etcd server and records what happened.
//
// A plan is a list of operations. It is made once, by code that knows Kubernetes and encryption, and can be played by etcd 3.4
// to 3.7: it uses only what they share.
package life

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
)

// Facts is what the maker of a value knows about it. Nil means: does not apply, or not known to the maker.
type Facts struct {
	Form            string  `json:"form"` // plaintext, encrypted, empty, unknown
	Encoding        *string `json:"encoding"`
	Provider        *string `json:"provider"`
	ProviderVersion *string `json:"provider_version"`
	ProviderName    *string `json:"provider_name"`
	KeyID           *string `json:"key_id"`
	DEKSourceType   *int    `json:"dek_source_type"`
	DEKSourceSHA256 *string `json:"dek_source_sha256"`
	Marker          *string `json:"marker"`
	PlaintextSHA256 *string `json:"plaintext_sha256"`
	PlaintextLen    *int    `json:"plaintext_len"`
}

// Kinds of operations.
const (
	Put      = "put"      // one object, in a Txn that compares the revision, as Kubernetes writes
	RawPut   = "raw-put"  // one object, without a Txn
	Delete   = "delete"   // one object, in a Txn that compares the revision
	Txn      = "txn"      // Ops (puts and deletes) in one revision
	Stale    = "stale"    // a Txn whose comparison fails: Ops[0] is proposed and never applied, Ops[1], if any, is the failure branch
	Lease    = "lease"    // grants the lease LeaseID with TTL seconds
	Compact  = "compact"  // compacts to the current revision minus Back, waits until done
	Defrag   = "defrag"   // defragments the member
	Pause    = "pause"    // sleeps Millis, so that the backend commits
	Snapshot = "snapshot" // saves a snapshot as <Name>.db in the output directory; Ops are played when After bytes of it were read
	Role     = "role"     // adds the role Name, with read permission for the prefix Key
	User     = "user"     // adds the user Name with Password and, when given, Role
	Alarm    = "alarm"    // raises the NOSPACE alarm
)

// Op is one step of a life.
type Op struct {
	Kind     string `json:"kind"`
	Key      []byte `json:"key,omitempty"`
	Value    []byte `json:"value,omitempty"`
	Facts    *Facts `json:"facts,omitempty"`
	Ops      []Op   `json:"ops,omitempty"`
	LeaseID  int64  `json:"lease_id,omitempty"`
	TTL      int64  `json:"ttl,omitempty"`
	Back     int64  `json:"back,omitempty"`
	After    int64  `json:"after,omitempty"`
	Millis   int    `json:"millis,omitempty"`
	Name     string `json:"name,omitempty"`
	Password string `json:"password,omitempty"`
	Role     string `json:"role,omitempty"`
}

// Event is one write event as etcd reported it to a watch.
type Event struct {
	Delete  bool   `json:"delete,omitempty"`
	Key     []byte `json:"key"`
	Value   []byte `json:"value,omitempty"`
	Mod     int64  `json:"mod_revision"`
	Sub     int    `json:"sub"`
	Create  int64  `json:"create_revision,omitempty"`
	Version int64  `json:"version,omitempty"`
	Lease   int64  `json:"lease,omitempty"`
}

// WriteLines writes one JSON object a line.
func WriteLines[T any](path string, items []T) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for i := range items {
		if err := enc.Encode(items[i]); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// ReadLines reads what [WriteLines] wrote.
func ReadLines[T any](path string) ([]T, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var items []T
	for dec := json.NewDecoder(bufio.NewReader(f)); ; {
		var item T
		if err := dec.Decode(&item); errors.Is(err, io.EOF) {
			return items, nil
		} else if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
}
