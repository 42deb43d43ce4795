package vfs

import (
	"io"
	"time"
)

// FS is a file system. Paths are those of path/filepath. Errors satisfy
// errors.Is with io/fs.ErrNotExist and io/fs.ErrExist where these apply.
// All methods may be called from any goroutine.
type FS interface {
	// Create opens a file for reading and writing and empties it, or makes it.
	// The name is durable only after SyncDir of its directory.
	Create(name string) (File, error)
	// Open opens an existing file for reading only.
	Open(name string) (File, error)
	// OpenWrite opens an existing file for reading and writing, positioned at
	// its start, contents untouched.
	OpenWrite(name string) (File, error)
	// Rename replaces newName by oldName atomically. It is durable only after
	// SyncDir of the directory.
	Rename(oldName, newName string) error
	// Remove deletes a file or an empty directory.
	Remove(name string) error
	// ReadDir lists a directory, sorted by name.
	ReadDir(dir string) ([]Info, error)
	// MkdirAll makes a directory and its missing parents.
	MkdirAll(dir string) error
	// Stat describes one file or directory.
	Stat(name string) (Info, error)
	// SyncDir makes the entries of a directory durable.
	SyncDir(dir string) error
	// Free is the number of bytes that an unprivileged process may still write
	// to the file system that holds path.
	Free(path string) (int64, error)
}

// File is an open file. Its methods belong to one goroutine at a time, except
// ReadAt, which may run in parallel with anything but Close.
type File interface {
	io.Reader
	io.ReaderAt
	// Writer writes at the position, which Read and Write advance.
	io.Writer
	io.Closer
	// Truncate sets the size; growing adds zeroes. The position stays.
	Truncate(size int64) error
	// Allocate grows the file to size bytes with zeroes that need not occupy
	// disk blocks, as ZooKeeper's preallocation does; it never shrinks a file
	// and never moves the position (ZooKeeper: FilePadding.java).
	Allocate(size int64) error
	// Zero writes zeroes from one offset up to another, both within the size of
	// the file, so that disk blocks are there before they are needed: a sync
	// after a write that finds its blocks is several times as fast as one that
	// must first record new blocks. The position stays.
	Zero(from, to int64) error
	// WriteBack has the disk write what stands between two offsets now and waits
	// for it, so that later syncs, of other files as well, find little left to
	// do. It promises no durability: only Sync does.
	WriteBack(from, to int64) error
	// Sync makes the contents and the size durable (fdatasync).
	Sync() error
	// Size is the present length in bytes.
	Size() (int64, error)
}

// Info describes a file or directory.
type Info struct {
	Name    string    // last element of the path
	Size    int64     // bytes; 0 for directories
	Dir     bool      // whether it is a directory
	ModTime time.Time // last change; the zero time on [Memory]
}
