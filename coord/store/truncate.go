package store

import (
	"errors"
	"fmt"
	"io"

	"kafkacoord/coord/wire"
)

// Truncate drops every transaction after zxid from the logs, and the snapshots
// that show later ones, and recovers what is left, which then ends with zxid
// exactly. The store appends after it.
//
// If the files do not lead to zxid nothing is changed and the error is
// [ErrUnreachable]: the server needs a snapshot from its leader instead. After
// any other error the store refuses everything. No snapshot may be being
// written meanwhile.
//
// Java cuts after the first record that is not below zxid and keeps later
// snapshots, which brings dropped transactions back; this does neither
// (ZooKeeper: FileTxnLog.truncate).
func (s *Store) Truncate(zxid wire.Zxid) (*Recovered, error) {
	if s.log.failed != nil {
		return nil, s.log.refuse()
	}
	if err := s.log.sync(); err != nil {
		return nil, err
	}
	if err := s.reachable(zxid); err != nil {
		return nil, err
	}
	if err := s.log.close(); err != nil {
		return nil, err
	}
	if err := s.cutAfter(zxid); err != nil {
		return nil, s.log.fail(err)
	}
	r := &recovery{fs: s.fs, options: s.options, mode: recoverRepair, notAfter: zxid}
	recovered, err := r.run()
	if err != nil {
		return nil, s.log.fail(err)
	}
	if recovered.LastZxid != zxid {
		return nil, s.log.fail(fmt.Errorf("store: truncate to %v: the files lead to %v", zxid, recovered.LastZxid))
	}
	s.reset(zxid)
	return recovered, nil
}

// reachable checks, without a change, that there is a snapshot at or before
// zxid and, unless it is of zxid, the record of zxid.
func (s *Store) reachable(zxid wire.Zxid) error {
	snapshots, err := ListSnapshots(s.fs, s.options.snapshotDir())
	if err != nil {
		return err
	}
	for _, f := range snapshots {
		if f.Zxid > zxid {
			continue
		}
		valid, err := IsValidSnapshot(s.fs, f)
		if err != nil {
			return err
		}
		if valid && f.Zxid == zxid {
			return nil
		}
		if valid {
			return s.hasRecord(zxid)
		}
	}
	return fmt.Errorf("store: truncate to %v: there is no snapshot at or before it: %w", zxid, ErrUnreachable)
}

func (s *Store) hasRecord(zxid wire.Zxid) error {
	it, err := ReadLog(s.fs, s.options.logDir(), zxid, s.options.MaxRecordBytes)
	if err != nil {
		return err
	}
	record, err := it.Next()
	if closeErr := it.Close(); err == nil {
		err = closeErr
	}
	if errors.Is(err, io.EOF) || err == nil && record.Zxid != zxid {
		return fmt.Errorf("store: truncate to %v: the logs do not hold it: %w", zxid, ErrUnreachable)
	}
	return err
}

// cutAfter removes from the newest to the oldest, so that an interruption
// leaves a history without holes.
func (s *Store) cutAfter(zxid wire.Zxid) error {
	snapshots, err := ListSnapshots(s.fs, s.options.snapshotDir())
	if err != nil {
		return err
	}
	var later []FileInfo
	for _, f := range snapshots {
		if f.Zxid > zxid {
			later = append(later, f)
		}
	}
	if err := removeFiles(s.fs, s.options.snapshotDir(), later); err != nil {
		return err
	}
	logs, err := ListLogs(s.fs, s.options.logDir())
	if err != nil {
		return err
	}
	for len(logs) > 0 && logs[len(logs)-1].Zxid > zxid {
		last := logs[len(logs)-1]
		if err := removeFiles(s.fs, s.options.logDir(), []FileInfo{last}); err != nil {
			return err
		}
		logs = logs[:len(logs)-1]
	}
	if len(logs) == 0 {
		return nil
	}
	return s.cutLog(logs[len(logs)-1].Path, zxid)
}

// cutLog truncates one file before its first record after zxid.
func (s *Store) cutLog(path string, zxid wire.Zxid) error {
	l, err := OpenLogFile(s.fs, path, s.options.MaxRecordBytes)
	if err != nil {
		return err
	}
	cut := int64(-1)
	for cut < 0 && err == nil {
		var record Record
		if record, err = l.Next(); err == nil && record.Zxid > zxid {
			cut = record.Offset
		}
	}
	if closeErr := l.Close(); err == nil {
		err = closeErr
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if cut < 0 {
		return nil
	}
	return cutFile(s.fs, path, cut)
}
