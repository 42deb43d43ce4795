package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// Names of files: kind, dot, zxid in lower-case hex without padding
// (ZooKeeper: Util.java).
const (
	logPrefix      = "log."
	snapshotPrefix = "snapshot."
	temporary      = ".tmp"
)

// ErrMixedDirectories says that dataDir and dataLogDir are two directories but
// hold each other's files, most likely because they were swapped in zoo.cfg.
var ErrMixedDirectories = errors.New("snapshots and logs are in each other's directory")

// FileInfo describes a log or snapshot file.
type FileInfo struct {
	Path string
	Zxid wire.Zxid // from the name: the first record of a log, the last of a snapshot
	Size int64     // bytes
}

// LogName is the file name of a log whose first record is zxid.
func LogName(zxid wire.Zxid) string { return logPrefix + hexOf(zxid) }

// SnapshotName is the file name of a snapshot up to zxid.
func SnapshotName(zxid wire.Zxid, c Compression) string {
	return snapshotPrefix + hexOf(zxid) + c.suffix()
}

func hexOf(zxid wire.Zxid) string { return strconv.FormatUint(uint64(zxid), 16) }

// ListLogs returns the log files of a version-2 directory, oldest first.
// Unlike Java it passes over foreign names such as log.5.bak.
func ListLogs(fsys vfs.FS, dir string) ([]FileInfo, error) {
	return list(fsys, dir, func(name string) (wire.Zxid, bool) {
		return parseZxid(strings.CutPrefix(name, logPrefix))
	})
}

// ListSnapshots returns the snapshot files of a version-2 directory, valid or
// not, newest first. Unlike Java it passes over foreign and temporary names.
func ListSnapshots(fsys vfs.FS, dir string) ([]FileInfo, error) {
	files, err := list(fsys, dir, parseSnapshotName)
	slices.Reverse(files)
	return files, err
}

// Sizes are the bytes in the two version-2 directories, as the four-letter
// word dirs reports them.
type Sizes struct {
	Data int64 // snapshots, epoch files and all else in the snapshot directory
	Log  int64 // the same for the log directory
}

// DirectorySizes adds up the file sizes of the two directories.
func DirectorySizes(fsys vfs.FS, o Options) (Sizes, error) {
	o = o.withDefaults()
	data, err := directorySize(fsys, o.snapshotDir())
	if err != nil {
		return Sizes{}, err
	}
	log, err := directorySize(fsys, o.logDir())
	return Sizes{Data: data, Log: log}, err
}

func directorySize(fsys vfs.FS, dir string) (int64, error) {
	infos, err := fsys.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("store: list %s: %w", dir, err)
	}
	var sum int64
	for _, info := range infos {
		sum += info.Size
	}
	return sum, nil
}

func list(fsys vfs.FS, dir string, parse func(string) (wire.Zxid, bool)) ([]FileInfo, error) {
	infos, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("store: list %s: %w", dir, err)
	}
	var files []FileInfo
	for _, info := range infos {
		zxid, ok := parse(info.Name)
		if ok && !info.Dir {
			files = append(files, FileInfo{Path: filepath.Join(dir, info.Name), Zxid: zxid, Size: info.Size})
		}
	}
	slices.SortStableFunc(files, func(a, b FileInfo) int {
		if a.Zxid != b.Zxid {
			return int(min(max(a.Zxid-b.Zxid, -1), 1))
		}
		return strings.Compare(a.Path, b.Path)
	})
	return files, nil
}

func parseSnapshotName(name string) (wire.Zxid, bool) {
	digits, ok := strings.CutPrefix(name, snapshotPrefix)
	digits = strings.TrimSuffix(digits, compressionOf(name).suffix())
	return parseZxid(digits, ok)
}

func parseZxid(digits string, ok bool) (wire.Zxid, bool) {
	if !ok || digits == "" || digits[0] == '+' || digits[0] == '-' {
		return 0, false
	}
	zxid, err := strconv.ParseInt(digits, 16, 64)
	return wire.Zxid(zxid), err == nil
}

// prepareDirectories makes the version-2 directories where that is allowed
// and refuses directories that hold each other's files.
func prepareDirectories(fsys vfs.FS, o Options, change bool) error {
	for _, dir := range []string{o.snapshotDir(), o.logDir()} {
		_, err := fsys.Stat(dir)
		if err == nil {
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("store: look at %s: %w", dir, err)
		}
		if !change || o.NoAutoCreateDirs {
			return fmt.Errorf("store: %s is missing and may not be made (datadir.autocreate=false): %w", dir, err)
		}
		if err := makeDirectory(fsys, dir); err != nil {
			return err
		}
	}
	if filepath.Clean(o.snapshotDir()) == filepath.Clean(o.logDir()) {
		return nil
	}
	snapshots, err := ListSnapshots(fsys, o.logDir())
	if err != nil {
		return err
	}
	logs, err := ListLogs(fsys, o.snapshotDir())
	if err != nil {
		return err
	}
	for _, stray := range append(snapshots, logs...) {
		return fmt.Errorf("store: found %s; check that dataDir and dataLogDir are not swapped, "+
			"or move the file: %w", stray.Path, ErrMixedDirectories)
	}
	return nil
}

// makeDirectory makes dir durable, with every parent it had to make.
func makeDirectory(fsys vfs.FS, dir string) error {
	var made []string
	for parent := dir; ; parent = filepath.Dir(parent) {
		if _, err := fsys.Stat(parent); err == nil || filepath.Dir(parent) == parent {
			break
		}
		made = append(made, parent)
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return fmt.Errorf("store: make %s: %w", dir, err)
	}
	for _, d := range made {
		if err := fsys.SyncDir(filepath.Dir(d)); err != nil {
			return fmt.Errorf("store: sync the directory of %s: %w", d, err)
		}
	}
	return nil
}

// removeTemporaries deletes what an interrupted snapshot left. The temporary
// epoch files stay: recovery may need currentEpoch.tmp.
func removeTemporaries(fsys vfs.FS, dir string) error {
	infos, err := fsys.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("store: list %s: %w", dir, err)
	}
	for _, info := range infos {
		name, ok := strings.CutSuffix(info.Name, temporary)
		if _, isSnapshot := parseSnapshotName(name); !ok || !isSnapshot {
			continue
		}
		if err := fsys.Remove(filepath.Join(dir, info.Name)); err != nil {
			return fmt.Errorf("store: remove the unfinished snapshot %s: %w", info.Name, err)
		}
	}
	return nil
}
