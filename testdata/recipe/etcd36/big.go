package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"etcd-sleuth.invalid/recipe/etcd36/internal/fixture"
	"etcd-sleuth.invalid/recipe/life"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// writers is how many clients write at the same time.
const writers = 64

// big makes one large snapshot for benchmarks. It has no truth.
type big struct {
	seed, keys, writes, size int
	out                      string

	bytes int // of all values
}

func bigCommand(args []string) error {
	var b big
	fs := flag.NewFlagSet("big", flag.ExitOnError)
	fs.IntVar(&b.seed, "seed", 1, "decides names and values")
	fs.IntVar(&b.keys, "keys", 388_000, "keys that exist in the end")
	fs.IntVar(&b.writes, "writes", 560_000, "puts, a revision each")
	fs.IntVar(&b.size, "value-size", 1_500, "mean size of a value's content, to which metadata and encryption add about 600 bytes")
	fs.StringVar(&b.out, "out", "big.db", "the snapshot; its directory also holds the server's data for a while")
	if err := fs.Parse(args); err != nil {
		return err
	}
	return b.make()
}

func (b *big) make() error {
	dir, err := os.MkdirTemp(filepath.Dir(b.out), "recipe")
	if err != nil {
		return err
	}
	srv, err := life.StartServer(filepath.Join(dir, "data"), life.ServerOptions{NoFsync: true, SnapshotCount: 100_000, QuotaBytes: 8 << 30})
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	err = b.fill(srv.Endpoint)
	srv.Stop()
	return errors.Join(err, os.RemoveAll(dir))
}

func (b *big) fill(endpoint string) error {
	cli, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 10 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		return err
	}
	defer cli.Close()
	ctx := context.Background()
	start := time.Now()
	if err := b.write(ctx, cli); err != nil {
		return err
	}
	log.Printf("%d writes of %d keys, %d bytes a value, in %s", b.writes, b.keys, b.bytes/b.writes, time.Since(start).Round(time.Second))
	if _, err := cli.Compact(ctx, int64(b.writes/4), clientv3.WithCompactPhysical()); err != nil {
		return err
	}
	time.Sleep(time.Second) // the backend commits
	snap, err := cli.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer snap.Close()
	f, err := os.Create(b.out)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, snap)
	log.Printf("%s: %d bytes after %s", b.out, n, time.Since(start).Round(time.Second))
	return errors.Join(err, f.Close())
}

// write lets the writers put what one source makes. Two writes of one key may swap; a benchmark does not mind.
func (b *big) write(ctx context.Context, cli *clientv3.Client) error {
	g, ctx := errgroup.WithContext(ctx)
	puts := make(chan life.Op, 4*writers)
	g.Go(func() error {
		defer close(puts)
		source, err := fixture.NewBulk(b.seed, b.size)
		if err != nil {
			return err
		}
		for i := range b.writes {
			op, err := source.Put(i, b.keys, b.writes)
			if err != nil {
				return err
			}
			b.bytes += len(op.Value)
			select {
			case puts <- op:
			case <-ctx.Done():
				return ctx.Err()
			}
			if i%50_000 == 49_999 {
				log.Printf("%d writes", i+1)
			}
		}
		return nil
	})
	for range writers {
		g.Go(func() error {
			for op := range puts {
				if _, err := cli.Put(ctx, string(op.Key), string(op.Value)); err != nil {
					return fmt.Errorf("%s: %w", op.Key, err)
				}
			}
			return nil
		})
	}
	return g.Wait()
}
