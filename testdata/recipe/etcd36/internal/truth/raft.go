package truth

import (
	"bytes"
	"os"
	"path/filepath"
	"unicode/utf8"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// Raft is what etcd's own packages read from a WAL.
type Raft struct {
	Term    uint64  `json:"term"`
	Commit  uint64  `json:"commit"` // of the last hard state
	Entries []Entry `json:"entries"`
	Files   []File  `json:"files"` // of the whole data directory
	Values  []InWAL `json:"values"`

	dir string
}

// InWAL is a whole value of 24 bytes or more of the record, found by its bytes in a WAL file.
type InWAL struct {
	File string `json:"file"`
	Occurrence
}

// File is a file of the data directory.
type File struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Entry is a raft entry.
type Entry struct {
	Index uint64   `json:"index"`
	Term  uint64   `json:"term"`
	Type  string   `json:"type"`
	Ops   []RaftOp `json:"ops"`
}

// RaftOp is one operation that an entry proposes.
type RaftOp struct {
	Op          string  `json:"op"`
	Branch      *string `json:"branch"` // success or failure, of a transaction
	Key         *string `json:"key"`
	KeyBase64   []byte  `json:"key_base64,omitempty"`
	ValueLen    int     `json:"value_len"`
	ValueSHA256 *string `json:"value_sha256"`
	W           *int    `json:"w"` // the write that it became; null when it was never applied
	Revision    int64   `json:"revision,omitempty"`
}

// ReadWAL reads every entry of the WAL in the directory.
func ReadWAL(dir string) (*Raft, error) {
	w, err := wal.OpenForRead(zap.NewNop(), dir, walpb.Snapshot{})
	if err != nil {
		return nil, err
	}
	defer w.Close()
	_, state, entries, err := w.ReadAll()
	if err != nil {
		return nil, err
	}
	r := &Raft{Term: state.Term, Commit: state.Commit, dir: dir}
	for _, e := range entries {
		x := Entry{Index: e.Index, Term: e.Term, Type: e.Type.String(), Ops: []RaftOp{}}
		if e.Type == raftpb.EntryNormal && len(e.Data) > 0 {
			var req pb.InternalRaftRequest
			if err := req.Unmarshal(e.Data); err != nil {
				return nil, err
			}
			x.Ops = operations(&req)
		}
		r.Entries = append(r.Entries, x)
	}
	return r, nil
}

func operations(r *pb.InternalRaftRequest) []RaftOp {
	switch {
	case r.Put != nil:
		return []RaftOp{putOp(nil, r.Put)}
	case r.DeleteRange != nil:
		return []RaftOp{keyOp("delete", nil, r.DeleteRange.Key)}
	case r.Txn != nil:
		success, failure := "success", "failure"
		return append(branch(&success, r.Txn.Success), branch(&failure, r.Txn.Failure)...)
	case r.Compaction != nil:
		return []RaftOp{{Op: "compact", Revision: r.Compaction.Revision}}
	case r.LeaseGrant != nil:
		return []RaftOp{{Op: "lease_grant"}}
	}
	return []RaftOp{{Op: "other"}}
}

func branch(name *string, requests []*pb.RequestOp) []RaftOp {
	ops := []RaftOp{}
	for _, r := range requests {
		switch x := r.Request.(type) {
		case *pb.RequestOp_RequestPut:
			ops = append(ops, putOp(name, x.RequestPut))
		case *pb.RequestOp_RequestDeleteRange:
			ops = append(ops, keyOp("delete", name, x.RequestDeleteRange.Key))
		case *pb.RequestOp_RequestRange:
			ops = append(ops, keyOp("range", name, x.RequestRange.Key))
		}
	}
	return ops
}

func putOp(branch *string, p *pb.PutRequest) RaftOp {
	o := keyOp("put", branch, p.Key)
	sum := hexsum(p.Value)
	o.ValueLen, o.ValueSHA256 = len(p.Value), &sum
	return o
}

func keyOp(op string, branch *string, key []byte) RaftOp {
	o := RaftOp{Op: op, Branch: branch}
	if text := string(key); utf8.Valid(key) {
		o.Key = &text
	} else {
		o.KeyBase64 = key
	}
	return o
}

// raft compares the WAL with the record: every put of the record was proposed, and nothing else was applied.
func (c *checker) raft(r *Raft) {
	c.t.Raft = r
	applied := map[string]int{}
	for i, w := range c.t.Writes {
		if w.Op == "put" && w.Key != nil {
			applied[*w.Key+" "+*w.ValueSHA256] = i
		}
	}
	seen := map[int]bool{}
	for i := range r.Entries {
		for k := range r.Entries[i].Ops {
			o := &r.Entries[i].Ops[k]
			if o.Op != "put" || o.Key == nil {
				continue
			}
			if w, ok := applied[*o.Key+" "+*o.ValueSHA256]; ok {
				o.W, seen[w] = &w, true
			}
		}
	}
	c.walValues(r)
	c.hold("every put of the record is in the WAL", len(seen) == len(applied), "%d of %d", len(seen), len(applied))
	last := r.Entries[len(r.Entries)-1].Index
	c.hold("the WAL is ahead of the database", last > c.t.ConsistentIndex, "%d and %d", last, c.t.ConsistentIndex)
}

// walValues searches the WAL files for every value of the record.
func (c *checker) walValues(r *Raft) {
	values := map[int][]byte{}
	for i, e := range c.source.Events {
		values[i] = e.Value
	}
	paths, err := filepath.Glob(filepath.Join(r.dir, "*.wal"))
	c.hold("there is a WAL", err == nil && len(paths) > 0, "%v", err)
	found := map[int]bool{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		c.hold("a WAL file can be read", err == nil, "%v", err)
		for _, o := range search(bytes.TrimRight(data, "\x00"), values) {
			r.Values = append(r.Values, InWAL{filepath.Base(path), o})
			found[o.W] = true
		}
	}
	for w, v := range values {
		c.hold("every value of 24 bytes or more stands in a WAL file", len(v) < minLength || found[w], "write %d", w)
	}
}
