package coord

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// lockFile keeps two servers from using one data directory. ZooKeeper has no
// such file and ignores it; the lock goes with the process that holds it.
const lockFile = "coord.lock"

// lockDirectory takes the lock of a data directory, which it creates if that is
// allowed. Without a directory there is nothing to lock, and opening the data
// will say so.
func lockDirectory(dir string, create bool) (*os.File, error) {
	if create {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("coord: create data directory: %w", err)
		}
	}
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("coord: lock data directory: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("coord: data directory %s is in use by another server (lock on %s): %w", dir, path, err)
	}
	return f, nil
}
