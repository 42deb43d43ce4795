package prep

import (
	"fmt"
	"testing"
)

// Many paths with few hashes, so that chains are long, and the table grows.
func TestChanges(t *testing.T) {
	table := newChanges()
	all := make(map[string]*change)
	for i := range 1000 {
		c := &change{path: fmt.Sprint("/", i), hash: uint32(i % 7 << 28)}
		all[c.path] = c
		table.add(c)
	}
	check := func() {
		t.Helper()
		if table.count != len(all) {
			t.Fatalf("%d changes, want %d", table.count, len(all))
		}
		for i := range 1000 {
			path := fmt.Sprint("/", i)
			if got := table.find(path, uint32(i%7<<28)); got != all[path] {
				t.Fatalf("%s: found %v, want %v", path, got, all[path])
			}
		}
	}
	check()
	for i := range 1000 {
		if path := fmt.Sprint("/", i); i%3 == 0 {
			table.remove(all[path])
			delete(all, path)
		}
	}
	check()
	if table.find("/1", 0) != nil {
		t.Error("found under the hash of another path")
	}
}
