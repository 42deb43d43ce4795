// Package tree is the znode tree: it applies transactions, answers reads and
// gives immutable views for snapshots.
//
// The tree is a compact, nearly pointer-free structure: records live in chunks,
// names and data in slabs, lookups go through one hash index over full paths.
// A million small znodes cost the garbage collector a few thousand pointers.
//
// The tree has one owner (the server's loop). A View may be read by another
// goroutine while the owner goes on applying: chunks are copied on the first
// write after the view was taken, and freed slab space is not reused before the
// view is released.
//
// The tree decides nothing: whether an operation is allowed was settled before
// its transaction was written (package prep). Apply therefore cannot fail; it
// reports what a replay onto a newer snapshot tolerates. The tree answers to
// ZooKeeper's DataTree, DataNode, DigestCalculator, ReferenceCountedACLCache,
// EphemeralType and StatsTrack.
package tree
