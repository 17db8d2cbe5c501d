package life

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Player plays a plan through an etcd client.
type Player struct {
	cli      *clientv3.Client
	out      string
	recorder *Recorder
	mod      map[string]int64 // the newest mod_revision of every key that exists
	revision int64
}

// NewPlayer connects to the endpoint; snapshots go to the directory out.
func NewPlayer(endpoint, out string) (*Player, error) {
	cli, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return nil, err
	}
	return &Player{cli: cli, out: out, recorder: Record(cli), mod: map[string]int64{}, revision: 1}, nil
}

// Play plays every operation, then waits until the record is complete.
func (p *Player) Play(ops []Op) error {
	for i, op := range ops {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		err := p.step(ctx, op)
		cancel()
		if err != nil {
			return fmt.Errorf("operation %d (%s %q): %w", i, op.Kind, op.Key, err)
		}
	}
	return p.recorder.WaitFor(p.revision)
}

// Close ends the connection and returns every event since revision 1.
func (p *Player) Close() ([]Event, error) {
	events := p.recorder.Events()
	return events, p.cli.Close()
}

func (p *Player) step(ctx context.Context, op Op) error {
	switch op.Kind {
	case Put, Delete:
		return p.guarded(ctx, op)
	case RawPut:
		resp, err := p.cli.Put(ctx, string(op.Key), string(op.Value), leaseOf(op)...)
		if err != nil {
			return err
		}
		p.wrote(op, resp.Header)
		return nil
	case Txn:
		return p.together(ctx, op)
	case Stale:
		return p.stale(ctx, op)
	case Compact:
		return p.compact(ctx, op)
	case Pause:
		time.Sleep(time.Duration(op.Millis) * time.Millisecond)
		return nil
	case Snapshot:
		return p.snapshot(ctx, op)
	case Defrag:
		_, err := p.cli.Defragment(ctx, p.cli.Endpoints()[0])
		return err
	}
	return p.administer(ctx, op)
}

func leaseOf(op Op) []clientv3.OpOption {
	if op.LeaseID == 0 {
		return nil
	}
	return []clientv3.OpOption{clientv3.WithLease(clientv3.LeaseID(op.LeaseID))}
}

func request(op Op) clientv3.Op {
	if op.Kind == Delete {
		return clientv3.OpDelete(string(op.Key))
	}
	return clientv3.OpPut(string(op.Key), string(op.Value), leaseOf(op)...)
}

func (p *Player) wrote(op Op, h *pb.ResponseHeader) {
	p.revision = h.Revision
	if op.Kind == Delete {
		delete(p.mod, string(op.Key))
	} else {
		p.mod[string(op.Key)] = h.Revision
	}
}

// guarded writes as Kubernetes does: only when the object is still at the revision that was read.
func (p *Player) guarded(ctx context.Context, op Op) error {
	key := string(op.Key)
	resp, err := p.cli.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", p.mod[key])).
		Then(request(op)).Else(clientv3.OpGet(key)).Commit()
	if err != nil {
		return err
	}
	if !resp.Succeeded {
		return errors.New("the comparison failed")
	}
	p.wrote(op, resp.Header)
	return nil
}

func (p *Player) together(ctx context.Context, op Op) error {
	var requests []clientv3.Op
	for _, o := range op.Ops {
		requests = append(requests, request(o))
	}
	resp, err := p.cli.Txn(ctx).Then(requests...).Commit()
	if err != nil {
		return err
	}
	for _, o := range op.Ops {
		p.wrote(o, resp.Header)
	}
	return nil
}

func (p *Player) stale(ctx context.Context, op Op) error {
	key := string(op.Ops[0].Key)
	txn := p.cli.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(key), "=", 1<<40)).Then(request(op.Ops[0]))
	if len(op.Ops) > 1 {
		txn = txn.Else(request(op.Ops[1]))
	} else {
		txn = txn.Else(clientv3.OpGet(key))
	}
	resp, err := txn.Commit()
	if err != nil {
		return err
	}
	if resp.Succeeded {
		return errors.New("the comparison held")
	}
	if len(op.Ops) > 1 {
		p.wrote(op.Ops[1], resp.Header)
	}
	return nil
}

func (p *Player) compact(ctx context.Context, op Op) error {
	if err := p.recorder.WaitFor(p.revision); err != nil {
		return err
	}
	_, err := p.cli.Compact(ctx, p.revision-op.Back, clientv3.WithCompactPhysical())
	return err
}

func (p *Player) snapshot(ctx context.Context, op Op) (err error) {
	r, err := p.cli.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := os.Create(filepath.Join(p.out, op.Name+".db"))
	if err != nil {
		return err
	}
	read, err := io.CopyN(f, r, op.After)
	for _, meanwhile := range op.Ops {
		err = errors.Join(err, p.step(ctx, meanwhile))
	}
	rest, copyErr := io.Copy(f, r)
	n := read + rest
	if err := errors.Join(err, copyErr, f.Close()); err != nil {
		return err
	}
	if n%512 != 32 {
		return fmt.Errorf("snapshot of %d bytes has no trailer", n)
	}
	return nil
}

// administer does what is not a write of a key.
func (p *Player) administer(ctx context.Context, op Op) error {
	switch op.Kind {
	case Lease:
		_, err := clientv3.RetryLeaseClient(p.cli).LeaseGrant(ctx, &pb.LeaseGrantRequest{ID: op.LeaseID, TTL: op.TTL})
		return err
	case Role:
		if _, err := p.cli.RoleAdd(ctx, op.Name); err != nil {
			return err
		}
		_, err := p.cli.RoleGrantPermission(ctx, op.Name, string(op.Key), clientv3.GetPrefixRangeEnd(string(op.Key)), clientv3.PermissionType(clientv3.PermRead))
		return err
	case User:
		if _, err := p.cli.UserAdd(ctx, op.Name, op.Password); err != nil {
			return err
		}
		if op.Role == "" {
			return nil
		}
		_, err := p.cli.UserGrantRole(ctx, op.Name, op.Role)
		return err
	case Alarm:
		_, err := pb.NewMaintenanceClient(p.cli.ActiveConnection()).Alarm(ctx, &pb.AlarmRequest{Action: pb.AlarmRequest_ACTIVATE, Alarm: pb.AlarmType_NOSPACE})
		return err
	}
	return fmt.Errorf("unknown kind of operation")
}
