package watch

import (
	"strings"

	"kafkacoord/coord/wire"
)

// ConnID is the caller's number for a connection. Numbers should be small and
// reused: the table keeps a slot for every number up to the largest.
type ConnID uint32

// Kind is what a registration asks for.
type Kind uint8

// Kinds of registration.
const (
	Data                Kind = iota // getData and exists: standard, data table
	Child                           // getChildren: standard, child table
	Persistent                      // addWatch mode 0: both tables
	PersistentRecursive             // addWatch mode 1: data table
)

// modes is the set of modes of one connection on one path, in both tables.
type modes uint8

const (
	dataStandard modes = 1 << iota
	dataPersistent
	dataRecursive
	childStandard
	childPersistent

	dataModes  = dataStandard | dataPersistent | dataRecursive
	childModes = childStandard | childPersistent
	allModes   = dataModes | childModes
)

var modesOfKind = [...]modes{
	Data:                dataStandard,
	Child:               childStandard,
	Persistent:          dataPersistent | childPersistent,
	PersistentRecursive: dataRecursive,
}

// modesOfType maps a watcher type of checkWatches and removeWatches to the
// modes it means.
func modesOfType(watcherType int32) modes {
	switch watcherType {
	case wire.WatcherChildren:
		return childStandard
	case wire.WatcherData:
		return dataStandard
	case wire.WatcherAny:
		return allModes
	case wire.WatcherPersistent:
		return dataPersistent | childPersistent
	case wire.WatcherPersistentRecursive:
		return dataRecursive
	}
	return 0
}

// record is one connection's watch on one path: a member of two lists. The
// links are indexes into Table.records, 0 is none.
type record struct {
	path               uint32 // index into Table.watched
	conn               ConnID
	pathNext, pathPrev uint32
	connNext, connPrev uint32
	modes              modes // never 0
}

// watched is a path with at least one watch.
type watched struct {
	path       string
	head, tail uint32 // its records, in the order of registration
	records    uint32
	data       uint32 // records with a data mode
	child      uint32 // records with a child mode
	recursive  uint32 // records with dataRecursive
	indexed    bool   // its records are in Table.pairs
}

type connection struct {
	head   uint32 // its records
	data   uint32 // records with a data mode
	serial uint32 // the last event it was told of
}

type pair struct {
	path uint32
	conn ConnID
}

// indexAbove is the number of watchers of one path from which on they are found
// through an index instead of by walking them.
const indexAbove = 8

// Table holds all watches of a server. The zero value is not usable.
type Table struct {
	paths   map[string]uint32 // into watched
	pairs   map[pair]uint32   // into records, for paths with many watchers
	watched slab[watched]
	records slab[record]
	conns   []connection // by ConnID

	counts    Counts
	recursive int    // records with dataRecursive; 0 spares walking ancestors
	serial    uint32 // of the event being delivered
}

// Counts are sizes of the tables. A watch is counted once per path and
// connection, whatever its modes.
type Counts struct {
	DataPaths   int // paths with a data watch
	DataConns   int // connections with a data watch
	DataWatches int
	// ChildWatches is the size of the child table. ZooKeeper's wchs, wchc and
	// wchp leave that table out; its metric watch_count adds both.
	ChildWatches int
}

// Total is the number of watches in both tables, ZooKeeper's watch_count.
func (c Counts) Total() int { return c.DataWatches + c.ChildWatches }

// New returns an empty table.
func New() *Table {
	return &Table{paths: make(map[string]uint32), pairs: make(map[pair]uint32)}
}

// Counts returns the current sizes; it costs nothing.
func (t *Table) Counts() Counts { return t.counts }

// Add registers a watch. Registering again what is there changes nothing; a new
// mode is added to those the connection has. The path is copied, so it may
// alias a buffer that is reused.
func (t *Table) Add(path string, c ConnID, k Kind) {
	p, known := t.paths[path]
	if !known {
		path = strings.Clone(path)
		p = t.watched.add(watched{path: path})
		t.paths[path] = p
	}
	for int(c) >= len(t.conns) {
		t.conns = append(t.conns, connection{})
	}
	r := t.find(p, c)
	if r == 0 {
		r = t.link(p, c)
	}
	t.setModes(r, t.records.at(r).modes|modesOfKind[k])
}

// Remove drops the modes that a watcher type (a wire.Watcher… constant) stands
// for and tells whether there were any.
func (t *Table) Remove(path string, c ConnID, watcherType int32) bool {
	r := t.lookup(path, c)
	if r == 0 {
		return false
	}
	have, drop := t.records.at(r).modes, modesOfType(watcherType)
	if have&drop == 0 {
		return false
	}
	t.setModes(r, have&^drop)
	return true
}

