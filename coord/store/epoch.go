package store

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"

	"kafkacoord/coord/vfs"
)

const (
	acceptedEpochFile = "acceptedEpoch"
	currentEpochFile  = "currentEpoch"
	epochBytesMax     = 64 // far more than a 64-bit number needs
)

// ErrEpochs says that the epoch files contradict each other or the logs.
var ErrEpochs = errors.New("epoch files and logs contradict each other")

// Epochs are the two promises that a member of an ensemble keeps on disk.
type Epochs struct {
	Accepted int64 // the newest epoch it agreed to follow
	Current  int64 // the epoch of the leader it last synchronised with
}

// Epochs reads the epoch files. Missing ones are made, from the epoch of the
// last transaction.
//
// A last transaction of a later epoch than currentEpoch is what a member leaves
// that went down between the transactions that its new leader sent it and the
// epoch file. Only committed ones are logged then, so that the member holds all
// that came before that epoch: the epoch counts as its own if it was accepted,
// or if an interrupted update in currentEpoch.tmp has it. (Java starts only in
// the second case; QuorumPeer.loadDataBase.) Otherwise, or when accepted is
// below current, the error is [ErrEpochs].
func (s *Store) Epochs() (Epochs, error) {
	last := max(s.LastZxid(), 0).Epoch()
	current, err := s.epoch(currentEpochFile, last)
	if err != nil {
		return Epochs{}, err
	}
	if last > current {
		if current, err = s.catchUp(current, last); err != nil {
			return Epochs{}, err
		}
	}
	accepted, err := s.epoch(acceptedEpochFile, last)
	if err != nil {
		return Epochs{}, err
	}
	if accepted < current {
		return Epochs{}, fmt.Errorf("store: acceptedEpoch is %d, less than currentEpoch, %d: %w",
			accepted, current, ErrEpochs)
	}
	return Epochs{Accepted: accepted, Current: current}, nil
}

// catchUp raises the epoch of a member that holds a transaction of a later one.
func (s *Store) catchUp(current, last int64) (int64, error) {
	for _, name := range []string{acceptedEpochFile, currentEpochFile + temporary} {
		if epoch, err := readEpoch(s.fs, filepath.Join(s.options.snapshotDir(), name)); err == nil && epoch >= last {
			return last, s.SetCurrentEpoch(last)
		}
	}
	return 0, fmt.Errorf("store: currentEpoch is %d but the last transaction is %v: %w", current, s.LastZxid(), ErrEpochs)
}

// SetAcceptedEpoch makes the promise to follow no older epoch durable.
func (s *Store) SetAcceptedEpoch(epoch int64) error { return s.writeEpoch(acceptedEpochFile, epoch) }

// SetCurrentEpoch makes the epoch of the present leader durable.
func (s *Store) SetCurrentEpoch(epoch int64) error { return s.writeEpoch(currentEpochFile, epoch) }

func (s *Store) epoch(name string, missing int64) (int64, error) {
	epoch, err := readEpoch(s.fs, filepath.Join(s.options.snapshotDir(), name))
	if errors.Is(err, fs.ErrNotExist) {
		return missing, s.writeEpoch(name, missing)
	}
	return epoch, err
}

// readEpoch reads the first line of a file as a decimal number.
func readEpoch(fsys vfs.FS, path string) (int64, error) {
	file, err := fsys.Open(path)
	if err != nil {
		return 0, fmt.Errorf("store: read epoch: %w", err)
	}
	lines := bufio.NewScanner(io.LimitReader(file, epochBytesMax))
	lines.Scan()
	err = lines.Err()
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return 0, fmt.Errorf("store: read %s: %w", path, err)
	}
	epoch, err := strconv.ParseInt(lines.Text(), 10, 64)
	if err != nil {
		return 0, &CorruptionError{File: path, Reason: "the epoch is no number", Err: err}
	}
	return epoch, nil
}

// writeEpoch replaces an epoch file atomically and durably.
func (s *Store) writeEpoch(name string, epoch int64) error {
	path := filepath.Join(s.options.snapshotDir(), name)
	if err := writeAtomically(s.fs, path, strconv.AppendInt(nil, epoch, 10)); err != nil {
		return fmt.Errorf("store: write %s: %w", path, err)
	}
	return nil
}

func writeAtomically(fsys vfs.FS, path string, content []byte) error {
	file, err := fsys.Create(path + temporary)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := fsys.Rename(path+temporary, path); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(path))
}
