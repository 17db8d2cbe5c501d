package life

import (
	"fmt"
	"net"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

// ServerOptions are the few settings of etcd that lives differ in. Zero means etcd's default.
type ServerOptions struct {
	BatchInterval time.Duration // the backend commits this often
	SnapshotCount uint64        // raft entries between two .snap files
	QuotaBytes    int64
	NoFsync       bool
}

// Server is an etcd server inside this process, on loopback only.
type Server struct {
	Endpoint string
	etcd     *embed.Etcd
}

// StartServer starts etcd on free loopback ports and waits until it is ready.
func StartServer(dir string, o ServerOptions) (*Server, error) {
	client, err := FreeURL()
	if err != nil {
		return nil, err
	}
	peer, err := FreeURL()
	if err != nil {
		return nil, err
	}
	cfg := embed.NewConfig()
	cfg.Name = "member-0"
	cfg.Dir = dir
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.Name + "=" + peer.String()
	cfg.LogLevel = "panic"
	cfg.BcryptCost = 4
	cfg.UnsafeNoFsync = o.NoFsync
	if o.BatchInterval > 0 {
		cfg.BackendBatchInterval = o.BatchInterval
	}
	if o.SnapshotCount > 0 {
		cfg.SnapshotCount = o.SnapshotCount
	}
	if o.QuotaBytes > 0 {
		cfg.QuotaBackendBytes = o.QuotaBytes
	}
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-e.Server.ReadyNotify():
		return &Server{Endpoint: client.Host, etcd: e}, nil
	case err := <-e.Err():
		return nil, fmt.Errorf("etcd: %w", err)
	case <-time.After(30 * time.Second):
		e.Close()
		return nil, fmt.Errorf("etcd was not ready after 30 s")
	}
}

// Stop stops the server cleanly.
func (s *Server) Stop() { s.etcd.Close() }

// FreeURL finds a port by listening on it for a moment.
func FreeURL() (url.URL, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return url.URL{}, err
	}
	defer l.Close()
	return url.URL{Scheme: "http", Host: l.Addr().String()}, nil
}
