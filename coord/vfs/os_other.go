//go:build !linux

package vfs

import (
	"errors"
	"os"
)

func syncData(f *os.File) error { return f.Sync() }

// writeBack of a range alone is a call that only Linux has.
func writeBack(f *os.File, _, _ int64) error { return f.Sync() }

// freeBytes is unknown here; callers treat errors.ErrUnsupported as "no limit
// known" and still stop on the write error of a full disk.
func freeBytes(path string) (int64, error) {
	return 0, &os.PathError{Op: "statfs", Path: path, Err: errors.ErrUnsupported}
}
