// Command etcd35 plays a plan with the etcd 3.5 server. It knows nothing of Kubernetes or encryption.
package main

import (
	"encoding/json"
	"flag"
	"log"
	"os"
	"runtime/debug"
	"time"

	"etcd-sleuth.invalid/recipe/life"
)

func main() {
	plan := flag.String("plan", "", "operations, one JSON object a line")
	dir := flag.String("dir", "", "data directory of the server (new)")
	out := flag.String("out", "", "directory for snapshots")
	events := flag.String("events", "", "record of every write event")
	versions := flag.Bool("versions", false, "print the versions of etcd and bbolt as JSON and end")
	flag.Parse()
	if *versions {
		printVersions()
		return
	}
	ops, err := life.ReadLines[life.Op](*plan)
	if err != nil {
		log.Fatal(err)
	}
	record, err := life.Run(*dir, *out, life.ServerOptions{BatchInterval: 20 * time.Millisecond}, ops)
	if err != nil {
		log.Fatal(err)
	}
	if err := life.WriteLines(*events, record); err != nil {
		log.Fatal(err)
	}
}

func printVersions() {
	names := map[string]string{"go.etcd.io/etcd/server/v3": "etcd", "go.etcd.io/bbolt": "bbolt"}
	found := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if n := names[d.Path]; n != "" {
				found[n] = d.Version[1:]
			}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}
