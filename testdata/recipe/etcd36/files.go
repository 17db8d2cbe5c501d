package main

import (
	"errors"
	"io"
	"os"
	"runtime/debug"
)

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

// versions are those of the modules this program was built from.
func versions() map[string]string {
	names := map[string]string{"go.etcd.io/etcd/server/v3": "etcd", "go.etcd.io/bbolt": "bbolt", "k8s.io/apiserver": "apiserver"}
	found := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if n := names[d.Path]; n != "" {
				found[n] = d.Version[1:]
			}
		}
	}
	return found
}
