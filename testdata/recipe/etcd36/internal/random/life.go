// Package random plays random lives of etcd clusters: servers of four versions, killed, restored, upgraded, moved back,
// compacted, defragmented, with learners and replaced members. Of every file and directory it says what an etcd client read.
package random

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"time"

	"etcd-sleuth.invalid/recipe/etcd36/internal/seal"
	"etcd-sleuth.invalid/recipe/etcd36/internal/server"
	"etcd-sleuth.invalid/recipe/etcd36/internal/world"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// life is a cluster and what happened to it.
type life struct {
	rng     *rand.Rand
	servers string
	out     string
	truth   *json.Encoder

	version  server.Version
	settings server.Settings
	members  []*server.Member // the first answers
	count    int              // members that there ever were
	learner  bool             // one of the members is one: etcd allows no second
	lowered  bool             // a downgrade was asked for: no member joins any more
	hasV2    bool             // something was written by the v2 API: etcd 3.6 does not start on it
	cli      *clientv3.Client

	world    *world.World
	seals    []*seal.Seal // the first is nil: plaintext
	revs     map[int]int
	secrets  int // numbers of Secrets that were used
	restored int
	taken    int
	story    []string
}

// Play plays the life of the seed, and writes one line for each evidence.
func Play(seed uint64, servers, out string, to io.Writer) (err error) {
	l := &life{rng: rand.New(rand.NewPCG(seed, 0)), servers: servers, out: out, truth: json.NewEncoder(to), revs: map[int]int{}}
	l.version = server.Oldest + server.Version(l.rng.IntN(int(server.Newest-server.Oldest)+1))
	l.settings = server.Settings{
		SnapshotCount: 15 + l.rng.IntN(100), Batch: time.Duration(5+l.rng.IntN(400)) * time.Millisecond, V2: l.rng.IntN(2) == 0,
	}
	l.world = world.New(int(seed), "random")
	ring := &seal.Ring{}
	aes, err := ring.Local("aescbc", "key1", []byte("0123456789abcdef"))
	if err != nil {
		return err
	}
	kms, _, err := ring.KMSv2("kms-a", "key-id-1", []byte("0123456789abcdef0123456789abcdef"), nil)
	if err != nil {
		return err
	}
	l.seals = []*seal.Seal{nil, aes, kms}
	defer func() {
		for _, m := range l.members {
			m.Stop(true)
		}
		if err != nil {
			err = fmt.Errorf("seed %d, after %v: %w", seed, l.story, err)
		}
	}()
	if err := l.begin(); err != nil {
		return err
	}
	for range 3 + l.rng.IntN(6) {
		if err := l.writes(5 + l.rng.IntN(60)); err != nil {
			return err
		}
		if err := l.deed(); err != nil {
			return err
		}
	}
	if err := l.writes(1 + l.rng.IntN(10)); err != nil {
		return err
	}
	return l.end()
}

func (l *life) begin() error {
	m, err := server.New("m0", filepath.Join(l.out, "m0"))
	if err != nil {
		return err
	}
	l.members, l.count = []*server.Member{m}, 1
	if err := m.Start(l.servers, l.version, l.settings, "", "new"); err != nil {
		return err
	}
	if l.cli, err = m.Connect(); err != nil {
		return err
	}
	return l.put("/registry/namespaces/kube-system", l.world.KubeSystem(0, 0), 0, 0, nil)
}

// within gives an operation half a minute, in short tries: a member that was just started, or whose leader changed, is asked
// again, and etcd changes its members only five seconds after they found each other.
func (l *life) within(do func(ctx context.Context) error) error {
	var err error
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(200 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		err = do(ctx)
		cancel()
		if err == nil {
			return nil
		}
	}
	return err
}

func (l *life) did(format string, args ...any) {
	l.story = append(l.story, fmt.Sprintf(format, args...))
}

// restart ends the first member and starts it with this version.
func (l *life) restart(v server.Version, kill bool) error {
	m := l.members[0]
	err := l.cli.Close()
	m.Stop(kill)
	l.version = v
	err = errors.Join(err, m.Start(l.servers, v, l.settings, "", "existing"))
	if err != nil {
		return err
	}
	l.cli, err = m.Connect()
	return err
}

// others are the members besides the first.
func (l *life) others() []*server.Member { return l.members[1:] }

// caughtUp waits until a member has what the first one has.
func (l *life) caughtUp(m *server.Member) error {
	want, err := l.members[0].Revision()
	if err != nil {
		return err
	}
	var got int64
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if got, err = m.Revision(); err == nil && got >= want {
			return nil
		}
	}
	return fmt.Errorf("%s is at revision %d of %d: %w", m.Name, got, want, err)
}
