package view

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"kafkacoord/coord/store"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// Directory says which files to read: those of a server, running or stopped,
// or of a backup, in ZooKeeper's format.
type Directory struct {
	Path    string // dataDir, the parent of version-2, or version-2 itself
	LogPath string // dataLogDir; "" when it is the same
	Chroot  model.Chroot
	// At is the zxid as of which the cluster is shown; 0 is the newest. It can
	// be as old as the oldest snapshot.
	At wire.Zxid
	FS vfs.FS // nil is the real file system
}

// loadAttempts is how often files are read that a running server replaces
// meanwhile.
const loadAttempts = 3

// LoadDirectory reads a cluster from files, and changes nothing there.
//
// Errors: ErrNoChroot, ErrNoHistory, and those of store.Load.
func LoadDirectory(ctx context.Context, d Directory) (*View, error) {
	t, sessions, notes, err := d.read(ctx)
	if err != nil {
		return nil, fmt.Errorf("view: load %s: %w", d.Path, err)
	}
	v, err := d.viewOf(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("view: load %s from %s: %w", d.Chroot, d.Path, err)
	}
	v.Sessions = make(map[wire.SessionID]Session, len(sessions))
	for id, timeoutMillis := range sessions {
		v.Sessions[id] = Session{Timeout: time.Duration(timeoutMillis) * time.Millisecond}
	}
	for _, note := range notes {
		v.warn("", note)
	}
	return v, nil
}

// read gives the tree that the files hold.
func (d Directory) read(ctx context.Context) (*tree.Tree, map[wire.SessionID]int32, []string, error) {
	if d.At != 0 {
		h, err := d.openHistory(ctx, d.At)
		if err != nil {
			return nil, nil, nil, err
		}
		return h.tree, h.sessions, nil, h.close()
	}
	for attempt := 1; ; attempt++ {
		recovered, err := store.Load(d.fs(), d.options())
		switch {
		case err == nil && recovered.Tree != nil:
			return recovered.Tree, recovered.Sessions, recovered.Notes, nil
		case err == nil:
			return nil, nil, nil, ErrNoChroot // an empty directory
		case !errors.Is(err, fs.ErrNotExist) || attempt == loadAttempts:
			return nil, nil, nil, err
		}
	}
}

func (d Directory) fs() vfs.FS {
	if d.FS == nil {
		return vfs.OS()
	}
	return d.FS
}

// versionDirectory is the directory below dataDir and dataLogDir in which the
// files are (ZooKeeper: FileTxnSnapLog.java).
const versionDirectory = "version-2"

func (d Directory) options() store.Options {
	o := store.Options{DataDir: dataDirectory(d.Path), NoAutoCreateDirs: true, NoAutoCreateData: true, Tree: tree.Options{ExtendedTypes: true}}
	if d.LogPath != "" {
		o.LogDir = dataDirectory(d.LogPath)
	}
	return o
}

// dataDirectory takes version-2 off a path.
func dataDirectory(path string) string {
	if path = filepath.Clean(path); filepath.Base(path) == versionDirectory {
		return filepath.Dir(path)
	}
	return path
}

func (d Directory) snapshots() string { return filepath.Join(d.options().DataDir, versionDirectory) }

func (d Directory) logs() string {
	if d.LogPath == "" {
		return d.snapshots()
	}
	return filepath.Join(d.options().LogDir, versionDirectory)
}

// viewOf makes a view of a tree, without its sessions.
func (d Directory) viewOf(ctx context.Context, t *tree.Tree) (*View, error) {
	found := placesBelow(t, d.Chroot)
	if len(found) == 0 {
		return nil, ErrNoChroot
	}
	v := newView(Source{Kind: DataDirectory, Name: d.Path}, d.Chroot)
	v.HasACLs = true
	v.Zxid = t.Zxid()
	v.nodes = make(map[string]*Znode, len(found))
	for _, z := range parseAll(t, found) {
		v.put(z)
	}
	v.Taken = time.Now()
	return v, ctx.Err()
}

// place is where a tree has a node.
type place struct {
	path string // relative to the chroot
	ref  tree.Ref
}

// placesBelow lists the chroot and all below it, parents first; nothing if the
// chroot is not there.
func placesBelow(t *tree.Tree, chroot model.Chroot) []place {
	top := t.Find(chroot.Join(model.RootPath))
	if top == 0 {
		return nil
	}
	places := make([]place, 0, t.NumNodes())
	places = append(places, place{model.RootPath, top})
	for i := 0; i < len(places); i++ {
		prefix := childPrefix(places[i].path)
		for name := range t.Children(places[i].ref) {
			if path := prefix + name; !isReserved(chroot, path) {
				places = append(places, place{path, t.Find(chroot.Join(path))})
			}
		}
	}
	return places
}

// parseShare is how many nodes a processor parses at the least.
const parseShare = 4096

// parseAll makes nodes of what a tree has at some places. Parsing takes most of
// the time and reads only, so that all processors take a share.
func parseAll(t *tree.Tree, places []place) []*Znode {
	nodes := make([]*Znode, len(places))
	share := max(parseShare, (len(places)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var workers sync.WaitGroup
	for from := 0; from < len(places); from += share {
		to := min(from+share, len(places))
		workers.Go(func() {
			for i := from; i < to; i++ {
				nodes[i] = nodeAt(t, places[i])
			}
		})
	}
	workers.Wait()
	return nodes
}

func nodeAt(t *tree.Tree, p place) *Znode {
	return newZnode(p.path, bytes.Clone(t.Data(p.ref)), t.Stat(p.ref), t.ACL(p.ref))
}
