package random

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// version is a release of etcd: 34 is 3.4.
type version int

const (
	oldest version = 34
	newest version = 37
)

func (v version) String() string { return fmt.Sprintf("3.%d", int(v)%10) }

// member is a server of another process, on loopback only.
type member struct {
	name   string
	dir    string
	client string
	peer   string
	cmd    *exec.Cmd
}

// settings are what the lives differ in.
type settings struct {
	snapshotCount int           // raft entries between two .snap files
	batch         time.Duration // the backend commits this often
	v2            bool          // 3.4 serves the v2 API
}

func newMember(name, dir string) (*member, error) {
	client, err := freeAddress()
	if err != nil {
		return nil, err
	}
	peer, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return &member{name: name, dir: dir, client: "http://" + client, peer: "http://" + peer}, nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// program is one of a version: server, etcdctl or etcdutl.
func program(servers string, v version, name string) string {
	if v == oldest && name == "server" {
		name = "etcd"
	}
	return filepath.Join(servers, fmt.Sprintf("etcd%d", int(v)), name)
}

// start starts the server and waits until it answers. cluster is the initial cluster, "" where the directory knows it.
func (m *member) start(servers string, v version, s settings, cluster, state string) error {
	args := []string{
		"--name", m.name, "--data-dir", m.dir,
		"--listen-client-urls", m.client, "--advertise-client-urls", m.client,
		"--listen-peer-urls", m.peer, "--initial-advertise-peer-urls", m.peer,
		"--heartbeat-interval", "25", "--election-timeout", "250",
		"--snapshot-count", strconv.Itoa(s.snapshotCount), "--log-level", "fatal", "--logger", "zap",
		"--backend-batch-interval", s.batch.String(),
	}
	if v > oldest {
		args = append(args, "--unsafe-no-fsync")
	}
	if v == oldest && s.v2 {
		args = append(args, "--enable-v2")
	}
	if cluster == "" {
		cluster = m.name + "=" + m.peer
	}
	args = append(args, "--initial-cluster", cluster, "--initial-cluster-state", state)
	m.cmd = exec.Command(program(servers, v, "server"), args...)
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
		return fmt.Errorf("%s with etcd %v: %w: %s", m.name, v, err, strings.TrimSpace(string(text)))
	}
	return nil
}

// ready waits until the member answers a read of its own.
func (m *member) ready() error {
	var last error
	for until := time.Now().Add(30 * time.Second); time.Now().Before(until); time.Sleep(30 * time.Millisecond) {
		_, last = m.revision()
		if last == nil {
			return nil
		}
	}
	return last
}

// revision is that of the member itself.
func (m *member) revision() (int64, error) {
	cli, err := m.connect()
	if err != nil {
		return 0, err
	}
	defer cli.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	status, err := cli.Status(ctx, m.client)
	if err != nil {
		return 0, err
	}
	if status.Leader == 0 {
		return 0, errors.New("no leader")
	}
	return status.Header.Revision, nil
}

// clusterVersion is the version that the cluster agreed on.
func (m *member) clusterVersion() (string, error) {
	answer, err := http.Get(m.client + "/version")
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

func (m *member) connect() (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: []string{m.client}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
}

// stop ends the process cleanly, or as a power failure would.
func (m *member) stop(kill bool) {
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
