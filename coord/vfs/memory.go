package vfs

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// ErrCrashed is what every operation on a [Memory] returns from the moment of
// a simulated power loss until [Memory.Crash], and what every file opened
// before the crash returns for ever.
var ErrCrashed = errors.New("vfs: simulated power loss")

// Memory is a file system in memory that can lose power. What was written is
// visible to readers at once, but survives [Memory.Crash] for certain only if
// it was synced: contents by [File.Sync], names by [FS.SyncDir].
//
// It is safe for use by several goroutines. The same calls in the same order
// and the same seeds give the same result.
type Memory struct {
	mu         sync.Mutex
	root       *inode
	generation int   // raised by Crash; files of older generations are dead
	operations int   // changes attempted so far
	crashAt    int   // operations from this count on fail; <0 = never
	freeSpace  int64 // what Free reports
}

// NewMemory returns an empty file system that holds the directories "/" and
// ".", which are the same directory.
func NewMemory() *Memory {
	return &Memory{root: newDirectory(), crashAt: -1, freeSpace: math.MaxInt64}
}

// Operations counts the changing calls so far: creating, writing, truncating,
// allocating, syncing, renaming, removing and making directories.
func (m *Memory) Operations() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.operations
}

// CrashAfter lets the next n changing calls pass and fails everything after
// them with [ErrCrashed], reads included, until [Memory.Crash].
func (m *Memory) CrashAfter(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.crashAt = m.operations + n
}

// SetFree sets what Free reports, in bytes.
func (m *Memory) SetFree(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.freeSpace = bytes
}

// Create implements [FS].
func (m *Memory) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.change("create", name); err != nil {
		return nil, err
	}
	dir, base, err := m.parent("create", name)
	if err != nil {
		return nil, err
	}
	node := dir.entries[base]
	switch {
	case node == nil:
		node = &inode{}
		dir.link(base, node)
	case node.isDir():
		return nil, pathError("create", name, errors.New("is a directory"))
	default:
		node.truncate(0)
	}
	return m.open(node, name, true), nil
}

// Open implements [FS].
func (m *Memory) Open(name string) (File, error) { return m.openExisting(name, false) }

// OpenWrite implements [FS].
func (m *Memory) OpenWrite(name string) (File, error) { return m.openExisting(name, true) }

// Rename implements [FS].
func (m *Memory) Rename(oldName, newName string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.change("rename", oldName); err != nil {
		return err
	}
	oldDir, oldBase, err := m.parent("rename", oldName)
	if err != nil {
		return err
	}
	newDir, newBase, err := m.parent("rename", newName)
	if err != nil {
		return err
	}
	node := oldDir.entries[oldBase]
	if node == nil {
		return pathError("rename", oldName, fs.ErrNotExist)
	}
	if oldDir != newDir {
		// Nothing here moves files between directories, and a crash model
		// for it would have to keep two directories in step.
		return pathError("rename", oldName, errors.ErrUnsupported)
	}
	oldDir.rename(oldBase, newBase)
	return nil
}

// Remove implements [FS].
func (m *Memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.change("remove", name); err != nil {
		return err
	}
	dir, base, err := m.parent("remove", name)
	if err != nil {
		return err
	}
	node := dir.entries[base]
	if node == nil {
		return pathError("remove", name, fs.ErrNotExist)
	}
	if len(node.entries) > 0 {
		return pathError("remove", name, errors.New("directory not empty"))
	}
	dir.unlink(base)
	return nil
}

// ReadDir implements [FS].
func (m *Memory) ReadDir(dir string) ([]Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.lookup("readdir", dir)
	if err != nil {
		return nil, err
	}
	if !node.isDir() {
		return nil, pathError("readdir", dir, errors.New("not a directory"))
	}
	infos := make([]Info, 0, len(node.entries))
	for name, child := range node.entries {
		infos = append(infos, Info{Name: name, Size: child.present.size, Dir: child.isDir()})
	}
	slices.SortFunc(infos, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}

// MkdirAll implements [FS].
func (m *Memory) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.change("mkdir", dir); err != nil {
		return err
	}
	node := m.root
	for _, element := range elements(dir) {
		child := node.entries[element]
		if child == nil {
			child = newDirectory()
			node.link(element, child)
		}
		if !child.isDir() {
			return pathError("mkdir", dir, errors.New("not a directory"))
		}
		node = child
	}
	return nil
}

// Stat implements [FS].
func (m *Memory) Stat(name string) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.lookup("stat", name)
	if err != nil {
		return Info{}, err
	}
	return Info{Name: filepath.Base(name), Size: node.present.size, Dir: node.isDir()}, nil
}

