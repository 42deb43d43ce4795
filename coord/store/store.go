package store

import (
	"errors"
	"fmt"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

var errClosed = errors.New("it is closed")

// Store is an open data directory. See the package comment for who may call
// what.
type Store struct {
	fs      vfs.FS
	options Options
	log     logWriter
}

// Open recovers what the directories hold, repairs what a power loss left
// half-done, and returns a store that appends after it.
//
// An empty data directory becomes an empty tree with zxid 0 and a snapshot.0,
// unless the options forbid it; then Recovered.LastZxid is -1.
//
// Errors are final and name a file: [*CorruptionError] for damage, [*GapError]
// for missing transactions, [ErrMixedDirectories] and [ErrNoSnapshot] for
// directories that are not what they should be.
func Open(fsys vfs.FS, o Options) (*Store, *Recovered, error) {
	o = o.withDefaults()
	if err := prepareDirectories(fsys, o, true); err != nil {
		return nil, nil, err
	}
	if err := removeTemporaries(fsys, o.snapshotDir()); err != nil {
		return nil, nil, err
	}
	if err := finishInstall(fsys, o); err != nil {
		return nil, nil, err
	}
	r, err := recoverFiles(fsys, o, recoverRepair)
	if err != nil {
		return nil, nil, err
	}
	s := &Store{fs: fsys, options: o}
	s.reset(r.LastZxid)
	return s, r, nil
}

func (s *Store) reset(last wire.Zxid) {
	s.log = logWriter{
		fs: s.fs, options: s.options, last: last, roller: newRoller(s.options), buffer: s.log.buffer,
	}
}

// Append writes transactions, in ascending order of zxid, to the log with one
// write call. They are durable only after Sync. It keeps nothing of es.
//
// Any error is final: the store refuses everything from then on, and nothing
// of the batch may be acknowledged.
func (s *Store) Append(es []Entry) error { return s.log.append(es) }

// Sync makes everything appended so far durable. An error is final, as with
// Append. It also ends a log file that grew beyond Options.LogSizeBytes.
func (s *Store) Sync() error { return s.log.sync() }

// ShouldSnapshot tells, after an Append, whether it is time for a snapshot:
// call Roll, then start WriteSnapshot unless one is running.
func (s *Store) ShouldSnapshot() bool {
	var size int64
	if s.log.current != nil {
		size = s.log.current.size
	}
	return s.log.roller.due(size)
}

// Roll lets the next Append begin a new log file and counts towards the next
// snapshot from here. It touches no file.
func (s *Store) Roll() {
	s.log.detach()
	s.log.roller.reset()
}

// LastZxid is the highest zxid appended or, after Open, recovered.
func (s *Store) LastZxid() wire.Zxid { return s.log.last }

// Free is the number of bytes that can still be written, the lesser of the
// two directories. It may be called from any goroutine.
func (s *Store) Free() (int64, error) {
	data, err := s.fs.Free(s.options.snapshotDir())
	if err != nil {
		return 0, fmt.Errorf("store: free space of %s: %w", s.options.snapshotDir(), err)
	}
	log, err := s.fs.Free(s.options.logDir())
	if err != nil {
		return 0, fmt.Errorf("store: free space of %s: %w", s.options.logDir(), err)
	}
	return min(data, log), nil
}

// Sizes are the bytes in the two directories. It may be called from any
// goroutine.
func (s *Store) Sizes() (Sizes, error) { return DirectorySizes(s.fs, s.options) }

// Close syncs what is unsynced and closes the log. The store accepts nothing
// afterwards.
func (s *Store) Close() error { return s.log.close() }
