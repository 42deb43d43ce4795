package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// Purged is what a purge removed.
type Purged struct {
	Files []FileInfo
	Bytes int64
}

// Purge removes old snapshots and logs and keeps the retain newest whole
// snapshots, 3 at the least, with every log that holds later transactions. It
// may run beside everything but Truncate.
func (s *Store) Purge(retain int) (Purged, error) { return Purge(s.fs, s.options, retain) }

// Purge is [Store.Purge] on directories; a server may be using them.
//
// Kept are: the retain newest snapshots that pass the quick validity test
// (ZOOKEEPER-3231) and all newer files; of the logs those with a name above
// the oldest kept snapshot, and the one before, whose later records may follow
// that snapshot (ZOOKEEPER-2574). Without a whole snapshot nothing is removed.
// ZooKeeper: PurgeTxnLog.java.
func Purge(fsys vfs.FS, o Options, retain int) (Purged, error) {
	o = o.withDefaults()
	snapshots, err := ListSnapshots(fsys, o.snapshotDir())
	if err != nil {
		return Purged{}, err
	}
	logs, err := ListLogs(fsys, o.logDir())
	if err != nil {
		return Purged{}, err
	}
	oldest, err := oldestKept(fsys, snapshots, max(retain, minRetainCount))
	if err != nil || oldest < 0 {
		return Purged{}, err
	}
	var p Purged
	// Snapshots go first: a snapshot without its logs would be a trap for a
	// recovery that has to fall back on it.
	slices.Reverse(snapshots)
	if err := p.remove(fsys, o.snapshotDir(), before(snapshots, oldest)); err != nil {
		return p, err
	}
	kept := logsFrom(logs, oldest)
	err = p.remove(fsys, o.logDir(), logs[:len(logs)-len(kept)])
	return p, err
}

// oldestKept is the zxid of the oldest of the newest whole snapshots, -1 if
// there is none.
func oldestKept(fsys vfs.FS, newestFirst []FileInfo, retain int) (wire.Zxid, error) {
	oldest := wire.Zxid(-1)
	for _, f := range newestFirst {
		valid, err := IsValidSnapshot(fsys, f)
		if err != nil {
			return -1, err
		}
		if !valid {
			continue
		}
		oldest = f.Zxid
		if retain--; retain == 0 {
			break
		}
	}
	return oldest, nil
}

func before(files []FileInfo, zxid wire.Zxid) []FileInfo {
	var older []FileInfo
	for _, f := range files {
		if f.Zxid < zxid {
			older = append(older, f)
		}
	}
	return older
}

func (p *Purged) remove(fsys vfs.FS, dir string, files []FileInfo) error {
	if err := removeFiles(fsys, dir, files); err != nil {
		return err
	}
	p.Files = append(p.Files, files...)
	for _, f := range files {
		p.Bytes += f.Size
	}
	return nil
}

// removeFiles removes files of one directory in the given order, durably.
func removeFiles(fsys vfs.FS, dir string, files []FileInfo) error {
	for _, f := range files {
		if err := fsys.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("store: remove %s: %w", f.Path, err)
		}
	}
	if len(files) == 0 {
		return nil
	}
	if err := fsys.SyncDir(dir); err != nil {
		return fmt.Errorf("store: sync directory %s: %w", dir, err)
	}
	return nil
}
