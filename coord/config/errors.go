package config

import (
	"errors"
	"strconv"
	"strings"
)

// Exit codes of the process, as scripts around ZooKeeper know them.
// ZooKeeper: ExitCode.java.
const (
	ExitUnexpected         = 1
	ExitInvalidInvocation  = 2
	ExitUnableToAccessData = 3
	ExitUnableToBindQuorum = 14
)

// Error is one thing wrong with the configuration. A file with several faults
// gives several, joined; ExitCode reads the code out of either.
type Error struct {
	// File is the file at fault; empty for arguments and -D properties.
	File string
	// Line is the 1-based line in File, 0 when no single line is at fault.
	Line int
	// Key is the key at fault, empty when the file as a whole is.
	Key string
	// Text holds ZooKeeper's own wording where there is one, and what to do.
	Text string
	// Exit is the exit code the process ends with.
	Exit int
	// Cause is the error below this one, may be nil.
	Cause error
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			b.WriteString(":" + strconv.Itoa(e.Line))
		}
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Text)
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// ExitCode is the exit code for err: that of the first *Error in its chain,
// 1 for any other error, 0 for nil.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Exit
	}
	return ExitUnexpected
}

// WarningKind sorts warnings for callers that treat some as errors.
type WarningKind uint8

// The kinds of warnings.
const (
	// WarnUnknown: no ZooKeeper release and no part of this server knows the key.
	WarnUnknown WarningKind = iota
	// WarnNoEffect: the key is known and has no meaning for this server.
	WarnNoEffect
	// WarnNotYet: the key is understood and kept, but nothing acts on it yet.
	WarnNotYet
	// WarnValue: the value was replaced by another one, as ZooKeeper does.
	WarnValue
	// WarnUnsafe: the setting is honoured and gives up safety.
	WarnUnsafe
	// WarnSpelling: the key works under another name or in another place.
	WarnSpelling
)

// Warning is one remark about the configuration for the start-up log.
type Warning struct {
	Kind WarningKind
	// Key is the key as the operator wrote it.
	Key string
	// Origin is where it stands: "zoo.cfg:12", "-D (JVMFLAGS)".
	Origin string
	// Text says what happens and what to do.
	Text string
}

// String is the warning as one line for the log.
func (w Warning) String() string {
	if w.Origin == "" {
		return w.Text
	}
	return w.Origin + ": " + w.Text
}
