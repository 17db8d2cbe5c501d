package random

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"etcd-sleuth.invalid/recipe/etcd36/internal/server"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// deed is one of what administrators and power failures do.
func (l *life) deed() error {
	alone := len(l.members) == 1
	switch l.rng.IntN(11) {
	case 0, 1:
		return l.compact()
	case 2:
		l.did("defragment")
		return l.within(func(ctx context.Context) error { _, err := l.cli.Defragment(ctx, l.members[0].Client); return err })
	case 3:
		return l.snapshot()
	case 4:
		if !alone {
			return nil
		}
		l.did("kill")
		return l.restart(l.version, true)
	case 5:
		if !alone || l.version == server.Newest || l.hasV2 && l.version+1 >= 36 {
			return nil
		}
		l.did("upgrade to %v", l.version+1)
		return l.restart(l.version+1, false)
	case 6:
		if !alone {
			return nil
		}
		return l.restore()
	case 7:
		if len(l.members) > 2 || l.learner || l.lowered {
			return nil
		}
		return l.addLearner()
	case 8:
		if alone {
			return nil
		}
		return l.removeMember()
	case 9:
		if !alone || l.version < 36 {
			return nil
		}
		return l.downgrade()
	}
	if !alone || l.version < 36 {
		return nil
	}
	return l.migrate()
}

func (l *life) compact() error {
	return l.within(func(ctx context.Context) error {
		now, err := l.cli.Get(ctx, "x")
		if err != nil {
			return err
		}
		to := now.Header.Revision - int64(l.rng.IntN(20))
		if to < 2 {
			return nil
		}
		var options []clientv3.CompactOption
		if l.rng.IntN(2) == 0 {
			options = append(options, clientv3.WithCompactPhysical())
		}
		l.did("compact to %d", to)
		if _, err = l.cli.Compact(ctx, to, options...); err != nil && err.Error() == "etcdserver: mvcc: required revision has been compacted" {
			return nil
		}
		return err
	})
}

// restore restores a snapshot into a new directory, with the program of the version, and goes on there.
func (l *life) restore() error {
	path := filepath.Join(l.out, fmt.Sprintf("restored-%d.db", l.restored))
	if err := l.save(path); err != nil {
		return err
	}
	old := l.members[0]
	if err := l.cli.Close(); err != nil {
		return err
	}
	old.Stop(false)
	m, err := server.New("m0", filepath.Join(l.out, fmt.Sprintf("restored-%d", l.restored)))
	if err != nil {
		return err
	}
	l.restored++
	l.hasV2 = false // a snapshot has the v3 data alone
	args := []string{
		"snapshot", "restore", path, "--name", m.Name, "--data-dir", m.Dir, "--initial-cluster", m.Name + "=" + m.Peer,
		"--initial-advertise-peer-urls", m.Peer, "--initial-cluster-token", "restored",
	}
	tool, bump := "etcdutl", 0
	if l.version == server.Oldest {
		tool = "etcdctl"
	} else if l.version >= 36 && l.rng.IntN(2) == 0 {
		bump = 1 + l.rng.IntN(1_000_000)
		args = append(args, "--bump-revision", strconv.Itoa(bump), "--mark-compacted")
	}
	cmd := exec.Command(server.Program(l.servers, l.version, tool), args...)
	cmd.Env = append(os.Environ(), "ETCDCTL_API=3")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", cmd.Args, err, said)
	}
	l.did("restore, bumped by %d", bump)
	if err := errors.Join(os.RemoveAll(old.Dir), os.Remove(path)); err != nil {
		return err
	}
	l.members[0] = m
	if err := m.Start(l.servers, l.version, l.settings, "", "existing"); err != nil {
		return err
	}
	l.cli, err = m.Connect()
	return err
}

