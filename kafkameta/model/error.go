package model

import (
	"fmt"
	"strings"
)

// Problem says what is wrong with a znode.
type Problem uint8

// The problems that parsing finds. Kafka: the comments say what its own
// decoder does, where that differs from refusing.
const (
	ProblemNone         Problem = iota
	ProblemNull                 // no data at all
	ProblemEmpty                // data of length zero
	ProblemSyntax               // not JSON, or not the plain text that belongs here; text after the JSON value, which Kafka ignores
	ProblemDuplicate            // a key twice in one object; Kafka takes the last
	ProblemMissing              // a required member is absent
	ProblemType                 // a value of the wrong JSON type
	ProblemRange                // a number out of its range, or text that is not what it should be
	ProblemVersion              // a version that Kafka never wrote; the value is returned as far as it could be read
	ProblemUnknownField         // a member that makes Kafka ignore the whole node; the value is returned
	ProblemLimit                // too long or nested too deep
	ProblemName                 // the path itself: a parameter of impossible form
)

var problemNames = [...]string{
	ProblemNone: "none", ProblemNull: "null data", ProblemEmpty: "empty data", ProblemSyntax: "malformed", ProblemDuplicate: "duplicate key",
	ProblemMissing: "missing field", ProblemType: "wrong type", ProblemRange: "impossible value", ProblemVersion: "unknown version",
	ProblemUnknownField: "unknown field", ProblemLimit: "over the limit", ProblemName: "malformed name",
}

// String gives the problem in words.
func (p Problem) String() string {
	if int(p) < len(problemNames) {
		return problemNames[p]
	}
	return fmt.Sprintf("problem %d", p)
}

// Error is what the Parse functions, Classify and Encode return.
type Error struct {
	Path    string // relative to the chroot, as given to the Parse function
	Kind    Kind   // what the node should be
	Problem Problem
	Field   string // member at fault as "partitions.3[1]"; "" for the whole
	Offset  int    // byte at fault, for ProblemSyntax; else 0
	Detail  string // for people
}

// Error says path, kind, field and what is wrong with it.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	fmt.Fprintf(&b, "%s: ", e.Kind)
	if e.Field != "" {
		fmt.Fprintf(&b, "field %s: ", e.Field)
	}
	b.WriteString(e.Problem.String())
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Problem == ProblemSyntax {
		fmt.Fprintf(&b, " (at byte %d)", e.Offset)
	}
	return b.String()
}

// Readable says whether a value came with the error nevertheless, because the
// payload is well formed but of a version or with members that Kafka does not
// write.
func (e *Error) Readable() bool {
	return e.Problem == ProblemVersion || e.Problem == ProblemUnknownField
}
