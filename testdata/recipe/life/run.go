package life

import (
	"errors"
	"os"
)

// Run starts a server with its data in dir, plays the plan, stops the server and returns the record.
func Run(dir, out string, o ServerOptions, ops []Op) ([]Event, error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	srv, err := StartServer(dir, o)
	if err != nil {
		return nil, err
	}
	defer srv.Stop()
	p, err := NewPlayer(srv.Endpoint, out)
	if err != nil {
		return nil, err
	}
	playErr := p.Play(ops)
	events, err := p.Close()
	return events, errors.Join(playErr, err)
}
