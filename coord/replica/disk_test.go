package replica

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kafkacoord/coord/vfs"
)

// blindDisk fails to tell how full it is while it has an error.
type blindDisk struct {
	vfs.FS
	mu    sync.Mutex
	err   error
	asked int
}

func (d *blindDisk) Free(path string) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.err != nil {
		return 0, d.err
	}
	return d.FS.Free(path)
}

func (d *blindDisk) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

func TestErrorsOfTheDiskWatcher(t *testing.T) {
	for _, c := range []struct {
		name  string
		errs  []error // each for a while
		lines int
		ends  bool
	}{
		{"same", []error{errors.New("stale handle")}, 1, false},
		{"changing", []error{errors.New("stale handle"), errors.New("no such device")}, 2, false},
		{"gone and back", []error{errors.New("stale handle"), nil, errors.New("stale handle")}, 2, false},
		{"unsupported", []error{errors.ErrUnsupported}, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer // the handler locks; it is read after the end
				disk := &blindDisk{FS: vfs.NewMemory(), err: c.errs[0]}
				v := start(t, disk, storeOptions(), Options{DiskReserve: 1000, Log: slog.New(slog.NewTextHandler(&log, nil))})
				for _, err := range c.errs {
					disk.fail(err)
					time.Sleep(5 * diskInterval)
				}
				if err := v.stop(); err != nil {
					t.Error(err)
				}
				if got := strings.Count(log.String(), "how full"); got != c.lines {
					t.Errorf("%d lines, want %d:\n%s", got, c.lines, &log)
				}
				if c.ends && disk.asked != 1 {
					t.Errorf("asked %d times", disk.asked)
				}
			})
		})
	}
}
