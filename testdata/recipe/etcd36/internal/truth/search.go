package truth

import (
	"bytes"
	"regexp"
)

// minLength is the length from which a value is searched for: a shorter one could be there by chance.
const minLength = 24

const probeLength = 16

// search finds every occurrence of every value by its bytes. It slides over all offsets of the file and
// compares the whole value wherever the 16 bytes from its middle stand.
func search(data []byte, values map[int][]byte) []Occurrence {
	probes := map[[probeLength]byte][]int{}
	for w, v := range values {
		if len(v) >= minLength {
			p := [probeLength]byte(v[len(v)/2-8:])
			probes[p] = append(probes[p], w)
		}
	}
	var found []Occurrence
	for i := 0; i+probeLength <= len(data); i++ {
		for _, w := range probes[[probeLength]byte(data[i:])] {
			v := values[w]
			start := i - (len(v)/2 - 8)
			if start >= 0 && start+len(v) <= len(data) && bytes.Equal(data[start:start+len(v)], v) {
				found = append(found, Occurrence{w, int64(start), len(v)})
			}
		}
	}
	return found
}

var markerPattern = regexp.MustCompile(`CANARY-\d+-\d+-r\d+-[0-9a-f]{16}`)

func findMarkers(data []byte) []MarkerAt {
	found := []MarkerAt{}
	for _, m := range markerPattern.FindAllIndex(data, -1) {
		found = append(found, MarkerAt{string(data[m[0]:m[1]]), int64(m[0])})
	}
	return found
}
