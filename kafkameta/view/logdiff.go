package view

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// LogChange is a change with the transaction that made it.
type LogChange struct {
	Zxid    wire.Zxid
	Time    time.Time      // on the clock of the server that led
	Session wire.SessionID // who asked for it
	Change
}

// DiffLog tells what the transactions after one zxid and up to another did to
// the cluster: each change by itself, in the order of the log, those of one
// transaction in its order. to 0 is the end of the log. Directory.At does not
// count. An error of tell ends it and is returned.
//
// Errors: ErrNoHistory when the files do not go back to from, and those of
// reading them.
func DiffLog(ctx context.Context, d Directory, from, to wire.Zxid, tell func(LogChange) error) error {
	if err := d.diffLog(ctx, from, to, tell); err != nil {
		return fmt.Errorf("view: read the log of %s: %w", d.Path, err)
	}
	return nil
}

func (d Directory) diffLog(ctx context.Context, from, to wire.Zxid, tell func(LogChange) error) error {
	h, err := d.openHistory(ctx, from)
	if err != nil {
		return err
	}
	defer func() { _ = h.close() }() // only read from
	v, err := d.viewOf(ctx, h.tree)
	switch {
	case errors.Is(err, ErrNoChroot):
		v = newView(Source{Kind: DataDirectory, Name: d.Path}, d.Chroot) // until it is created
	case err != nil:
		return err
	}
	if to == 0 {
		to = 1<<63 - 1
	}
	return h.advance(ctx, to, func(txn *wire.Txn, effects []tree.Change) error {
		for _, c := range d.carryOver(v, h.tree, txn, effects) {
			err := tell(LogChange{Zxid: txn.Zxid, Time: time.UnixMilli(int64(txn.Time)), Session: txn.Session, Change: c})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// carryOver makes the view show what a transaction has done to the tree.
func (d Directory) carryOver(v *View, t *tree.Tree, txn *wire.Txn, effects []tree.Change) []Change {
	var changes []Change
	done := make(map[string]bool)
	refresh := func(serverPath string) {
		path, inside := d.Chroot.Strip(serverPath)
		if !inside || done[path] || isReserved(d.Chroot, path) {
			return
		}
		done[path] = true
		before := v.At(path)
		ref := t.Find(serverPath)
		var after *Znode
		if ref != 0 {
			after = nodeAt(t, place{path, ref})
			v.put(after)
		} else if before != nil {
			v.remove(before, func(*Znode) {})
		}
		if c := (Change{before, after}); (before != nil || after != nil) && c.own() {
			changes = append(changes, c)
		}
	}
	for _, e := range effects {
		refresh(e.Path)
	}
	for _, path := range aclPaths(txn) {
		refresh(path)
	}
	for path := range done {
		if z := v.At(parentOf(path)); z != nil {
			if ref := t.Find(d.Chroot.Join(z.Path)); ref != 0 && t.Stat(ref) != z.Stat {
				v.with(z, func(c *Znode) { c.Stat = t.Stat(ref) })
			}
		}
	}
	return changes
}

// aclPaths are the nodes whose ACL a transaction sets, of which the tree tells
// no watcher.
func aclPaths(txn *wire.Txn) []string {
	var paths []string
	if txn.Type == wire.OpSetACL {
		paths = append(paths, txn.Path)
	}
	for i := range txn.Subs {
		paths = append(paths, aclPaths(&txn.Subs[i])...)
	}
	return paths
}
