package truth

import (
	"bytes"
	"fmt"
	"sort"

	"etcd-sleuth.invalid/recipe/etcd36/internal/fixture"
	"etcd-sleuth.invalid/recipe/life"
)

// checker compares what different witnesses say. It counts what held; its first error sticks.
type checker struct {
	t      *Truth
	data   []byte // without trailer
	source Source
	err    error
	live   map[int64]int // offset of a retained value: its write
}

func (c *checker) hold(what string, ok bool, format string, args ...any) {
	if ok {
		c.t.SelfChecks[what]++
	} else if c.err == nil {
		c.err = fmt.Errorf("self-check %q: %s", what, fmt.Sprintf(format, args...))
	}
}

// writes lists every event with what its maker knew, and opens every encrypted value again.
func (c *checker) writes() {
	facts := c.source.Builder.Facts()
	seen := map[string]int{}
	for i, e := range c.source.Events {
		w := Write{W: i, Op: "put", Mod: e.Mod, Sub: e.Sub, Create: e.Create, Version: e.Version, Lease: e.Lease, ValueLen: len(e.Value)}
		if text, ok := fixture.KeyText(e.Key); ok {
			w.Key = &text
		} else {
			w.KeyBase64 = e.Key
		}
		if e.Delete {
			w.Op = "delete"
			c.t.Writes = append(c.t.Writes, w)
			continue
		}
		sum := hexsum(e.Value)
		w.ValueSHA256 = &sum
		f := facts[fixture.ValueID(e.Key, e.Value)]
		c.hold("every value of the record was planned", f != nil, "revision %d, key %q", e.Mod, e.Key)
		if f != nil {
			w.Facts, w.Form = *f, &f.Form
			c.content(e, f)
		}
		if len(e.Value) >= minLength {
			first, dup := seen[string(e.Value)]
			c.hold("no two writes of 24 bytes or more have the same value", !dup, "writes %d and %d", first, i)
			seen[string(e.Value)] = i
		}
		c.t.Writes = append(c.t.Writes, w)
	}
}

// content compares a value with the facts about it.
func (c *checker) content(e life.Event, f *life.Facts) {
	plain := e.Value
	if f.Form == "encrypted" && f.PlaintextSHA256 != nil {
		opened, err := c.source.Builder.Ring.Open(e.Key, e.Value)
		c.hold("every encrypted value opens with the keys of the truth", err == nil, "%q: %v", e.Key, err)
		c.hold("its marker is not in its ciphertext", f.Marker == nil || !bytes.Contains(e.Value, []byte(*f.Marker)), "%q", e.Key)
		plain = opened
	}
	if f.PlaintextSHA256 != nil {
		c.hold("the plaintext is the planned one", hexsum(plain) == *f.PlaintextSHA256 && len(plain) == *f.PlaintextLen, "%q", e.Key)
	}
	if f.Marker != nil {
		c.hold("the plaintext holds its marker", bytes.Contains(plain, []byte(*f.Marker)), "%q: %s", e.Key, *f.Marker)
	}
}

type revision struct {
	mod int64
	sub int
}

// expected applies etcd's compaction rule to the record: what should the tree hold?
func (c *checker) expected() (want map[revision]int, newest map[string]int) {
	want, newest = map[revision]int{}, map[string]int{}
	below := map[string]int{} // newest write of a key up to the compaction
	for i, e := range c.source.Events {
		if e.Mod > c.t.Revision {
			break
		}
		newest[string(e.Key)] = i
		if e.Mod > c.t.Finished {
			want[revision{e.Mod, e.Sub}] = i
		} else {
			below[string(e.Key)] = i
		}
	}
	for _, i := range below {
		if e := c.source.Events[i]; !e.Delete || e.Mod == c.t.Finished {
			want[revision{e.Mod, e.Sub}] = i
		}
	}
	return want, newest
}

// retained compares bucket "key", as bbolt returns it, with the record.
func (c *checker) retained(entries []entry) {
	entries = c.bump(entries)
	events := c.source.Events
	if len(entries) > 0 {
		c.t.Revision = max(c.t.Revision, entries[len(entries)-1].main)
	}
	if n := len(events); n > 0 && c.t.BumpMarker == nil {
		last := events[n-1].Mod
		c.hold("the file ends where the record ends", c.t.Revision == last || c.source.IsOlder && c.t.Revision < last, "%d and %d", c.t.Revision, last)
	}
	want, newest := c.expected()
	c.live = map[int64]int{}
	for _, e := range entries {
		i, ok := want[revision{e.main, int(e.sub)}]
		c.hold("every entry of the tree is one that etcd's compaction rule leaves", ok, "%d_%d", e.main, e.sub)
		if !ok {
			continue
		}
		delete(want, revision{e.main, int(e.sub)})
		c.t.Retained = append(c.t.Retained, c.retainedAs(e, i, newest))
	}
	c.hold("every revision that the rule leaves is in the tree", len(want) == 0, "%d are missing", len(want))
	for key, i := range newest {
		if events[i].Delete {
			continue
		}
		c.t.KeysCurrent++
		if key == c.source.Builder.Prefix+"/namespaces/kube-system" {
			c.t.KubeSystemUID = &c.source.Builder.World.KubeSystemUID
		}
	}
}

