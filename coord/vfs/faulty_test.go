package vfs

import (
	"errors"
	"syscall"
	"testing"
)

func TestFaultyRules(t *testing.T) {
	boom := errors.New("boom")
	f := NewFaulty(NewMemory())
	f.Add(Rule{Op: OpSync, Path: "log.", From: 2, Times: 1, Err: boom})
	log, err := f.Create("log.1")
	must(t, err)
	other, err := f.Create("snapshot.1")
	must(t, err)
	must(t, other.Sync()) // does not match, does not count
	must(t, log.Sync())
	if err := log.Sync(); !errors.Is(err, boom) {
		t.Fatalf("second sync: %v", err)
	}
	must(t, log.Sync())

	f.Add(Rule{Op: OpWrite, Err: boom, Short: 3})
	if n, err := log.Write([]byte("abcdef")); n != 3 || !errors.Is(err, boom) {
		t.Fatalf("short write = %d, %v", n, err)
	}
	wantSize(t, log, 3)
	f.Clear()
	write(t, log, "def")
	if got := readAll(t, f, "log.1"); got != "abcdef" {
		t.Fatalf("content = %q", got)
	}
}

func TestFaultyOperations(t *testing.T) {
	boom := errors.New("boom")
	calls := map[Op]func(f *Faulty, file File) error{
		OpCreate:    func(f *Faulty, _ File) error { _, err := f.Create("x"); return err },
		OpOpen:      func(f *Faulty, _ File) error { _, err := f.OpenWrite("f"); return err },
		OpRead:      func(_ *Faulty, file File) error { _, err := file.Read(make([]byte, 1)); return err },
		OpWrite:     func(_ *Faulty, file File) error { _, err := file.Write([]byte("x")); return err },
		OpTruncate:  func(_ *Faulty, file File) error { return file.Truncate(0) },
		OpAllocate:  func(_ *Faulty, file File) error { return file.Allocate(10) },
		OpWriteBack: func(_ *Faulty, file File) error { return file.WriteBack(0, 7) },
		OpSync:      func(_ *Faulty, file File) error { return file.Sync() },
		OpRename:    func(f *Faulty, _ File) error { return f.Rename("f", "g") },
		OpRemove:    func(f *Faulty, _ File) error { return f.Remove("f") },
		OpReadDir:   func(f *Faulty, _ File) error { _, err := f.ReadDir("/"); return err },
		OpMkdirAll:  func(f *Faulty, _ File) error { return f.MkdirAll("d") },
		OpSyncDir:   func(f *Faulty, _ File) error { return f.SyncDir("/") },
	}
	for op, call := range calls {
		f := NewFaulty(NewMemory())
		file, err := f.Create("f")
		must(t, err)
		write(t, file, "content")
		f.Add(Rule{Op: op, Err: boom})
		if err := call(f, file); !errors.Is(err, boom) {
			t.Errorf("op %d: %v, want the injected error", op, err)
		}
	}
}

func TestFaultySpace(t *testing.T) {
	f := NewFaulty(NewMemory())
	file, err := f.Create("f")
	must(t, err)
	f.SetSpace(5)
	write(t, file, "abc")
	if n, err := file.Write([]byte("defg")); n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("write over the limit = %d, %v", n, err)
	}
	if free, err := f.Free("/"); free != 0 || err != nil {
		t.Fatalf("Free = %d, %v", free, err)
	}
	f.SetSpace(-1)
	write(t, file, "fg")
	if got := readAll(t, f, "f"); got != "abcdefg" {
		t.Fatalf("content = %q", got)
	}
}

func TestFaultyRot(t *testing.T) {
	f := NewFaulty(NewMemory())
	file, err := f.Create("f")
	must(t, err)
	write(t, file, "abc")
	f.AddRot(Rot{Path: "f", Offset: 1, Mask: 'b' ^ 'X'})
	if got := readAll(t, f, "f"); got != "aXc" {
		t.Fatalf("Read = %q", got)
	}
	p := make([]byte, 2)
	if _, err := file.ReadAt(p, 1); err != nil || string(p) != "Xc" {
		t.Fatalf("ReadAt = %q, %v", p, err)
	}
}
