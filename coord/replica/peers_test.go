package replica

import (
	"path/filepath"
	"testing"

	"kafkacoord/coord/store"
	"kafkacoord/coord/vfs"
)

// TestOnlyChangedEpochsAreWritten removes the epoch files, so that those that are
// there afterwards were written.
func TestOnlyChangedEpochsAreWritten(t *testing.T) {
	fs := vfs.NewMemory()
	s, _, err := store.Open(fs, storeOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	w := newLogWriter(nil, s)
	for _, test := range []struct {
		epochs            store.Epochs
		accepted, current bool // is written
	}{
		{store.Epochs{Accepted: 0, Current: 0}, true, true}, // what the disk has is not known yet
		{store.Epochs{Accepted: 1, Current: 0}, true, false},
		{store.Epochs{Accepted: 1, Current: 1}, false, true},
		{store.Epochs{Accepted: 1, Current: 1}, false, false},
		{store.Epochs{Accepted: 3, Current: 2}, true, true},
	} {
		if err := w.setEpochs(test.epochs); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]bool{"acceptedEpoch": test.accepted, "currentEpoch": test.current} {
			path := filepath.Join("/data", "version-2", name)
			if err := fs.Remove(path); (err == nil) != want {
				t.Errorf("%+v: %s was written: %v, want %v", test.epochs, name, err == nil, want)
			}
		}
	}
}
