package main

import (
	"flag"
	"os"

	"etcd-sleuth.invalid/recipe/etcd36/internal/random"
)

// lifeCommand plays one random life against real servers, and says what each file and directory of it holds: one line of
// JSON an evidence.
func lifeCommand(args []string) error {
	flags := flag.NewFlagSet("life", flag.ExitOnError)
	seed := flags.Uint64("seed", 1, "decides versions and operations")
	servers := flags.String("servers", "", "directory with the programs of each version: etcd34/ to etcd37/")
	out := flags.String("out", "", "directory for the evidence")
	if err := flags.Parse(args); err != nil {
		return err
	}
	return random.Play(*seed, *servers, *out, os.Stdout)
}
