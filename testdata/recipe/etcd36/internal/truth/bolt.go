package truth

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"unsafe"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/authpb"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/protobuf/encoding/protowire"
)

// entry is one entry of bucket "key" as bbolt returns it.
type entry struct {
	main, sub   int64
	tombstone   bool
	kv          mvccpb.KeyValue
	offset      int64 // of the KeyValue in the file
	valueOffset int64 // of the value in the file; -1 without a value
	empty       bool  // the KeyValue has no bytes at all
}

// readBolt opens the file read-only, fills in what bbolt and etcd's buckets say, and returns bucket "key".
func (t *Truth) readBolt(path string) (entries []entry, err error) {
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true, PreLoadFreelist: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.View(func(tx *bolt.Tx) error {
		info := db.Info()
		t.PageSize, t.TxID = info.PageSize, tx.ID()
		t.HighWaterMark = tx.Size() / int64(info.PageSize)
		t.FreePages = db.Stats().FreePageN
		t.Check, t.Buckets = []string{}, map[string]int{}
		for e := range tx.Check() {
			t.Check = append(t.Check, e.Error())
		}
		if err := t.readPages(tx); err != nil {
			return err
		}
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
			t.Buckets[string(name)] = b.Stats().KeyN
			return b.ForEach(func(k, v []byte) error {
				if string(name) != "key" {
					return t.readSmall(string(name), k, v)
				}
				e, err := readEntry(k, v, info.Data)
				entries = append(entries, e)
				return err
			})
		})
	})
	return entries, err
}

func (t *Truth) readPages(tx *bolt.Tx) error {
	for id := 0; ; {
		p, err := tx.Page(id)
		if err != nil {
			return err
		}
		if p == nil {
			return nil
		}
		t.FreelistSaved = t.FreelistSaved || p.Type == "freelist"
		page := Page{ID: p.ID, Type: p.Type, Count: p.Count, Overflow: p.OverflowCount}
		if p.Type == "free" { // what its header says is residue
			page.Count, page.Overflow = 0, 0
		}
		t.Pages = append(t.Pages, page)
		id += 1 + page.Overflow
	}
}

// readEntry takes the place of an entry from the slice bbolt returned: its address in the mapping of the file.
func readEntry(k, v []byte, base uintptr) (entry, error) {
	if len(k) < 17 {
		return entry{}, fmt.Errorf("key %x of bucket key is short", k)
	}
	e := entry{main: int64(binary.BigEndian.Uint64(k)), sub: int64(binary.BigEndian.Uint64(k[9:])), tombstone: len(k) == 18 && k[17] == 't', valueOffset: -1}
	e.offset = int64(uintptr(unsafe.Pointer(&k[0]))-base) + int64(len(k)) // the value follows the key
	if len(v) > 0 && int64(uintptr(unsafe.Pointer(&v[0]))-base) != e.offset {
		return e, fmt.Errorf("the value of %x does not follow its key", k)
	}
	e.empty = len(v) == 0
	if err := e.kv.Unmarshal(bytes.Clone(v)); err != nil {
		return e, err
	}
	for rest := v; len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		m := protowire.ConsumeFieldValue(num, typ, rest[max(n, 0):])
		if n < 0 || m < 0 {
			return e, fmt.Errorf("KeyValue of %x is malformed", k)
		}
		if num == 5 {
			_, head := protowire.ConsumeVarint(rest[n:])
			e.valueOffset = e.offset + int64(len(v)-len(rest)+n+head)
		}
		rest = rest[n+m:]
	}
	return e, nil
}

// readSmall reads one entry of the buckets other than "key".
func (t *Truth) readSmall(bucket string, k, v []byte) error {
	switch bucket {
	case "meta":
		switch string(k) {
		case "consistent_index":
			t.ConsistentIndex = binary.BigEndian.Uint64(v)
		case "term":
			t.Term = binary.BigEndian.Uint64(v)
		case "storageVersion":
			t.StorageVersion = string(v)
		case "scheduledCompactRev":
			t.Scheduled = int64(binary.BigEndian.Uint64(v))
		case "finishedCompactRev":
			t.Finished = int64(binary.BigEndian.Uint64(v))
		}
	case "cluster":
		if string(k) == "clusterVersion" {
			t.ClusterVersion = string(v)
		}
	case "members":
		var m struct{ Name string }
		if err := json.Unmarshal(v, &m); err != nil {
			return err
		}
		t.Members = append(t.Members, Member{string(k), m.Name})
	case "lease":
		t.Leases++
	case "auth":
		if string(k) == "authEnabled" {
			t.AuthEnabled = bytes.Equal(v, []byte{1})
		}
	case "authUsers":
		var u authpb.User
		if err := u.Unmarshal(v); err != nil {
			return err
		}
		t.Users = append(t.Users, string(u.Name))
	case "authRoles":
		t.Roles = append(t.Roles, string(k))
	case "alarm":
		var a pb.AlarmMember
		if err := a.Unmarshal(k); err != nil {
			return err
		}
		t.Alarms = append(t.Alarms, a.Alarm.String())
	}
	return nil
}
