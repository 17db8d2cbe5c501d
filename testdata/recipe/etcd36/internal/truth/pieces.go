package truth

import (
	"cmp"
	"slices"
)

// A probe of probeLen bytes is taken at every step of a value: any run of minPiece bytes holds one.
const (
	pieceProbe = 48
	pieceStep  = 16
	minPiece   = pieceProbe + pieceStep
)

// run is bytes of the file that equal bytes of a value.
type run struct {
	w          int
	start, end int // in the file
	from       int // in the value
}

// pieces finds what is there of values that are not there whole: the longest runs of bytes that equal a part of a value.
// Nothing within a whole occurrence counts, and nothing within a longer run.
func pieces(data []byte, values map[int][]byte, whole []Occurrence) []Piece {
	found := []Piece{}
	for _, r := range longest(outside(runs(data, values), whole)) {
		found = append(found, Piece{W: r.w, Offset: int64(r.start), ValueOffset: r.from, Length: r.end - r.start, Start: r.from == 0})
	}
	return found
}

// runs slides over all offsets of the file and extends every probe that it meets in both directions.
func runs(data []byte, values map[int][]byte) (found []run) {
	type place struct{ w, at int }
	probes := map[[pieceProbe]byte][]place{}
	for w, v := range values {
		for at := 0; at+pieceProbe <= len(v); at += pieceStep {
			if p := [pieceProbe]byte(v[at:]); p != [pieceProbe]byte{} {
				probes[p] = append(probes[p], place{w, at})
			}
		}
	}
	seen := map[place]int{} // where a value that begins at this offset was already followed to
	for i := 0; i+pieceProbe <= len(data); i++ {
		for _, p := range probes[[pieceProbe]byte(data[i:])] {
			begin := place{p.w, i - p.at}
			if i < seen[begin] {
				continue
			}
			v, r := values[p.w], run{w: p.w, start: i, end: i, from: p.at}
			for r.from > 0 && r.start > 0 && data[r.start-1] == v[r.from-1] {
				r.start, r.from = r.start-1, r.from-1
			}
			for at := p.at; at < len(v) && r.end < len(data) && data[r.end] == v[at]; at++ {
				r.end++
			}
			seen[begin] = r.end
			found = append(found, r)
		}
	}
	return found
}

// outside takes whole occurrences out of the runs.
func outside(found []run, whole []Occurrence) (left []run) {
	slices.SortFunc(whole, func(a, b Occurrence) int { return cmp.Compare(a.Offset, b.Offset) })
	for _, r := range found {
		for _, o := range whole {
			if begin, end := int(o.Offset), int(o.Offset)+o.Length; begin < r.end && end > r.start {
				if before := begin - r.start; before >= minPiece {
					left = append(left, run{r.w, r.start, begin, r.from})
				}
				skip := min(end, r.end) - r.start
				r.start, r.from = r.start+skip, r.from+skip
			}
		}
		if r.end-r.start >= minPiece {
			left = append(left, r)
		}
	}
	return left
}

// longest drops runs that lie within another.
func longest(found []run) (kept []run) {
	slices.SortFunc(found, func(a, b run) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(a.w, b.w), cmp.Compare(a.from, b.from))
	})
	reached := 0
	for _, r := range found {
		if r.end > reached {
			reached = r.end
			kept = append(kept, r)
		}
	}
	return kept
}
