package store

import (
	"errors"
	"fmt"

	"kafkacoord/coord/wire"
)

// ErrNoSnapshot says that there are logs but no snapshot to apply them to.
var ErrNoSnapshot = errors.New("logs without any snapshot")

// ErrUnreachable says that a truncation to a zxid is impossible with the files
// at hand: the record or a snapshot before it is gone.
var ErrUnreachable = errors.New("the files do not lead to that zxid")

// CorruptionError is damage in a file that is not the torn tail of a crash.
// What can be done: restore the file from a backup or, for a member of an
// ensemble, empty its data directory and let it synchronise again.
type CorruptionError struct {
	File   string
	Offset int64  // bytes from the start; for compressed snapshots of the content
	Reason string // what is wrong there
	Err    error  // the cause, if another error is one
}

// Error names file, offset and reason.
func (e *CorruptionError) Error() string {
	s := fmt.Sprintf("store: %s is damaged at byte %d: %s", e.File, e.Offset, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *CorruptionError) Unwrap() error { return e.Err }

// GapError says that transactions are missing between two that are there.
// Within an epoch zxids have no holes, so either a log file is gone or damage
// hides its rest. Java replays over the hole; [Options.AcceptGaps] does too.
type GapError struct {
	After wire.Zxid // last transaction, or snapshot, before the hole
	Next  wire.Zxid // first after it
	File  string    // that holds Next
}

// Error names the hole.
func (e *GapError) Error() string {
	return fmt.Sprintf("store: the transactions after %v and before %v, with which %s begins, are missing; "+
		"restore the log files, or empty this member's data directory so that it synchronises again, "+
		"or accept the loss with coord.recovery.acceptGaps=true", e.After, e.Next, e.File)
}

// isGap tells whether transactions must be missing between two zxids. An
// epoch starts at counter 1; how far the one before went is not known.
func isGap(after, next wire.Zxid) bool {
	if next.Epoch() == after.Epoch() {
		return next.Counter() > after.Counter()+1
	}
	return next.Epoch() > after.Epoch() && next.Counter() > 1
}