// Has tells whether Remove would find something.
func (t *Table) Has(path string, c ConnID, watcherType int32) bool {
	r := t.lookup(path, c)
	return r != 0 && t.records.at(r).modes&modesOfType(watcherType) != 0
}

// RemoveConn drops every watch of a connection, whose number may then be used
// for another.
func (t *Table) RemoveConn(c ConnID) {
	if int(c) >= len(t.conns) {
		return
	}
	for r := t.conns[c].head; r != 0; r = t.conns[c].head {
		t.setModes(r, 0)
	}
}

func (t *Table) lookup(path string, c ConnID) uint32 {
	if p, known := t.paths[path]; known {
		return t.find(p, c)
	}
	return 0
}

// find returns the record of a connection on a path, or 0.
func (t *Table) find(p uint32, c ConnID) uint32 {
	w := t.watched.at(p)
	if w.indexed {
		return t.pairs[pair{p, c}]
	}
	r := w.head
	for r != 0 && t.records.at(r).conn != c {
		r = t.records.at(r).pathNext
	}
	return r
}

// link makes a record without modes, last in its path's list.
func (t *Table) link(p uint32, c ConnID) uint32 {
	w, owner := t.watched.at(p), &t.conns[c]
	r := t.records.add(record{path: p, conn: c, pathPrev: w.tail, connNext: owner.head})
	if w.tail == 0 {
		w.head = r
	} else {
		t.records.at(w.tail).pathNext = r
	}
	w.tail = r
	if owner.head != 0 {
		t.records.at(owner.head).connPrev = r
	}
	owner.head = r
	w.records++
	switch {
	case w.indexed:
		t.pairs[pair{p, c}] = r
	case w.records > indexAbove:
		w.indexed = true
		for r := w.head; r != 0; r = t.records.at(r).pathNext {
			t.pairs[pair{p, t.records.at(r).conn}] = r
		}
	}
	return r
}

// setModes is the one place where modes and the counts that follow from them
// change. A record left without modes is removed.
func (t *Table) setModes(r uint32, now modes) {
	rec := t.records.at(r)
	was := rec.modes
	rec.modes = now
	w, c := t.watched.at(rec.path), &t.conns[rec.conn]
	switch had, has := was&dataModes != 0, now&dataModes != 0; {
	case !had && has:
		t.counts.DataWatches++
		if w.data++; w.data == 1 {
			t.counts.DataPaths++
		}
		if c.data++; c.data == 1 {
			t.counts.DataConns++
		}
	case had && !has:
		t.counts.DataWatches--
		if w.data--; w.data == 0 {
			t.counts.DataPaths--
		}
		if c.data--; c.data == 0 {
			t.counts.DataConns--
		}
	}
	switch had, has := was&childModes != 0, now&childModes != 0; {
	case !had && has:
		t.counts.ChildWatches++
		w.child++
	case had && !has:
		t.counts.ChildWatches--
		w.child--
	}
	switch had, has := was&dataRecursive != 0, now&dataRecursive != 0; {
	case !had && has:
		t.recursive++
		w.recursive++
	case had && !has:
		t.recursive--
		w.recursive--
	}
	if now == 0 {
		t.unlink(r)
	}
}

// unlink takes a record out of its lists and frees it, its path too when it was
// the last one there.
func (t *Table) unlink(r uint32) {
	rec := *t.records.at(r)
	w := t.watched.at(rec.path)
	if rec.pathPrev == 0 {
		w.head = rec.pathNext
	} else {
		t.records.at(rec.pathPrev).pathNext = rec.pathNext
	}
	if rec.pathNext == 0 {
		w.tail = rec.pathPrev
	} else {
		t.records.at(rec.pathNext).pathPrev = rec.pathPrev
	}
	if rec.connPrev == 0 {
		t.conns[rec.conn].head = rec.connNext
	} else {
		t.records.at(rec.connPrev).connNext = rec.connNext
	}
	if rec.connNext != 0 {
		t.records.at(rec.connNext).connPrev = rec.connPrev
	}
	if w.indexed {
		delete(t.pairs, pair{rec.path, rec.conn})
	}
	t.records.remove(r)
	if w.records--; w.records == 0 {
		delete(t.paths, w.path)
		t.watched.remove(rec.path)
	}
	if len(t.paths) == 0 {
		t.shrink()
	}
}

// shrink gives back the memory of a table that was large and is empty now: maps
// and slabs do not shrink by themselves.
func (t *Table) shrink() {
	if t.records.release() {
		t.pairs = make(map[pair]uint32)
	}
	if t.watched.release() {
		t.paths = make(map[string]uint32)
	}
}
