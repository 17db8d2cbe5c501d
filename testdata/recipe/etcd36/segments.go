package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// segmentsTruth is what stands in the log: what etcd's own reader gives, and what the writer overrode.
type segmentsTruth struct {
	Fixture    string            `json:"fixture"`
	Seed       int               `json:"seed"`
	Entries    []segmentsEntry   `json:"entries"`    // by ReadAll, in the order of their indices
	Overridden []segmentsEntry   `json:"overridden"` // written before, and replaced by a later leader
	Commit     uint64            `json:"commit"`     // of the last hard state
	Values     map[string]string `json:"values"`     // key of each put: its value
}

type segmentsEntry struct {
	Index uint64 `json:"index"`
	Term  uint64 `json:"term"`
	Key   string `json:"key"`
}

// segments writes a log of many small segments with etcd's own package: leaders that override each other, a
// snapshot from time to time, a restart in the middle. There is no database beside it.
func segments(m *maker, g group) error {
	root, err := os.MkdirTemp("", "recipe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	size := wal.SegmentSizeBytes
	defer func() { wal.SegmentSizeBytes = size }()
	wal.SegmentSizeBytes = 24 * 1024
	dir := filepath.Join(root, "segments", "member", "wal")
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	l := &logWriter{rand: rand.New(rand.NewPCG(uint64(m.seed), 77)), t: segmentsTruth{Fixture: g.names[0], Seed: m.seed, Values: map[string]string{}}}
	if err := l.write(dir); err != nil {
		return err
	}
	if _, err := pack(root, filepath.Join(m.out, g.names[0]+".dir.tar")); err != nil {
		return err
	}
	text, err := json.Marshal(l.t)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.out, g.names[0]+".truth.json"), text, 0o644)
}

// logWriter writes entries as a member does whose leaders change.
type logWriter struct {
	w    *wal.WAL
	rand *rand.Rand
	term uint64
	log  []segmentsEntry // what is in effect
	t    segmentsTruth
}

func (l *logWriter) write(dir string) error {
	metadata, err := (&pb.Metadata{NodeID: 0x8e9e05c52164694d, ClusterID: 0xcdf818194e3a8c32}).Marshal()
	if err != nil {
		return err
	}
	if l.w, err = wal.Create(zap.NewNop(), dir, metadata); err != nil {
		return err
	}
	l.term = 1
	for round := range 12 {
		for range 20 {
			if err := l.append(uint64(len(l.log))+1, 3); err != nil {
				return err
			}
		}
		if round%3 == 2 { // the next leader did not have the last entries, which were not committed
			l.term += 1 + l.rand.Uint64N(2)
			from := uint64(len(l.log)) - l.rand.Uint64N(3)
			l.t.Overridden = append(l.t.Overridden, l.log[from-1:]...)
			l.log = l.log[:from-1]
			if err := l.append(from, 0); err != nil {
				return err
			}
		}
		if round%4 == 3 {
			at := l.log[len(l.log)-10]
			if err := l.w.SaveSnapshot(walpb.Snapshot{Index: at.Index, Term: at.Term, ConfState: &raftpb.ConfState{Voters: []uint64{1, 2, 3}}}); err != nil {
				return err
			}
		}
		if round == 6 {
			if err := l.reopen(dir); err != nil {
				return err
			}
		}
	}
	return l.finish(dir)
}

// append writes one entry, and the hard state that commits all but the last few.
func (l *logWriter) append(index uint64, behind uint64) error {
	key := fmt.Sprintf("/registry/secrets/ns-%d/secret-%d-%d", index%7, index, l.term)
	value := make([]byte, 100+l.rand.IntN(900))
	for i := range value {
		value[i] = byte('a' + l.rand.IntN(26))
	}
	l.t.Values[key] = string(value)
	request := pb.InternalRaftRequest{ID: index, Put: &pb.PutRequest{Key: []byte(key), Value: value}}
	data, err := request.Marshal()
	if err != nil {
		return err
	}
	l.log = append(l.log, segmentsEntry{Index: index, Term: l.term, Key: key})
	l.t.Commit = max(l.t.Commit, index-min(index, behind))
	state := raftpb.HardState{Term: l.term, Vote: 1 + l.term%3, Commit: l.t.Commit}
	return l.w.Save(state, []raftpb.Entry{{Term: l.term, Index: index, Data: data}})
}

// reopen closes the log and opens it as a restarted member does.
func (l *logWriter) reopen(dir string) error {
	if err := l.w.Close(); err != nil {
		return err
	}
	var err error
	if l.w, err = wal.Open(zap.NewNop(), dir, walpb.Snapshot{}); err != nil {
		return err
	}
	_, _, _, err = l.w.ReadAll()
	return err
}

// finish has etcd's own reader say what is in effect, and compares it with the writer's record.
func (l *logWriter) finish(dir string) error {
	if err := l.w.Close(); err != nil {
		return err
	}
	w, err := wal.OpenForRead(zap.NewNop(), dir, walpb.Snapshot{})
	if err != nil {
		return err
	}
	defer w.Close()
	_, state, entries, err := w.ReadAll()
	if err != nil {
		return err
	}
	if len(entries) != len(l.log) || state.Commit != l.t.Commit {
		return fmt.Errorf("etcd reads %d entries and commit %d, written were %d and %d", len(entries), state.Commit, len(l.log), l.t.Commit)
	}
	for i, e := range entries {
		var request pb.InternalRaftRequest
		if err := request.Unmarshal(e.Data); err != nil {
			return err
		}
		read := segmentsEntry{Index: e.Index, Term: e.Term, Key: string(request.Put.Key)}
		if read != l.log[i] {
			return fmt.Errorf("etcd reads %v, written was %v", read, l.log[i])
		}
		l.t.Entries = append(l.t.Entries, read)
	}
	return nil
}
