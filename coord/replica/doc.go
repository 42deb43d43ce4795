// Package replica runs one server: the goroutines around a core.Core.
//
// One loop owns the core and takes everything that connections and the log
// have queued since its last turn. One log writer owns the open log: it writes
// and syncs all that is queued in one go while the loop takes the next turn,
// and tells the loop what is durable. A snapshotter exists while a snapshot is
// written; a purger removes old files.
//
// Promises: nothing is acknowledged before it is durable; a connection gets at
// most one write per turn; an error of the log ends the server, because what
// the disk holds is unknown after it. See DESIGN.md.
package replica
