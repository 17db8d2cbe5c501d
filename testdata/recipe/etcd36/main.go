// Command etcd36 makes the fixtures of etcd-sleuth, with etcd 3.6 in this process and other versions in processes of their own.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: etcd36 make|big|lay|serve|play|random|life|seal|describe|accept [flags]")
	}
	var err error
	switch os.Args[1] {
	case "make":
		err = makeCommand(os.Args[2:])
	case "big":
		err = bigCommand(os.Args[2:])
	case "lay":
		err = layCommand(os.Args[2:])
	case "serve":
		err = serveCommand(os.Args[2:])
	case "play":
		err = playCommand(os.Args[2:])
	case "random":
		err = randomCommand(os.Args[2:])
	case "life":
		err = lifeCommand(os.Args[2:])
	case "seal":
		err = sealCommand(os.Args[2:])
	case "describe":
		err = describeCommand(os.Args[2:])
	case "accept":
		err = acceptCommand(os.Args[2:])
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	if err != nil {
		log.Fatal(err)
	}
}

func makeCommand(args []string) error {
	var m maker
	fs := flag.NewFlagSet("make", flag.ExitOnError)
	fs.IntVar(&m.seed, "seed", 1, "decides names, values and keys")
	fs.StringVar(&m.out, "out", "", "directory for <name>.db and <name>.truth.json")
	fs.StringVar(&m.servers, "servers", "", "directory with the programs of each version: etcd34/ to etcd37/")
	only := fs.String("only", "", "make only the fixture of this name")
	if err := fs.Parse(args); err != nil {
		return err
	}
	return m.all(*only)
}
