package vfs

import (
	"io"
	"maps"
	"math/rand/v2"
	"slices"
)

// sectorBytes is what a disk writes atomically at the least.
const sectorBytes = 512

// Crash ends a simulated power loss: of everything that was not synced the
// seed decides what reached the disk. Seeds 0 and 1 are the two ends: nothing
// unsynced survives, everything survives. Of the others even ones keep for
// each file and directory a prefix of the changes in order, the last one torn
// at any byte; odd ones keep any subset of changes, writes cut into sectors
// that survive one by one. All open files are dead afterwards.
func (m *Memory) Crash(seed uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.generation++
	m.crashAt = -1
	m.root.crash(survival{seed: seed, random: rand.New(rand.NewPCG(seed, 0x5EED))})
}

// Clone copies the file system with everything unsynced, so that one moment
// can be crashed with many seeds. Open files stay with the original.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{
		root:       m.root.clone(map[*inode]*inode{}),
		generation: m.generation + 1,
		operations: m.operations,
		crashAt:    m.crashAt,
		freeSpace:  m.freeSpace,
	}
}

// survival decides which unsynced changes outlive a crash.
type survival struct {
	seed   uint64
	random *rand.Rand
}

func (s survival) nothing() bool   { return s.seed == 0 }
func (s survival) scattered() bool { return s.seed > 1 && s.seed%2 == 1 }

// prefix is how many of n changes, the oldest first, can have survived.
func (s survival) prefix(n int) int {
	switch {
	case s.nothing():
		return 0
	case s.seed == 1 || s.scattered():
		return n
	}
	return s.random.IntN(n + 1)
}

// inode is a file or a directory. Its present state is what readers see; the
// durable state plus the unsynced changes in order give the present state.
type inode struct {
	present, durable contents
	unsynced         []contentChange

	entries         map[string]*inode // nil for files
	durableEntries  map[string]*inode
	unsyncedEntries []entryChange
}

// contents are the bytes of a file. All bytes from len(data) to size are
// zero, which keeps preallocated logs cheap.
type contents struct {
	data []byte
	size int64
}

// contentChange is a write, or a truncation when data is nil.
type contentChange struct {
	offset int64 // of the write, or the new size
	data   []byte
}

// entryChange is one change of a directory, atomic as in a journaling file
// system: remove a name, set a name, or both (rename).
type entryChange struct {
	remove string // "" for none
	set    string // "" for none
	node   *inode
}

func newDirectory() *inode {
	return &inode{entries: map[string]*inode{}, durableEntries: map[string]*inode{}}
}

func (n *inode) isDir() bool { return n.entries != nil }

func (n *inode) write(offset int64, p []byte) {
	c := contentChange{offset: offset, data: append([]byte{}, p...)}
	n.unsynced = append(n.unsynced, c)
	n.present.apply(c)
}

func (n *inode) truncate(size int64) {
	c := contentChange{offset: size}
	n.unsynced = append(n.unsynced, c)
	n.present.apply(c)
}

func (n *inode) syncContents() {
	for _, c := range n.unsynced {
		n.durable.apply(c)
	}
	n.unsynced = nil
}

func (n *inode) link(name string, node *inode) { n.changeEntry(entryChange{set: name, node: node}) }
func (n *inode) unlink(name string)            { n.changeEntry(entryChange{remove: name}) }
func (n *inode) rename(oldName, newName string) {
	n.changeEntry(entryChange{remove: oldName, set: newName, node: n.entries[oldName]})
}

func (n *inode) changeEntry(c entryChange) {
	n.unsyncedEntries = append(n.unsyncedEntries, c)
	c.apply(n.entries)
}

func (n *inode) syncEntries() {
	for _, c := range n.unsyncedEntries {
		c.apply(n.durableEntries)
	}
	n.unsyncedEntries = nil
}

func (c entryChange) apply(entries map[string]*inode) {
	if c.remove != "" {
		delete(entries, c.remove)
	}
	if c.set != "" {
		entries[c.set] = c.node
	}
}

// crash settles this inode and what its surviving entries name, in the order
// of names so that one seed always decides alike.
func (n *inode) crash(s survival) {
	if !n.isDir() {
		n.crashContents(s)
		return
	}
	for _, c := range n.unsyncedEntries[:s.prefix(len(n.unsyncedEntries))] {
		if !s.scattered() || s.random.IntN(2) == 0 {
			c.apply(n.durableEntries)
		}
	}
	n.unsyncedEntries = nil
	n.entries = maps.Clone(n.durableEntries)
	for _, name := range slices.Sorted(maps.Keys(n.entries)) {
		n.entries[name].crash(s)
	}
}

func (n *inode) crashContents(s survival) {
	kept := n.unsynced[:s.prefix(len(n.unsynced))]
	for _, c := range kept {
		if !s.scattered() || s.random.IntN(2) == 0 {
			n.durable.apply(c)
			continue
		}
		for _, sector := range c.sectors() {
			if s.random.IntN(2) == 0 {
				n.durable.apply(sector)
			}
		}
	}
	if rest := n.unsynced[len(kept):]; !s.nothing() && len(rest) > 0 && len(rest[0].data) > 0 {
		torn := rest[0]
		torn.data = torn.data[:s.random.IntN(len(torn.data))+1]
		n.durable.apply(torn)
	}
	n.unsynced = nil
	n.present = contents{data: slices.Clone(n.durable.data), size: n.durable.size}
}

// sectors cuts a write into the pieces that a disk writes atomically. A
// truncation has none: it is kept or lost as a whole.
func (c contentChange) sectors() []contentChange {
	var pieces []contentChange
	for from := 0; from < len(c.data); {
		offset := c.offset + int64(from)
		to := min(len(c.data), from+sectorBytes-int(offset%sectorBytes))
		pieces = append(pieces, contentChange{offset: offset, data: c.data[from:to]})
		from = to
	}
	return pieces
}

func (n *inode) clone(seen map[*inode]*inode) *inode {
	if n == nil {
		return nil
	}
	if c := seen[n]; c != nil {
		return c
	}
	c := &inode{
		present:  contents{slices.Clone(n.present.data), n.present.size},
		durable:  contents{slices.Clone(n.durable.data), n.durable.size},
		unsynced: slices.Clone(n.unsynced), // the bytes of a change never change
	}
	seen[n] = c
	if n.isDir() {
		c.entries = cloneEntries(n.entries, seen)
		c.durableEntries = cloneEntries(n.durableEntries, seen)
		for _, change := range n.unsyncedEntries {
			change.node = change.node.clone(seen)
			c.unsyncedEntries = append(c.unsyncedEntries, change)
		}
	}
	return c
}

func cloneEntries(entries map[string]*inode, seen map[*inode]*inode) map[string]*inode {
	c := make(map[string]*inode, len(entries))
	for name, node := range entries {
		c[name] = node.clone(seen)
	}
	return c
}

func (c *contents) apply(change contentChange) {
	if change.data == nil {
		c.size = change.offset
		if int64(len(c.data)) > c.size {
			c.data = c.data[:c.size]
		}
		return
	}
	end := change.offset + int64(len(change.data))
	if grow := end - int64(len(c.data)); grow > 0 {
		c.data = append(c.data, make([]byte, grow)...)
	}
	copy(c.data[change.offset:], change.data)
	c.size = max(c.size, end)
}

func (c *contents) readAt(p []byte, off int64) (int, error) {
	if off >= c.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), c.size-off))
	copied := 0
	if off < int64(len(c.data)) {
		copied = copy(p[:n], c.data[off:])
	}
	clear(p[copied:n])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
