package vfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"testing"
)

// TestFileSystems runs one story on every implementation: they must agree.
func TestFileSystems(t *testing.T) {
	systems := map[string]FS{
		"os":     OS(),
		"memory": NewMemory(),
		"faulty": NewFaulty(NewMemory()),
	}
	for name, fsys := range systems {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a", "b")
			must(t, fsys.MkdirAll(dir))
			must(t, fsys.MkdirAll(dir))

			path := filepath.Join(dir, "file")
			if _, err := fsys.Open(path); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("Open of a missing file: %v", err)
			}
			f, err := fsys.Create(path)
			must(t, err)
			write(t, f, "hello ")
			must(t, f.Allocate(4096))
			must(t, f.Allocate(100)) // never shrinks
			write(t, f, "world")     // never moves the position
			must(t, f.WriteBack(0, 11))
			must(t, f.WriteBack(11, 1<<20)) // beyond the end there is nothing to do
			must(t, f.Sync())
			wantSize(t, f, 4096)
			must(t, f.Close())
			must(t, fsys.SyncDir(dir))

			w, err := fsys.OpenWrite(path)
			must(t, err)
			must(t, w.Truncate(11))
			must(t, w.Truncate(14))
			buf := make([]byte, 20)
			n, err := w.ReadAt(buf, 3)
			if err != io.EOF || string(buf[:n]) != "lo world\x00\x00\x00" {
				t.Fatalf("ReadAt = %q, %v", buf[:n], err)
			}
			write(t, w, "J")
			must(t, w.Close())

			must(t, fsys.Rename(path, filepath.Join(dir, "renamed")))
			if got := readAll(t, fsys, filepath.Join(dir, "renamed")); got != "Jello world\x00\x00\x00" {
				t.Fatalf("content = %q", got)
			}
			must(t, fsys.MkdirAll(filepath.Join(dir, "sub")))
			infos, err := fsys.ReadDir(dir)
			must(t, err)
			if len(infos) != 2 || infos[0].Name != "renamed" || infos[0].Size != 14 || infos[0].Dir ||
				infos[1].Name != "sub" || !infos[1].Dir || infos[1].Size != 0 {
				t.Fatalf("ReadDir = %+v", infos)
			}
			info, err := fsys.Stat(filepath.Join(dir, "renamed"))
			if err != nil || info.Size != 14 {
				t.Fatalf("Stat = %+v, %v", info, err)
			}
			if free, err := fsys.Free(dir); err != nil || free <= 0 {
				t.Fatalf("Free = %d, %v", free, err)
			}
			must(t, fsys.Remove(filepath.Join(dir, "renamed")))
			if err := fsys.Remove(filepath.Join(dir, "renamed")); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("second Remove: %v", err)
			}
			if err := fsys.Remove(dir); err == nil {
				t.Fatal("removed a directory that is not empty")
			}
			must(t, fsys.Remove(filepath.Join(dir, "sub")))
			must(t, fsys.Remove(dir))
			if _, err := fsys.ReadDir(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("ReadDir of a removed directory: %v", err)
			}
		})
	}
}

func TestReadOnlyFilesRefuseChanges(t *testing.T) {
	m := NewMemory()
	f, err := m.Create("f")
	must(t, err)
	must(t, f.Close())
	for name, fsys := range map[string]FS{"memory": m, "faulty": NewFaulty(m)} {
		r, err := fsys.Open("f")
		must(t, err)
		if _, err := r.Write([]byte("x")); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: Write on a read-only file: %v", name, err)
		}
		must(t, r.Close())
		if err := r.Close(); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: second Close: %v", name, err)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, f File, s string) {
	t.Helper()
	n, err := f.Write([]byte(s))
	if n != len(s) || err != nil {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

func wantSize(t testing.TB, f File, want int64) {
	t.Helper()
	if got, err := f.Size(); got != want || err != nil {
		t.Fatalf("Size = %d, %v, want %d", got, err, want)
	}
}

func readAll(t testing.TB, fsys FS, name string) string {
	t.Helper()
	f, err := fsys.Open(name)
	must(t, err)
	var b bytes.Buffer
	_, err = b.ReadFrom(f)
	must(t, err)
	must(t, f.Close())
	return b.String()
}
