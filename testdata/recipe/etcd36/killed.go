package main

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"etcd-sleuth.invalid/recipe/etcd36/internal/fixture"
	"etcd-sleuth.invalid/recipe/etcd36/internal/truth"
	"etcd-sleuth.invalid/recipe/life"
)

// serveCommand runs a server until it is killed. It prints its endpoint.
func serveCommand(args []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	dir := flags.String("dir", "", "data directory")
	if err := flags.Parse(args); err != nil {
		return err
	}
	srv, err := life.StartServer(*dir, life.ServerOptions{BatchInterval: 300 * time.Millisecond, SnapshotCount: 60})
	if err != nil {
		return err
	}
	fmt.Println(srv.Endpoint)
	select {}
}

// killed plays a life against a server in another process and kills that process (SIGKILL) after the last
// write. It is repeated when the backend happened to commit just then: the WAL is to be ahead.
func killed(m *maker, g group) error {
	var err error
	for range 5 {
		if err = m.killOnce(g); err == nil {
			return nil
		}
		log.Printf("killed: again, because %v", err)
	}
	return err
}

func (m *maker) killOnce(g group) error {
	b := fixture.Killed(m.seed)
	if b.Err != nil {
		return b.Err
	}
	root, err := os.MkdirTemp("", "recipe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	data := filepath.Join(root, "killed")
	events, err := playAndKill(b.Ops, data, m.out)
	if err != nil {
		return err
	}
	if err := copyFile(filepath.Join(data, "member", "snap", "db"), filepath.Join(m.out, "killed.db")); err != nil {
		return err
	}
	files, err := pack(root, filepath.Join(m.out, "killed.dir.tar"))
	if err != nil {
		return err
	}
	raft, err := truth.ReadWAL(filepath.Join(data, "member", "wal"))
	if err != nil {
		return err
	}
	raft.Files = files
	return m.truth(truth.Source{Name: g.names[0], Builder: b, Events: events, Raft: raft, IsOlder: true})
}

func playAndKill(ops []life.Op, data, out string) ([]life.Event, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "serve", "-dir", data)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := func() { // the error of a killed process is what we want
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	line, err := bufio.NewReader(pipe).ReadString('\n')
	if err != nil {
		stop()
		return nil, err
	}
	p, err := life.NewPlayer(strings.TrimSpace(line), out)
	if err != nil {
		stop()
		return nil, err
	}
	playErr := p.Play(ops)
	stop()
	events, err := p.Close()
	return events, errors.Join(playErr, err)
}

// pack writes the tree under root as a tar archive without owners and times.
func pack(root, path string) (files []truth.File, err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	t := tar.NewWriter(f)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Name: rel, Mode: 0o600, Size: info.Size(), Format: tar.FormatUSTAR}); err != nil {
			return err
		}
		src, err := os.Open(path)
		if err != nil {
			return err
		}
		defer src.Close()
		h := sha256.New()
		if _, err := io.Copy(io.MultiWriter(t, h), src); err != nil {
			return err
		}
		files = append(files, truth.File{Path: rel, Size: info.Size(), SHA256: hex.EncodeToString(h.Sum(nil))})
		return nil
	})
	return files, errors.Join(err, t.Close())
}
