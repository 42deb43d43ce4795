package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// TestTruncate cuts a history of several files and snapshots at every zxid.
func TestTruncate(t *testing.T) {
	const total, epochStart = 20, 1 << 32
	prepare := func(t *testing.T) (*vfs.Memory, *history, *Store) {
		fsys, h := vfs.NewMemory(), newHistory(3)
		s, _ := mustOpen(t, fsys, testOptions())
		for range total / 5 {
			from := len(h.entries)
			h.grow(5)
			must(t, s.Append(h.entries[from:]))
			s.Roll()
			must(t, s.WriteSnapshot(context.Background(), h.snapshot()))
		}
		return fsys, h, s
	}
	for target := wire.Zxid(0); target <= total; target++ {
		fsys, h, s := prepare(t)
		r, err := s.Truncate(target)
		if err != nil {
			t.Fatalf("truncate to %v: %v", target, err)
		}
		h.check(t, r)
		if r.LastZxid != target || s.LastZxid() != target {
			t.Fatalf("truncate to %v: at %v", target, r.LastZxid)
		}
		if r.SnapshotZxid != target/5*5 {
			t.Fatalf("truncate to %v: from snapshot %v", target, r.SnapshotZxid)
		}
		fsys.Crash(0)
		s, r = mustOpen(t, fsys, testOptions())
		if r.LastZxid != target {
			t.Fatalf("truncate to %v: after a restart at %v", target, r.LastZxid)
		}
		goOn(t, fsys, testOptions(), s, r)
	}
	for _, target := range []wire.Zxid{total + 1, epochStart + 1, -1} {
		fsys, _, s := prepare(t)
		before := fileNames(t, fsys, "/data/version-2")
		if _, err := s.Truncate(target); !errors.Is(err, ErrUnreachable) {
			t.Fatalf("truncate to %v: %v", target, err)
		}
		if got := fileNames(t, fsys, "/data/version-2"); len(got) != len(before) {
			t.Errorf("truncate to %v changed the files", target)
		}
		must(t, s.Append([]Entry{entry(total + 1)}))
		must(t, s.Sync())
	}
}

// TestTruncateAvoidsLaterState uses an older snapshot when the nearest one
// shows changes behind the target, as fuzzy snapshots can.
func TestTruncateAvoidsLaterState(t *testing.T) {
	fsys, h := vfs.NewMemory(), newHistory(3)
	s, _ := mustOpen(t, fsys, testOptions())
	h.grow(10)
	must(t, s.Append(h.entries))
	must(t, s.WriteSnapshot(context.Background(), h.snapshot()))
	must(t, fsys.Rename("/data/version-2/snapshot.a", "/data/version-2/snapshot.4"))
	r, err := s.Truncate(6)
	must(t, err)
	h.check(t, r)
	if r.SnapshotZxid != 0 || r.LastZxid != 6 {
		t.Errorf("recovered %+v", r)
	}
}

func TestEpochs(t *testing.T) {
	const second = 2 << 32
	cases := map[string]struct {
		files map[string]string
		last  wire.Zxid
		want  Epochs
		fails bool
	}{
		"fresh":             {nil, 0, Epochs{0, 0}, false},
		"none of 3.4":       {nil, second + 5, Epochs{2, 2}, false},
		"both":              {map[string]string{"acceptedEpoch": "4", "currentEpoch": "3"}, second, Epochs{4, 3}, false},
		"first line counts": {map[string]string{"acceptedEpoch": "4\nx", "currentEpoch": "3\r\n"}, 0, Epochs{4, 3}, false},
		"accepted is less":  {map[string]string{"acceptedEpoch": "2", "currentEpoch": "3"}, second, Epochs{}, true},
		"interrupted": {
			map[string]string{"acceptedEpoch": "2", "currentEpoch": "1", "currentEpoch.tmp": "2"},
			second + 1,
			Epochs{2, 2},
			false,
		},
		"current is behind":         {map[string]string{"acceptedEpoch": "2", "currentEpoch": "1"}, second + 1, Epochs{2, 2}, false},
		"both are behind":           {map[string]string{"acceptedEpoch": "1", "currentEpoch": "1"}, second + 1, Epochs{}, true},
		"interrupted, still behind": {map[string]string{"currentEpoch": "0", "currentEpoch.tmp": "1"}, second + 1, Epochs{}, true},
		"no number":                 {map[string]string{"acceptedEpoch": " 2"}, 0, Epochs{}, true},
		"empty":                     {map[string]string{"currentEpoch": ""}, 0, Epochs{}, true},
	}
	for name, c := range cases {
		fsys := vfs.NewMemory()
		s, _ := mustOpen(t, fsys, testOptions())
		s.log.last = c.last
		// In order: writing a file goes by way of its name with .tmp, which must
		// not take the place of one that stands there already.
		for _, file := range slices.Sorted(maps.Keys(c.files)) {
			putFile(t, fsys, "/data/version-2/"+file, []byte(c.files[file]))
		}
		got, err := s.Epochs()
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if c.fails {
			continue
		}
		fsys.Crash(0)
		if again, err := s.Epochs(); again != c.want || err != nil {
			t.Errorf("%s, again: %+v, %v", name, again, err)
		}
	}

	fsys := vfs.NewMemory()
	s, _ := mustOpen(t, fsys, testOptions())
	must(t, s.SetAcceptedEpoch(7))
	must(t, s.SetCurrentEpoch(6))
	fsys.Crash(0)
	if got := string(fileContent(t, fsys, "/data/version-2/acceptedEpoch")); got != "7" {
		t.Errorf("acceptedEpoch is %q", got)
	}
	if got, err := s.Epochs(); got != (Epochs{7, 6}) || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}
