package vfs

import (
	"strings"
	"sync"
	"syscall"
)

// Op names a kind of call for the rules of [Faulty].
type Op int

// The kinds of calls that a [Rule] can fail.
const (
	OpCreate Op = iota + 1
	OpOpen
	OpRead
	OpWrite
	OpTruncate
	OpAllocate
	OpWriteBack
	OpSync
	OpRename
	OpRemove
	OpReadDir
	OpMkdirAll
	OpSyncDir
)

// Rule makes calls fail.
type Rule struct {
	Op    Op
	Path  string // part of the path; "" matches all
	From  int    // first matching call that fails, counted from 1; 0 means 1
	Times int    // how many fail; 0 means all from then on
	Err   error  // what they return
	Short int    // OpWrite: bytes that are written all the same
}

// Rot is damage on the medium: every read of the byte at Offset of a file
// whose path contains Path gives the byte with the bits of Mask flipped.
type Rot struct {
	Path   string
	Offset int64
	Mask   byte
}

// Faulty wraps a file system and injects faults by rule. It is safe for use by
// several goroutines; with calls in a fixed order its faults are fixed too.
type Faulty struct {
	inner FS

	mu    sync.Mutex
	rules []Rule
	seen  []int // matching calls so far, by rule
	rot   []Rot
	space int64 // bytes that may still be written; <0 = no limit
}

// NewFaulty wraps inner; without rules it changes nothing.
func NewFaulty(inner FS) *Faulty { return &Faulty{inner: inner, space: -1} }

// Add adds a rule; its count starts now.
func (f *Faulty) Add(r Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, r)
	f.seen = append(f.seen, 0)
}

// AddRot adds damage to what is read.
func (f *Faulty) AddRot(r Rot) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rot = append(f.rot, r)
}

// SetSpace lets n more bytes be written, then writes fail with ENOSPC after
// the bytes that still fit. A negative n removes the limit.
func (f *Faulty) SetSpace(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.space = n
}

// Clear removes all rules, damage and limits.
func (f *Faulty) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.seen, f.rot, f.space = nil, nil, nil, -1
}

// Create implements [FS].
func (f *Faulty) Create(name string) (File, error) {
	if err := f.check(OpCreate, name); err != nil {
		return nil, err
	}
	return f.wrap(name)(f.inner.Create(name))
}

// Open implements [FS].
func (f *Faulty) Open(name string) (File, error) {
	if err := f.check(OpOpen, name); err != nil {
		return nil, err
	}
	return f.wrap(name)(f.inner.Open(name))
}

// OpenWrite implements [FS].
func (f *Faulty) OpenWrite(name string) (File, error) {
	if err := f.check(OpOpen, name); err != nil {
		return nil, err
	}
	return f.wrap(name)(f.inner.OpenWrite(name))
}

// Rename implements [FS]; rules match either path.
func (f *Faulty) Rename(oldName, newName string) error {
	if err := f.check(OpRename, oldName+" "+newName); err != nil {
		return err
	}
	return f.inner.Rename(oldName, newName)
}

// Remove implements [FS].
func (f *Faulty) Remove(name string) error {
	if err := f.check(OpRemove, name); err != nil {
		return err
	}
	return f.inner.Remove(name)
}

// ReadDir implements [FS].
func (f *Faulty) ReadDir(dir string) ([]Info, error) {
	if err := f.check(OpReadDir, dir); err != nil {
		return nil, err
	}
	return f.inner.ReadDir(dir)
}

// MkdirAll implements [FS].
func (f *Faulty) MkdirAll(dir string) error {
	if err := f.check(OpMkdirAll, dir); err != nil {
		return err
	}
	return f.inner.MkdirAll(dir)
}

// Stat implements [FS]; it never fails by rule.
func (f *Faulty) Stat(name string) (Info, error) { return f.inner.Stat(name) }