// SyncDir implements [FS].
func (m *Memory) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.change("syncdir", dir); err != nil {
		return err
	}
	node, err := m.lookup("syncdir", dir)
	if err != nil {
		return err
	}
	if !node.isDir() {
		return pathError("syncdir", dir, errors.New("not a directory"))
	}
	node.syncEntries()
	return nil
}

// Free implements [FS] with the value of SetFree, else a huge one.
func (m *Memory) Free(path string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.lookup("free", path); err != nil {
		return 0, err
	}
	return m.freeSpace, nil
}

// change counts one changing call and fails it when power is gone.
func (m *Memory) change(op, name string) error {
	if m.crashed() {
		return pathError(op, name, ErrCrashed)
	}
	m.operations++
	return nil
}

func (m *Memory) crashed() bool { return m.crashAt >= 0 && m.operations >= m.crashAt }

func (m *Memory) openExisting(name string, writable bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if node.isDir() {
		return nil, pathError("open", name, errors.New("is a directory"))
	}
	return m.open(node, name, writable), nil
}

func (m *Memory) open(node *inode, name string, writable bool) File {
	return &memoryFile{fs: m, node: node, name: name, generation: m.generation, writable: writable}
}

func (m *Memory) lookup(op, name string) (*inode, error) {
	if m.crashed() {
		return nil, pathError(op, name, ErrCrashed)
	}
	node := m.root
	for _, element := range elements(name) {
		child := node.entries[element]
		if child == nil {
			return nil, pathError(op, name, fs.ErrNotExist)
		}
		node = child
	}
	return node, nil
}

// parent finds the directory of name and the last element.
func (m *Memory) parent(op, name string) (dir *inode, base string, err error) {
	node := m.root
	path := elements(name)
	if len(path) == 0 {
		return nil, "", pathError(op, name, fs.ErrInvalid)
	}
	for _, element := range path[:len(path)-1] {
		child := node.entries[element]
		if child == nil || !child.isDir() {
			return nil, "", pathError(op, name, fs.ErrNotExist)
		}
		node = child
	}
	return node, path[len(path)-1], nil
}

func elements(name string) []string {
	name = strings.Trim(filepath.ToSlash(filepath.Clean(name)), "/")
	if name == "" || name == "." {
		return nil
	}
	return strings.Split(name, "/")
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// memoryFile is an open file of a [Memory].
type memoryFile struct {
	fs         *Memory
	node       *inode
	name       string
	generation int
	position   int64
	writable   bool
	closed     bool
}

func (f *memoryFile) Read(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.usable("read"); err != nil {
		return 0, err
	}
	n, err := f.node.present.readAt(p, f.position)
	f.position += int64(n)
	if n > 0 {
		err = nil
	}
	return n, err
}

func (f *memoryFile) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.usable("read"); err != nil {
		return 0, err
	}
	return f.node.present.readAt(p, off)
}

func (f *memoryFile) Write(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.changeable("write"); err != nil {
		return 0, err
	}
	f.node.write(f.position, p)
	f.position += int64(len(p))
	return len(p), nil
}

func (f *memoryFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.changeable("truncate"); err != nil {
		return err
	}
	if size < 0 {
		return pathError("truncate", f.name, fs.ErrInvalid)
	}
	f.node.truncate(size)
	return nil
}

func (f *memoryFile) Allocate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.changeable("allocate"); err != nil {
		return err
	}
	if size > f.node.present.size {
		f.node.truncate(size)
	}
	return nil
}

func (f *memoryFile) Zero(from, to int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.changeable("zero"); err != nil {
		return err
	}
	f.node.write(from, make([]byte, max(to-from, 0)))
	return nil
}

// WriteBack implements [File]: what was not synced stays as volatile as it was.
func (f *memoryFile) WriteBack(_, _ int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return f.changeable("write back")
}

func (f *memoryFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.usable("sync"); err != nil {
		return err
	}
	if err := f.fs.change("sync", f.name); err != nil {
		return err
	}
	f.node.syncContents()
	return nil
}

func (f *memoryFile) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.usable("stat"); err != nil {
		return 0, err
	}
	return f.node.present.size, nil
}

func (f *memoryFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	return nil
}

func (f *memoryFile) usable(op string) error {
	if f.closed {
		return pathError(op, f.name, fs.ErrClosed)
	}
	if f.generation != f.fs.generation || f.fs.crashed() {
		return pathError(op, f.name, ErrCrashed)
	}
	return nil
}

func (f *memoryFile) changeable(op string) error {
	if err := f.usable(op); err != nil {
		return err
	}
	if !f.writable {
		return pathError(op, f.name, fs.ErrPermission)
	}
	return f.fs.change(op, f.name)
}

var _ io.ReaderAt = (*memoryFile)(nil)
