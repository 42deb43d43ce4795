package vfs

import (
	"os"
)

// Permissions of what [OS] makes, before the umask; those that Java uses.
const (
	filePermissions      = 0o666
	directoryPermissions = 0o777
)

// OS returns the real file system.
func OS() FS { return osFS{} }

type osFS struct{}

func (osFS) Create(name string) (File, error) {
	return openOS(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (osFS) Open(name string) (File, error) {
	return openOS(name, os.O_RDONLY)
}

func (osFS) OpenWrite(name string) (File, error) {
	return openOS(name, os.O_RDWR)
}

func (osFS) Rename(oldName, newName string) error { return os.Rename(oldName, newName) }

func (osFS) Remove(name string) error { return os.Remove(name) }

func (osFS) ReadDir(dir string) ([]Info, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(entries))
	for _, e := range entries {
		fi, err := e.Info()
		if os.IsNotExist(err) {
			continue // removed since the listing
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, infoOf(fi))
	}
	return infos, nil
}

func (osFS) MkdirAll(dir string) error { return os.MkdirAll(dir, directoryPermissions) }

func (osFS) Stat(name string) (Info, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return Info{}, err
	}
	return infoOf(fi), nil
}

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		_ = d.Close() // the sync error is the one that matters
		return err
	}
	return d.Close()
}

func (osFS) Free(path string) (int64, error) { return freeBytes(path) }

func openOS(name string, flags int) (File, error) {
	f, err := os.OpenFile(name, flags, filePermissions)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func infoOf(fi os.FileInfo) Info {
	info := Info{Name: fi.Name(), Dir: fi.IsDir(), ModTime: fi.ModTime()}
	if !info.Dir {
		info.Size = fi.Size()
	}
	return info
}

type osFile struct{ f *os.File }

func (o osFile) Read(p []byte) (int, error)              { return o.f.Read(p) }
func (o osFile) ReadAt(p []byte, off int64) (int, error) { return o.f.ReadAt(p, off) }
func (o osFile) Write(p []byte) (int, error)             { return o.f.Write(p) }
func (o osFile) Close() error                            { return o.f.Close() }
func (o osFile) Truncate(size int64) error               { return o.f.Truncate(size) }
func (o osFile) WriteBack(from, to int64) error          { return writeBack(o.f, from, to) }
func (o osFile) Sync() error                             { return syncData(o.f) }

func (o osFile) Allocate(size int64) error {
	present, err := o.Size()
	if err != nil || size <= present {
		return err
	}
	_, err = o.f.WriteAt([]byte{0}, size-1)
	return err
}

// zeroes is what Zero writes from; nobody changes it.
var zeroes [64 << 10]byte

func (o osFile) Zero(from, to int64) error {
	for from < to {
		n, err := o.f.WriteAt(zeroes[:min(to-from, int64(len(zeroes)))], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

func (o osFile) Size() (int64, error) {
	fi, err := o.f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}
