// Package server runs the servers of four versions of etcd, each in a process of its own, on loopback only.
package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"etcd-sleuth.invalid/recipe/life"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// Version is a release of etcd: 34 is 3.4.
type Version int

// The versions that are played with.
const (
	Oldest Version = 34
	Newest Version = 37
)

func (v Version) String() string { return fmt.Sprintf("3.%d", int(v)%10) }

// Member is a server of another process.
type Member struct {
	Name   string
	Dir    string
	Client string // URL
	Peer   string // URL
	cmd    *exec.Cmd
}

// Settings are what the lives differ in.
type Settings struct {
	SnapshotCount int           // raft entries between two .snap files
	Batch         time.Duration // the backend commits this often
	V2            bool          // 3.4 serves the v2 API
}

// New is a member that was not started yet.
func New(name, dir string) (*Member, error) {
	client, err := life.FreeURL()
	if err != nil {
		return nil, err
	}
	peer, err := life.FreeURL()
	if err != nil {
		return nil, err
	}
	return &Member{Name: name, Dir: dir, Client: client.String(), Peer: peer.String()}, nil
}

// Program is one of a version: server, etcdctl or etcdutl.
func Program(servers string, v Version, name string) string {
	if v == Oldest && name == "server" {
		name = "etcd"
	}
	return filepath.Join(servers, fmt.Sprintf("etcd%d", int(v)), name)
}

// Start starts the server and waits until it answers. cluster is the initial cluster, "" where the directory knows it.
func (m *Member) Start(servers string, v Version, s Settings, cluster, state string) error {
	args := []string{
		"--name", m.Name, "--data-dir", m.Dir,
		"--listen-client-urls", m.Client, "--advertise-client-urls", m.Client,
		"--listen-peer-urls", m.Peer, "--initial-advertise-peer-urls", m.Peer,
		"--heartbeat-interval", "25", "--election-timeout", "250",
		"--snapshot-count", strconv.Itoa(s.SnapshotCount), "--log-level", "fatal", "--logger", "zap",
		"--backend-batch-interval", s.Batch.String(),
	}
	if v > Oldest {
		args = append(args, "--unsafe-no-fsync")
	}
	if v == Oldest && s.V2 {
		args = append(args, "--enable-v2")
	}
	if cluster == "" {
		cluster = m.Name + "=" + m.Peer
	}
	args = append(args, "--initial-cluster", cluster, "--initial-cluster-state", state)
	m.cmd = exec.Command(Program(servers, v, "server"), args...)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	said, err := os.CreateTemp("", "etcd")
	if err != nil {
		return err
	}
	defer os.Remove(said.Name())
	defer said.Close()
	m.cmd.Stdout, m.cmd.Stderr = said, said
	if err := m.cmd.Start(); err != nil {
		return err
	}
	if err := m.ready(); err != nil {
		text, _ := os.ReadFile(said.Name())
		return fmt.Errorf("%s with etcd %v: %w: %s", m.Name, v, err, strings.TrimSpace(string(text)))
	}
	return nil
}

// ready waits until the member answers a read of its own.
func (m *Member) ready() error {
	var last error
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(30 * time.Millisecond) {
		_, last = m.Revision()
		if last == nil {
			return nil
		}
	}
	return last
}

// Revision is that of the member itself.
func (m *Member) Revision() (int64, error) {
	cli, err := m.Connect()
	if err != nil {
		return 0, err
	}
	defer cli.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	status, err := cli.Status(ctx, m.Client)
	if err != nil {
		return 0, err
	}
	if status.Leader == 0 {
		return 0, errors.New("no leader")
	}
	return status.Header.Revision, nil
}

// ClusterVersion is the version that the cluster agreed on.
func (m *Member) ClusterVersion() (string, error) {
	answer, err := http.Get(m.Client + "/version")
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var versions struct {
		Cluster string `json:"etcdcluster"`
	}
	err = json.NewDecoder(answer.Body).Decode(&versions)
	return versions.Cluster, err
}

// Connect is a client of the member.
func (m *Member) Connect() (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: []string{m.Client}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
}

// Stop ends the process cleanly, or as a power failure would.
func (m *Member) Stop(kill bool) {
	if m.cmd == nil {
		return
	}
	if kill {
		_ = m.cmd.Process.Kill()
	} else {
		_ = m.cmd.Process.Signal(os.Interrupt)
	}
	_ = m.cmd.Wait() // how a stopped process ended is no error of ours
	m.cmd = nil
}
