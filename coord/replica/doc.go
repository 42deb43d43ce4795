// Package replica runs one server: the goroutines around a core.Core.
//
// The core belongs to whoever has the turn, and a turn takes everything that
// connections and the log have queued since the one before. A loop has it while
// there is much to do; a goroutine that submits while nobody has it takes it
// itself. One log writer owns the open log: it writes and syncs all that is
// queued in one go while the next turn is taken, and queues for it what is
// durable. A snapshotter exists while a snapshot is written; a purger removes
// old files.
//
// Promises: nothing is acknowledged before it is durable; a connection gets at
// most one write per turn; an error of the log ends the server, because what
// the disk holds is unknown after it. See DESIGN.md.
package replica
