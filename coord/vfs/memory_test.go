package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// synced makes a file whose content and name are durable.
func synced(t *testing.T, m *Memory, name, content string) File {
	t.Helper()
	f, err := m.Create(name)
	must(t, err)
	write(t, f, content)
	must(t, f.Sync())
	must(t, m.SyncDir("/"))
	return f
}

func TestCrashEnds(t *testing.T) {
	for seed, want := range []string{"durable", "durable, not synced"} {
		m := NewMemory()
		f := synced(t, m, "f", "durable")
		write(t, f, ", not synced")
		_, err := m.Create("new")
		must(t, err)
		m.Crash(uint64(seed))
		if got := readAll(t, m, "f"); got != want {
			t.Errorf("seed %d: content %q, want %q", seed, got, want)
		}
		if _, err := m.Stat("new"); errors.Is(err, fs.ErrNotExist) != (seed == 0) {
			t.Errorf("seed %d: unsynced name: %v", seed, err)
		}
		if _, err := f.Write([]byte("x")); !errors.Is(err, ErrCrashed) {
			t.Errorf("file of before the crash: %v", err)
		}
	}
}

// TestCrashTears checks that, over many seeds, a crash gives many prefixes of
// an unsynced write in one mode and holes in the other, and never touches
// what was synced.
func TestCrashTears(t *testing.T) {
	tail := strings.Repeat("t", 3*sectorBytes)
	prefixes, holes := map[int]bool{}, 0
	for seed := range uint64(4000) {
		m := NewMemory()
		f := synced(t, m, "f", "durable")
		write(t, f, tail)
		m.Crash(seed)
		got := readAll(t, m, "f")
		if !strings.HasPrefix(got, "durable") {
			t.Fatalf("seed %d: synced bytes are gone: %q", seed, got)
		}
		rest := got[len("durable"):]
		if strings.Trim(rest, "t") != "" {
			holes++
			if seed%2 == 0 {
				t.Fatalf("seed %d: hole in the ordered mode", seed)
			}
		} else if seed%2 == 0 {
			prefixes[len(rest)] = true
		}
	}
	if len(prefixes) < len(tail)/4 || holes == 0 {
		t.Errorf("%d prefixes, %d holes: too few kinds of damage", len(prefixes), holes)
	}
}

func TestCrashOfRename(t *testing.T) {
	outcomes := map[string]bool{}
	for seed := range uint64(64) {
		m := NewMemory()
		must(t, synced(t, m, "f", "old").Close())
		tmp := synced(t, m, "f.tmp", "new")
		must(t, tmp.Close())
		must(t, m.Rename("f.tmp", "f"))
		m.Crash(seed)
		// The rename is atomic: one of the two states, never a third.
		_, err := m.Stat("f.tmp")
		outcome := fmt.Sprintf("%s tmp=%t", readAll(t, m, "f"), err == nil)
		outcomes[outcome] = true
	}
	if len(outcomes) != 2 || !outcomes["old tmp=true"] || !outcomes["new tmp=false"] {
		t.Errorf("outcomes = %v", outcomes)
	}
}

func TestCrashIsDeterministic(t *testing.T) {
	run := func(seed uint64) string {
		m := NewMemory()
		for i := range 8 {
			f, err := m.Create(fmt.Sprintf("f%d", i))
			must(t, err)
			for range 5 {
				write(t, f, strings.Repeat("x", 700))
			}
		}
		m.Crash(seed)
		var b strings.Builder
		infos, err := m.ReadDir("/")
		must(t, err)
		for _, info := range infos {
			fmt.Fprintf(&b, "%s=%s\n", info.Name, readAll(t, m, info.Name))
		}
		return b.String()
	}
	for seed := range uint64(50) {
		if first, second := run(seed), run(seed); first != second {
			t.Fatalf("seed %d: two runs differ", seed)
		}
	}
}

func TestCrashAfterCountsOperations(t *testing.T) {
	m := NewMemory()
	f := synced(t, m, "f", "")
	before := m.Operations()
	m.CrashAfter(2)
	write(t, f, "a")
	if err := f.Sync(); err != nil {
		t.Fatalf("the second operation must pass: %v", err)
	}
	for name, call := range map[string]func() error{
		"write": func() error { _, err := f.Write([]byte("b")); return err },
		"read":  func() error { _, err := f.Read(make([]byte, 1)); return err },
		"open":  func() error { _, err := m.Open("f"); return err },
		"mkdir": func() error { return m.MkdirAll("d") },
	} {
		if err := call(); !errors.Is(err, ErrCrashed) {
			t.Errorf("%s after the power loss: %v", name, err)
		}
	}
	if got := m.Operations() - before; got != 2 {
		t.Errorf("%d operations counted, want 2", got)
	}
	clone := m.Clone()
	m.Crash(1)
	clone.Crash(0)
	if a, b := readAll(t, m, "f"), readAll(t, clone, "f"); a != "a" || b != "a" {
		t.Errorf("after the crash: %q, %q, want the synced a", a, b)
	}
}

func TestDirectoriesCanBeLost(t *testing.T) {
	m := NewMemory()
	must(t, m.MkdirAll("data/version-2"))
	m.Crash(0)
	if _, err := m.Stat("data"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("an unsynced directory survived: %v", err)
	}
	must(t, m.MkdirAll("data/version-2"))
	must(t, m.SyncDir("data"))
	must(t, m.SyncDir("/"))
	m.Crash(0)
	if _, err := m.Stat("data/version-2"); err != nil {
		t.Fatal(err)
	}
}
