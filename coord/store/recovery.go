package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"time"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// Recovered is what a data directory holds.
type Recovered struct {
	Tree     *tree.Tree
	Sessions map[wire.SessionID]int32 // timeout in ms
	// LastZxid is the last transaction; -1 for an empty directory that the
	// options do not allow to fill: the server may only follow.
	LastZxid     wire.Zxid
	SnapshotZxid wire.Zxid // of the snapshot that was loaded; -1: none

	TxnsLoaded       int // replayed onto the snapshot
	DigestMismatches int // states that differ from what the writer recorded

	SnapshotTime time.Duration // to load the snapshot
	ReplayTime   time.Duration // to replay the logs

	// Notes are sentences for the operator's log about what was passed over
	// or repaired.
	Notes []string
}

// recoverMode says what recovery may do to the files.
type recoverMode int

const (
	recoverLook   recoverMode = iota // change nothing
	recoverRepair                    // repair torn tails, fill an empty directory
)

// Load recovers like [Open] but changes nothing on disk. It is for tools, and
// for directories in use only if nothing is written meanwhile.
func Load(fsys vfs.FS, o Options) (*Recovered, error) {
	o = o.withDefaults()
	if err := prepareDirectories(fsys, o, false); err != nil {
		return nil, err
	}
	return recoverFiles(fsys, o, recoverLook)
}

func recoverFiles(fsys vfs.FS, o Options, mode recoverMode) (*Recovered, error) {
	r := &recovery{fs: fsys, options: o, mode: mode, notAfter: math.MaxInt64}
	return r.run()
}

// notesMax bounds Recovered.Notes; what comes later is not said.
const notesMax = 100

// recovery is one pass over the files (ZooKeeper: FileTxnSnapLog.restore).
type recovery struct {
	fs       vfs.FS
	options  Options
	mode     recoverMode
	notAfter wire.Zxid // snapshots that show later changes are not used

	result  *Recovered
	logs    []FileInfo
	broken  string // path of the newest snapshot that is not whole
	digests digestCheck
}

func (r *recovery) run() (*Recovered, error) {
	r.result = &Recovered{LastZxid: -1, SnapshotZxid: -1}
	if err := r.findLogs(); err != nil {
		return nil, err
	}
	began := r.options.Now()
	loaded, err := r.loadSnapshot()
	if err != nil {
		return nil, err
	}
	r.result.SnapshotTime = r.options.Now().Sub(began)
	if !loaded {
		empty, err := r.withoutSnapshot()
		if err != nil || empty {
			return r.result, err
		}
	}
	began = r.options.Now()
	if err := r.replay(); err != nil {
		return nil, err
	}
	r.result.ReplayTime = r.options.Now().Sub(began)
	r.digests.finish(r.result)
	return r.result, nil
}

func (r *recovery) note(format string, args ...any) {
	if len(r.result.Notes) >= notesMax {
		return
	}
	r.result.Notes = append(r.result.Notes, fmt.Sprintf(format, args...))
}

// findLogs lists the logs and drops a last one that power loss left unborn;
// Java 3.9.3 deletes it too, older ones refuse to start (ZOOKEEPER-2332).
func (r *recovery) findLogs() error {
	logs, err := ListLogs(r.fs, r.options.logDir())
	if err != nil {
		return err
	}
	if len(logs) > 0 {
		last := logs[len(logs)-1]
		unborn, err := isUnborn(r.fs, last.Path)
		if err != nil {
			return err
		}
		if unborn {
			logs = logs[:len(logs)-1]
			r.note("%s has no header: it was being created when the server stopped", last.Path)
			if err := r.removeLog(last.Path); err != nil {
				return err
			}
		}
	}
	r.logs = logs
	return nil
}

func (r *recovery) removeLog(path string) error {
	if r.mode == recoverLook {
		return nil
	}
	if err := r.fs.Remove(path); err != nil {
		return fmt.Errorf("store: remove the empty log %s: %w", path, err)
	}
	return r.syncDir(r.options.logDir())
}

func (r *recovery) syncDir(dir string) error {
	if err := r.fs.SyncDir(dir); err != nil {
		return fmt.Errorf("store: sync directory %s: %w", dir, err)
	}
	return nil
}

