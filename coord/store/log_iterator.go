package store

import (
	"errors"
	"fmt"
	"io"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// LogIterator reads the transactions of a log directory across its files.
type LogIterator struct {
	fs        vfs.FS
	recordMax int
	from      wire.Zxid
	files     []FileInfo // still to be opened, oldest first
	current   *LogFile
	lastFile  *LogFile // the one that ended last; already closed
}

// ReadLog iterates over the records with a zxid of at least from in a
// version-2 log directory, oldest first. If the first one has a greater zxid,
// the history before it is gone. recordMax is as in [OpenLogFile].
//
// It may run while a store appends to the directory. It then sees at least
// what was synced before the call; the reader must stop at a zxid that it
// knows to be durable.
func ReadLog(fsys vfs.FS, dir string, from wire.Zxid, recordMax int) (*LogIterator, error) {
	files, err := ListLogs(fsys, dir)
	if err != nil {
		return nil, err
	}
	return &LogIterator{fs: fsys, recordMax: recordMax, from: from, files: logsFrom(files, from)}, nil
}

// logsFrom drops the files that cannot hold records with a zxid of at least
// from: all before the last one whose name is not greater (a name is the zxid
// of the first record).
func logsFrom(files []FileInfo, from wire.Zxid) []FileInfo {
	first := 0
	for i, f := range files {
		if f.Zxid <= from {
			first = i
		}
	}
	return files[first:]
}

// Next returns the next record, io.EOF after the last one, or the error of
// [LogFile.Next]; a file that is too short to have a header is an error
// except at the very end, where a crash can leave one.
func (it *LogIterator) Next() (Record, error) {
	for {
		if it.current == nil {
			if err := it.open(); err != nil {
				return Record{}, err
			}
		}
		r, err := it.current.Next()
		switch {
		case err == nil && r.Zxid < it.from:
			continue
		case err == nil:
			return r, nil
		case !errors.Is(err, io.EOF):
			return Record{}, err
		}
		it.lastFile = it.current
		it.current = nil
		if err := it.lastFile.Close(); err != nil {
			return Record{}, err
		}
	}
}

// Close releases the open file, if any.
func (it *LogIterator) Close() error {
	it.files = nil
	if it.current == nil {
		return nil
	}
	l := it.current
	it.current = nil
	return l.Close()
}

func (it *LogIterator) open() error {
	if len(it.files) == 0 {
		return io.EOF
	}
	f := it.files[0]
	if len(it.files) == 1 {
		unborn, err := isUnborn(it.fs, f.Path)
		if err != nil {
			return err
		}
		if unborn {
			it.files = nil
			return io.EOF
		}
	}
	l, err := OpenLogFile(it.fs, f.Path, it.recordMax)
	if err != nil {
		return err
	}
	it.files, it.current = it.files[1:], l
	return nil
}

// isUnborn tells whether a log file holds nothing but a part of its header and
// zeroes: power was lost before its first record could have been synced.
func isUnborn(fsys vfs.FS, path string) (bool, error) {
	file, err := fsys.Open(path)
	if err != nil {
		return false, fmt.Errorf("store: open log: %w", err)
	}
	defer func() { _ = file.Close() }() // only read from
	header := appendLogHeader(nil)
	buffer := make([]byte, readBufferBytes)
	torn := false // a byte of the header is missing
	for offset := 0; ; {
		n, err := file.Read(buffer)
		for i, b := range buffer[:n] {
			switch at := offset + i; {
			case at < len(header) && b == 0 && header[at] != 0:
				torn = true
			case at < len(header) && b != header[at], at >= len(header) && b != 0:
				return false, nil
			}
		}
		offset += n
		if (offset >= len(header) && !torn) || errors.Is(err, io.EOF) {
			// A whole header makes a whole, if empty, file.
			return torn || offset < len(header), nil
		}
		if err != nil {
			return false, fmt.Errorf("store: read %s: %w", path, err)
		}
	}
}
