// Package world makes the objects of a small imaginary cluster. The seed decides names, values and times.
package world

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
)

const (
	alnum = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	lower = "abcdefghijklmnopqrstuvwxyz0123456789"
)

var words = []string{
	"alpaca", "badger", "condor", "dingo", "egret", "falcon", "gecko", "heron", "ibis", "jackal", "koala", "lemur",
	"marten", "newt", "otter", "puffin", "quail", "raven", "stoat", "tapir", "urchin", "vole", "weasel", "yak",
}

// Rand is a stream of seeded randomness.
type Rand struct {
	*rand.Rand
	src *rand.ChaCha8
}

// NewRand returns the stream that belongs to the seed and the label.
func NewRand(seed int, label string) Rand {
	src := rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "%d|%s", seed, label)))
	return Rand{rand.New(src), src}
}

// Bytes returns n bytes.
func (r Rand) Bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = r.src.Read(b) // never fails
	return b
}

// Chars returns n characters of the alphabet.
func (r Rand) Chars(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// Word returns one of a few words.
func (r Rand) Word() string { return words[r.IntN(len(words))] }

// UUID returns a version 4 UUID.
func (r Rand) UUID() string {
	b := r.Bytes(16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Marker is the text by which revision k of object n of a seed is found again.
func Marker(seed, n, k int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "marker|%d|%d|%d", seed, n, k))
	return fmt.Sprintf("CANARY-%d-%d-r%d-%s", seed, n, k, hex.EncodeToString(sum[:8]))
}