// addLearner adds a learner, which may become a voting member.
func (l *life) addLearner() error {
	name := fmt.Sprintf("m%d", l.count)
	m, err := server.New(name, filepath.Join(l.out, name))
	if err != nil {
		return err
	}
	l.count++
	var id uint64
	err = l.within(func(ctx context.Context) error {
		added, err := l.cli.MemberAddAsLearner(ctx, []string{m.Peer})
		if err == nil {
			id = added.Member.ID
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("add a learner: %w", err)
	}
	cluster := m.Name + "=" + m.Peer
	for _, other := range l.members {
		cluster += "," + other.Name + "=" + other.Peer
	}
	l.members = append(l.members, m)
	if err := m.Start(l.servers, l.version, l.settings, cluster, "existing"); err != nil {
		return err
	}
	l.did("learner %s", name)
	if err := l.caughtUp(m); err != nil {
		return err
	}
	if l.rng.IntN(2) == 0 {
		l.did("promoted")
		return l.within(func(ctx context.Context) error { _, err := l.cli.MemberPromote(ctx, id); return err })
	}
	l.learner = true
	return nil
}

// removeMember takes the newest member out of the cluster; its directory is kept as it is.
func (l *life) removeMember() error {
	m := l.members[len(l.members)-1]
	if err := l.caughtUp(m); err != nil {
		return err
	}
	plaintext, encrypted, revision, err := l.now()
	if err != nil {
		return err
	}
	// It is taken out while it runs: without it two members have no majority.
	err = l.within(func(ctx context.Context) error {
		list, err := l.cli.MemberList(ctx)
		if err != nil {
			return err
		}
		for _, known := range list.Members {
			if len(known.PeerURLs) > 0 && known.PeerURLs[0] == m.Peer {
				_, err = l.cli.MemberRemove(ctx, known.ID)
			}
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("remove %s: %w", m.Name, err)
	}
	m.Stop(false)
	l.members, l.learner = l.members[:len(l.members)-1], false
	l.did("removed %s", m.Name)
	return l.say(evidence{Path: m.Name, Kind: "directory", Revision: revision, Plaintext: plaintext, Encrypted: encrypted, Later: true})
}

// downgrade lets the cluster go back by one version. A snapshot is taken while that is asked for and not done.
func (l *life) downgrade() error {
	l.lowered = true
	to := l.version - 1
	target := fmt.Sprintf("3.%d.0", int(to)%10)
	err := l.within(func(ctx context.Context) error {
		_, err := l.cli.Downgrade(ctx, clientv3.DowngradeEnable, target)
		if err != nil && err.Error() == "etcdserver: cluster has a downgrade job in progress" {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("downgrade to %s: %w", target, err)
	}
	if err := l.snapshot(); err != nil {
		return err
	}
	// The leader looks every few seconds whether all of the cluster can go back.
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		at, err := l.members[0].ClusterVersion()
		if err != nil {
			return err
		}
		if at == target {
			break
		}
		if time.Now().After(until) {
			l.did("downgrade to %v asked for", to)
			return nil
		}
	}
	l.did("downgrade to %v", to)
	return l.restart(to, false)
}

// migrate writes the storage version of the release before with etcdutl, while the server is stopped, and keeps what that
// makes. The server, which the cluster's version binds to its release, brings the storage back when it starts.
func (l *life) migrate() error {
	plaintext, encrypted, revision, err := l.now()
	if err != nil {
		return err
	}
	if err := l.cli.Close(); err != nil {
		return err
	}
	m := l.members[0]
	m.Stop(false)
	to := l.version - 1
	cmd := exec.Command(server.Program(l.servers, l.version, "etcdutl"), "migrate", "--data-dir", m.Dir, "--target-version", to.String())
	if said, err := cmd.CombinedOutput(); err != nil {
		l.did("not migrated: %.200s", said) // the log has entries of the newer version
	} else {
		l.did("migrated to %v", to)
		name := fmt.Sprintf("migrated-%d.db", l.taken)
		l.taken++
		if err := l.copyDatabase(m, name); err != nil {
			return err
		}
		err := l.say(evidence{Path: name, Kind: "database", Revision: revision, Plaintext: plaintext, Encrypted: encrypted, Migrated: to.String()})
		if err != nil {
			return err
		}
	}
	if err := m.Start(l.servers, l.version, l.settings, "", "existing"); err != nil {
		return err
	}
	l.cli, err = m.Connect()
	return err
}
