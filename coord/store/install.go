package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// installPrefix begins the name of a snapshot that is to replace everything.
const installPrefix = "install."

// Install makes snap the only thing that the directories hold: the state that a
// leader sent. Logs and other snapshots go, also those up to its zxid: what they
// say may never have been part of the leader's history. The store appends after
// it.
//
// It is atomic. The snapshot is first made durable under a name of its own; from
// then on recovery finishes the replacement, before that it finds the old state.
// No snapshot may be being written meanwhile. After an error the store refuses
// everything.
func (s *Store) Install(ctx context.Context, snap Snapshot) error {
	if s.log.failed != nil {
		return s.log.refuse()
	}
	if err := s.log.close(); err != nil {
		return err
	}
	zxid := snap.View.Zxid()
	path := filepath.Join(s.options.snapshotDir(), installPrefix+SnapshotName(zxid, s.options.Compression))
	if err := writeSnapshotAs(ctx, s.fs, s.options, path, snap); err != nil {
		return s.log.fail(err)
	}
	if err := finishInstall(s.fs, s.options); err != nil {
		return s.log.fail(err)
	}
	s.reset(zxid)
	return nil
}

// finishInstall carries out the replacement that a file of Install announces,
// if there is one. It may be interrupted anywhere and begun again.
func finishInstall(fsys vfs.FS, o Options) error {
	infos, err := fsys.ReadDir(o.snapshotDir())
	if err != nil {
		return fmt.Errorf("store: list %s: %w", o.snapshotDir(), err)
	}
	for _, info := range infos {
		name, ok := strings.CutPrefix(info.Name, installPrefix)
		if !ok {
			continue
		}
		if strings.HasSuffix(name, temporary) {
			if err := removeFiles(fsys, o.snapshotDir(), []FileInfo{{Path: filepath.Join(o.snapshotDir(), info.Name)}}); err != nil {
				return err
			}
			continue
		}
		if _, ok := parseSnapshotName(name); !ok {
			continue
		}
		return replaceAll(fsys, o, info.Name, name)
	}
	return nil
}

// replaceAll removes all logs and snapshots and gives the announced snapshot
// its name.
func replaceAll(fsys vfs.FS, o Options, announced, name string) error {
	logs, err := ListLogs(fsys, o.logDir())
	if err != nil {
		return err
	}
	if err := removeFiles(fsys, o.logDir(), logs); err != nil {
		return err
	}
	snapshots, err := ListSnapshots(fsys, o.snapshotDir())
	if err != nil {
		return err
	}
	if err := removeFiles(fsys, o.snapshotDir(), snapshots); err != nil {
		return err
	}
	from, to := filepath.Join(o.snapshotDir(), announced), filepath.Join(o.snapshotDir(), name)
	if err := fsys.Rename(from, to); err != nil {
		return fmt.Errorf("store: install %s: %w", to, err)
	}
	if err := fsys.SyncDir(o.snapshotDir()); err != nil {
		return fmt.Errorf("store: sync the directory of %s: %w", to, err)
	}
	return nil
}

// Entries returns the transactions after one and up to another, both included
// in the log; maxBytes bounds the sum of their payloads. It returns false when
// the log does not hold all of them, or not the first, so that there could be a
// hole behind it, or when they are too many. It may run while another goroutine
// appends, as long as through is durable.
func (s *Store) Entries(after, through wire.Zxid, maxBytes int) ([]Entry, bool, error) {
	return s.EntriesContext(context.Background(), after, through, maxBytes)
}

// EntriesContext is Entries until ctx ends, which is then the error.
func (s *Store) EntriesContext(ctx context.Context, after, through wire.Zxid, maxBytes int) ([]Entry, bool, error) {
	it, err := ReadLog(s.fs, s.options.logDir(), after, s.options.MaxRecordBytes)
	if err != nil {
		return nil, false, err
	}
	entries, ok, err := collect(ctx, it, after, through, maxBytes)
	if closeErr := it.Close(); err == nil {
		err = closeErr
	}
	return entries, ok && err == nil, err
}

func collect(ctx context.Context, it *LogIterator, after, through wire.Zxid, maxBytes int) (entries []Entry, ok bool, err error) {
	last, bytes := wire.Zxid(-1), 0
	for last < through {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		r, err := it.Next()
		if errors.Is(err, io.EOF) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		switch {
		case last < 0 && r.Zxid != after, last >= 0 && isGap(last, r.Zxid), r.Zxid > through:
			return nil, false, nil
		case last >= 0:
			if bytes += len(r.Payload); bytes > maxBytes {
				return nil, false, nil
			}
			entries = append(entries, Entry{Zxid: r.Zxid, Payload: append([]byte(nil), r.Payload...)})
		}
		last = r.Zxid
	}
	return entries, true, nil
}

// Recent returns the newest transactions of the log without a hole, ending with
// LastZxid: as many as are needed to exceed both bounds, or all that there are.
// It is empty when the log does not lead to LastZxid, as after an Install.
func (s *Store) Recent(entriesMin, bytesMin int) ([]Entry, error) {
	files, err := ListLogs(s.fs, s.options.logDir())
	if err != nil {
		return nil, err
	}
	var recent []Entry
	bytes := 0
	for i := len(files) - 1; i >= 0 && (len(recent) <= entriesMin || bytes <= bytesMin); i-- {
		older, err := s.readFile(files[i].Path)
		if err != nil {
			return nil, err
		}
		whole := withoutHole(older, recent, s.LastZxid())
		for _, e := range whole {
			bytes += len(e.Payload)
		}
		recent = append(whole, recent...)
		if len(whole) < len(older) {
			break
		}
	}
	return recent, nil
}

// withoutHole returns the end of older that leads to what follows it.
func withoutHole(older, recent []Entry, last wire.Zxid) []Entry {
	if len(older) == 0 {
		return nil
	}
	end := older[len(older)-1].Zxid
	if len(recent) == 0 && end != last || len(recent) > 0 && isGap(end, recent[0].Zxid) {
		return nil
	}
	from := len(older) - 1
	for from > 0 && older[from-1].Zxid < older[from].Zxid && !isGap(older[from-1].Zxid, older[from].Zxid) {
		from--
	}
	return older[from:]
}

func (s *Store) readFile(path string) ([]Entry, error) {
	l, err := OpenLogFile(s.fs, path, s.options.MaxRecordBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for {
		var r Record
		if r, err = l.Next(); err != nil {
			break
		}
		entries = append(entries, Entry{Zxid: r.Zxid, Payload: append([]byte(nil), r.Payload...)})
	}
	if closeErr := l.Close(); errors.Is(err, io.EOF) {
		err = closeErr
	}
	return entries, err
}
