package life

import (
	"context"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Recorder keeps every event since revision 1, by one watch that is opened before anything is written.
type Recorder struct {
	cancel context.CancelFunc
	mu     sync.Mutex
	events []Event
	err    error
}

// Record starts a recorder. It must start before the first compaction.
func Record(cli *clientv3.Client) *Recorder {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Recorder{cancel: cancel}
	ch := cli.Watch(ctx, "\x00", clientv3.WithFromKey(), clientv3.WithRev(1))
	go func() {
		for resp := range ch {
			r.add(resp)
		}
	}()
	return r
}

func (r *Recorder) add(resp clientv3.WatchResponse) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := resp.Err(); err != nil {
		r.err = err
	}
	for _, e := range resp.Events {
		sub := 0
		if n := len(r.events); n > 0 && r.events[n-1].Mod == e.Kv.ModRevision {
			sub = r.events[n-1].Sub + 1
		}
		r.events = append(r.events, Event{
			Delete: e.Type == clientv3.EventTypeDelete, Key: e.Kv.Key, Value: e.Kv.Value, Mod: e.Kv.ModRevision,
			Sub: sub, Create: e.Kv.CreateRevision, Version: e.Kv.Version, Lease: e.Kv.Lease,
		})
	}
}

// WaitFor waits until the recorder has seen the revision.
func (r *Recorder) WaitFor(revision int64) error {
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		r.mu.Lock()
		n, err := len(r.events), r.err
		seen := revision <= 1 || n > 0 && r.events[n-1].Mod >= revision
		r.mu.Unlock()
		switch {
		case err != nil:
			return err
		case seen:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("the watch has not seen revision %d", revision)
		}
	}
}

// Events stops the recorder and returns what it saw.
func (r *Recorder) Events() []Event {
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events
}