// SyncDir implements [FS].
func (f *Faulty) SyncDir(dir string) error {
	if err := f.check(OpSyncDir, dir); err != nil {
		return err
	}
	return f.inner.SyncDir(dir)
}

// Free implements [FS]: the limit of SetSpace, else what is below.
func (f *Faulty) Free(path string) (int64, error) {
	f.mu.Lock()
	space := f.space
	f.mu.Unlock()
	if space >= 0 {
		return space, nil
	}
	return f.inner.Free(path)
}

func (f *Faulty) wrap(name string) func(File, error) (File, error) {
	return func(inner File, err error) (File, error) {
		if err != nil {
			return nil, err
		}
		return &faultyFile{File: inner, fs: f, name: name}, nil
	}
}

func (f *Faulty) check(op Op, name string) error {
	_, err := f.checkShort(op, name)
	return err
}

// checkShort finds the first rule that fails this call.
func (f *Faulty) checkShort(op Op, name string) (short int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.rules {
		if r.Op != op || !strings.Contains(name, r.Path) {
			continue
		}
		f.seen[i]++
		from := max(r.From, 1)
		if f.seen[i] >= from && (r.Times == 0 || f.seen[i] < from+r.Times) && err == nil {
			short, err = r.Short, pathError("fault", name, r.Err)
		}
	}
	return short, err
}

// takeSpace returns how many of n bytes fit.
func (f *Faulty) takeSpace(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.space < 0 {
		return n
	}
	fits := int(min(int64(n), f.space))
	f.space -= int64(fits)
	return fits
}

func (f *Faulty) damage(name string, p []byte, off int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rot {
		if i := r.Offset - off; i >= 0 && i < int64(len(p)) && strings.Contains(name, r.Path) {
			p[i] ^= r.Mask
		}
	}
}

type faultyFile struct {
	File
	fs       *Faulty
	name     string
	position int64 // follows the position of File for the offsets of damage
}

func (f *faultyFile) Read(p []byte) (int, error) {
	if err := f.fs.check(OpRead, f.name); err != nil {
		return 0, err
	}
	n, err := f.File.Read(p)
	f.fs.damage(f.name, p[:n], f.position)
	f.position += int64(n)
	return n, err
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.fs.check(OpRead, f.name); err != nil {
		return 0, err
	}
	n, err := f.File.ReadAt(p, off)
	f.fs.damage(f.name, p[:n], off)
	return n, err
}

func (f *faultyFile) Write(p []byte) (int, error) {
	short, ruleErr := f.fs.checkShort(OpWrite, f.name)
	if ruleErr != nil {
		return f.writeSome(p[:min(short, len(p))], ruleErr)
	}
	if fits := f.fs.takeSpace(len(p)); fits < len(p) {
		return f.writeSome(p[:fits], pathError("write", f.name, syscall.ENOSPC))
	}
	n, err := f.File.Write(p)
	f.position += int64(n)
	return n, err
}

func (f *faultyFile) writeSome(p []byte, failure error) (int, error) {
	if len(p) == 0 {
		return 0, failure
	}
	n, err := f.File.Write(p)
	f.position += int64(n)
	if err != nil {
		return n, err
	}
	return n, failure
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.fs.check(OpTruncate, f.name); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultyFile) Allocate(size int64) error {
	if err := f.fs.check(OpAllocate, f.name); err != nil {
		return err
	}
	return f.File.Allocate(size)
}

func (f *faultyFile) Zero(from, to int64) error {
	if err := f.fs.check(OpAllocate, f.name); err != nil {
		return err
	}
	return f.File.Zero(from, to)
}

func (f *faultyFile) WriteBack(from, to int64) error {
	if err := f.fs.check(OpWriteBack, f.name); err != nil {
		return err
	}
	return f.File.WriteBack(from, to)
}

func (f *faultyFile) Sync() error {
	if err := f.fs.check(OpSync, f.name); err != nil {
		return err
	}
	return f.File.Sync()
}