func (c *checker) retainedAs(e entry, i int, newest map[string]int) Retained {
	ev := c.source.Events[i]
	same := e.tombstone == ev.Delete && bytes.Equal(e.kv.Key, ev.Key) && bytes.Equal(e.kv.Value, ev.Value)
	if !ev.Delete {
		same = same && e.kv.CreateRevision == ev.Create && e.kv.ModRevision == ev.Mod && e.kv.Version == ev.Version && e.kv.Lease == ev.Lease
	}
	c.hold("an entry of the tree equals the event of the record", same, "%d_%d", e.main, e.sub)
	if ev.Delete {
		return Retained{W: i, Tombstone: true, Offset: e.offset}
	}
	r := Retained{W: i, Retention: "superseded", Offset: e.offset, Length: len(ev.Value)}
	switch last := newest[string(ev.Key)]; {
	case last == i:
		r.Retention = "current"
	case c.source.Events[last].Delete:
		r.Retention = "deleted"
	}
	if len(ev.Value) > 0 {
		r.Offset = e.valueOffset
		end := r.Offset + int64(r.Length)
		c.hold("the value is at its place in the file", e.valueOffset > 0 && bytes.Equal(c.data[r.Offset:end], ev.Value), "write %d", i)
		c.live[r.Offset] = i
	}
	return r
}

// bump takes out the entry that a restore with a revision bump adds.
func (c *checker) bump(entries []entry) []entry {
	n := len(entries)
	if n == 0 || !entries[n-1].empty {
		return entries
	}
	c.t.BumpMarker = &Bump{entries[n-1].main, entries[n-1].offset}
	c.t.Revision = entries[n-1].main
	return entries[:n-1]
}

// places searches for every value and tells the live place from every other.
func (c *checker) places() {
	values := map[int][]byte{}
	for i, e := range c.source.Events {
		values[i] = e.Value
	}
	reachable := map[int64]bool{}
	for _, p := range c.t.Pages {
		for k := 0; p.Type != "free" && k <= p.Overflow; k++ {
			reachable[int64(p.ID+k)] = true
		}
	}
	found := map[int64]bool{}
	size := int64(c.t.PageSize)
	whole := search(c.data, values)
	for _, o := range whole {
		if w, ok := c.live[o.Offset]; ok && w == o.W {
			found[o.Offset] = true
			continue
		}
		for p := o.Offset / size; p <= (o.Offset+int64(o.Length)-1)/size; p++ {
			c.hold("no page of a value outside the tree is reachable", !reachable[p], "write %d at %d", o.W, o.Offset)
		}
		c.t.Elsewhere = append(c.t.Elsewhere, o)
	}
	for offset, w := range c.live {
		if len(values[w]) >= minLength {
			c.hold("the search found every retained value at bbolt's place", found[offset], "write %d at %d", w, offset)
		}
	}
	sort.Slice(c.t.Elsewhere, func(i, j int) bool { return c.t.Elsewhere[i].Offset < c.t.Elsewhere[j].Offset })
	c.t.Pieces = pieces(c.data, values, whole)
	for _, piece := range c.t.Pieces {
		for p := piece.Offset / size; p <= (piece.Offset+int64(piece.Length)-1)/size; p++ {
			c.hold("no page of a piece of a value is reachable", !reachable[p], "write %d at %d", piece.W, piece.Offset)
		}
	}
	c.t.Markers = findMarkers(c.data)
}

// library compares the numbers of bbolt, of etcdutl and of the record.
func (c *checker) library() {
	t := c.t
	c.hold("bbolt check finds nothing", len(t.Check) == 0, "%v", t.Check)
	free := 0
	for _, p := range t.Pages {
		if p.Type == "free" {
			free++
		}
	}
	c.hold("pages called free: as many as bbolt's counter says", free == t.FreePages, "%d and %d", free, t.FreePages)
	c.hold("etcdutl's revision", t.Status.Revision == t.Revision, "%d and %d", t.Status.Revision, t.Revision)
	c.hold("etcdutl's size", t.Status.TotalSize == t.HighWaterMark*int64(t.PageSize), "%d", t.Status.TotalSize)
	keys := t.KeysCurrent
	if t.BumpMarker != nil { // etcdutl counts it as a key without a name
		keys++
	}
	c.hold("etcdutl's number of keys", t.Status.TotalKey == keys, "%d and %d", t.Status.TotalKey, keys)
	c.hold("etcdutl's storage version", t.Status.Version == t.StorageVersion, "%q and %q", t.Status.Version, t.StorageVersion)
	if t.Trailer == "match" {
		c.hold("a snapshot is as long as its pages", int64(len(c.data)) == t.Status.TotalSize, "%d", len(c.data))
	}
}
