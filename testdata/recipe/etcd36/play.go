package main

import (
	"errors"
	"flag"
	"path/filepath"

	"etcd-sleuth.invalid/recipe/etcd36/internal/fixture"
	"etcd-sleuth.invalid/recipe/life"
)

// playCommand plays the life of fixture `plaintext` against a server that runs already, and writes down every event.
func playCommand(args []string) error {
	flags := flag.NewFlagSet("play", flag.ExitOnError)
	endpoint := flags.String("endpoint", "", "of the server")
	out := flags.String("out", "", "directory for events.jsonl and the snapshot")
	seed := flags.Int("seed", 1, "decides names, values and keys")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b := fixture.Plaintext(*seed)
	if b.Err != nil {
		return b.Err
	}
	p, err := life.NewPlayer(*endpoint, *out)
	if err != nil {
		return err
	}
	playErr := p.Play(b.Ops)
	events, err := p.Close()
	return errors.Join(playErr, err, life.WriteLines(filepath.Join(*out, "events.jsonl"), events))
}
