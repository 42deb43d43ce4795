package vfs

import (
	"errors"
	"os"
	"syscall"
)

// syncData flushes contents and size, but not the times of the inode, which
// saves a journal write on most file systems.
func syncData(f *os.File) error { return control(f, "fdatasync", syscall.Fdatasync) }

// writeBackFlags wait for earlier writing of the range, start it and wait again.
// Source: sync_file_range(2), whose names package syscall lacks.
const writeBackFlags = 1 | 2 | 4

// writeBack costs neither a flush of the disk's cache nor a commit of the file
// system's journal, which a sync of a growing file does.
func writeBack(f *os.File, from, to int64) error {
	err := control(f, "sync_file_range", func(fd int) error {
		return syscall.SyncFileRange(fd, from, to-from, writeBackFlags)
	})
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) {
		return syncData(f) // a sandbox that has no such call
	}
	return err
}

// control runs a system call on a file, again if a signal interrupts it.
func control(f *os.File, name string, call func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var callErr error
	err = conn.Control(func(fd uintptr) {
		for {
			callErr = call(int(fd))
			if !errors.Is(callErr, syscall.EINTR) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if callErr != nil {
		return &os.PathError{Op: name, Path: f.Name(), Err: callErr}
	}
	return nil
}

func freeBytes(path string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return int64(s.Bavail) * s.Bsize, nil
}