// loadSnapshot loads the newest snapshot that can be loaded. It returns false
// when there is no candidate at all.
func (r *recovery) loadSnapshot() (bool, error) {
	files, err := ListSnapshots(r.fs, r.options.snapshotDir())
	if err != nil {
		return false, err
	}
	var failures []error
	candidates := 0
	for _, f := range files {
		if f.Zxid > r.notAfter || candidates == snapshotCandidatesMax {
			continue
		}
		valid, err := IsValidSnapshot(r.fs, f)
		if err != nil {
			return false, err
		}
		if !valid {
			r.note("%s is not a whole snapshot and is passed over", f.Path)
			if r.broken == "" && f.Zxid > 0 { // snapshot.0 is that of an empty server
				r.broken = f.Path
			}
			continue
		}
		candidates++
		err = r.useSnapshot(f)
		if err == nil {
			return true, nil
		}
		r.note("%s cannot be loaded: %v", f.Path, err)
		failures = append(failures, err)
	}
	if len(failures) > 0 {
		return false, fmt.Errorf("store: none of %d snapshots can be loaded; restore one from a backup, "+
			"or empty this member's data directory so that it synchronises again: %w",
			len(failures), errors.Join(failures...))
	}
	return false, nil
}

func (r *recovery) useSnapshot(f FileInfo) error {
	loaded, err := ReadSnapshotFile(r.fs, f, r.options)
	if err != nil {
		return err
	}
	s := loaded.Sections
	if max(s.DigestZxid, s.LastZxid) > r.notAfter {
		return fmt.Errorf("it shows changes after %v", r.notAfter)
	}
	r.result.Tree, r.result.Sessions = loaded.Tree, loaded.Sessions
	// The name wins over the zxid section, which can be ahead of it.
	r.result.LastZxid, r.result.SnapshotZxid = f.Zxid, f.Zxid
	r.digests = newDigestCheck(r.options, f.Zxid, s)
	r.digests.atSnapshot(r.result)
	return nil
}

// withoutSnapshot applies the rules for directories without a snapshot. It
// returns true when there are no logs either.
func (r *recovery) withoutSnapshot() (empty bool, err error) {
	r.result.Tree = tree.New(r.options.Tree)
	r.result.Sessions = map[wire.SessionID]int32{}
	r.digests = digestCheck{enabled: r.options.Tree.Digest}
	has, err := r.hasRecords()
	if err != nil {
		return false, err
	}
	if has {
		if !r.options.TrustEmpty || r.notAfter != math.MaxInt64 {
			return false, fmt.Errorf("store: %s has transactions but %s has no snapshot to apply them to; "+
				"if the directory comes from ZooKeeper 3.4, set snapshot.trust.empty=true for one start: %w",
				r.options.logDir(), r.options.snapshotDir(), ErrNoSnapshot)
		}
		r.note("no snapshot: replaying the logs from the beginning (snapshot.trust.empty)")
		r.result.LastZxid = 0
		return false, nil
	}
	return true, r.fillEmpty()
}

func (r *recovery) hasRecords() (bool, error) {
	it := r.iterator(0)
	_, err := it.Next()
	if closeErr := it.Close(); err == nil || errors.Is(err, io.EOF) {
		if closeErr != nil {
			return false, closeErr
		}
		return err == nil, nil
	}
	return false, err
}

// fillEmpty writes snapshot.0 if the operator allows an empty database. Where a
// snapshot of something was, Java starts empty all the same; here that takes the
// operator's word.
func (r *recovery) fillEmpty() error {
	marker := filepath.Join(r.options.LogDir, initializeFile)
	_, err := r.fs.Stat(marker)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store: look at %s: %w", marker, err)
	}
	marked := err == nil
	if !marked && !r.options.TrustEmpty && r.broken != "" {
		return fmt.Errorf("store: %s is not a whole snapshot, and there is neither another one nor a log: "+
			"restore the data from a backup, empty the directory of a member that can synchronise again, "+
			"or, if the data may be lost, set snapshot.trust.empty=true for one start: %w", r.broken, ErrNoSnapshot)
	}
	if !marked && r.options.NoAutoCreateData {
		r.note("the data directory is empty and may not be filled (db.autocreate=false, no %s)", marker)
		return nil
	}
	r.result.LastZxid = 0
	if r.mode == recoverLook {
		return nil
	}
	// Snapshot first: if power fails in between, the permission is still there.
	if err := r.writeFirstSnapshot(); err != nil {
		return err
	}
	if marked {
		if err := r.fs.Remove(marker); err != nil {
			return fmt.Errorf("store: remove %s: %w", marker, err)
		}
		return r.syncDir(r.options.LogDir)
	}
	return nil
}

func (r *recovery) iterator(from wire.Zxid) *LogIterator {
	return &LogIterator{
		fs: r.fs, recordMax: r.options.MaxRecordBytes, from: from, files: logsFrom(r.logs, from),
	}
}
