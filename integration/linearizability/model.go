package linearizability

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// Kind of an operation.
type Kind int

// The kinds. The first three are on registers, the others on directories.
const (
	Read Kind = iota
	Write
	CompareAndSet
	Append
	List
	kinds
)

// String names the kind in words.
func (k Kind) String() string {
	return [kinds]string{"read", "write", "compare-and-set", "append", "list"}[k]
}

// Input is an operation as it was called.
type Input struct {
	Kind Kind
	// Path of the register or directory.
	Path string
	// Value to write: a number that is used once.
	Value int
	// Version that CompareAndSet expects.
	Version int32
}

// Output is what the caller was told.
type Output struct {
	// Unknown says that there was no answer: the operation was done at some moment,
	// or never. All else is then 0.
	Unknown bool
	// Refused says that CompareAndSet found another version.
	Refused bool
	// Value that was read.
	Value int
	// Version that was read, or that a write has made.
	Version int32
	// Number that Append was given, or how many znodes List found.
	Number int
}

// state of a register, or of a directory: Number is how many znodes it has had.
type state struct {
	value   int
	version int32
	number  int
}

// Model is what a register and a directory are, one server alone in the world.
// Those of different paths do not depend on each other.
var Model = porcupine.Model{
	Partition: byPath,
	Init:      func() any { return state{} },
	Step: func(before, input, output any) (bool, any) {
		ok, after := step(before.(state), input.(Input), output.(Output))
		return ok, after
	},
	DescribeOperation: func(input, output any) string { return describe(input.(Input), output.(Output)) },
	DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s) },
}

// step tells whether the operation can have this output now, and what is then.
func step(s state, in Input, out Output) (bool, state) {
	switch in.Kind {
	case Read:
		return out.Value == s.value && out.Version == s.version, s
	case List:
		return out.Number == s.number, s
	case Append:
		return out.Unknown || out.Number == s.number, state{number: s.number + 1}
	case CompareAndSet:
		if in.Version != s.version {
			return out.Unknown || out.Refused, s
		}
	}
	after := state{value: in.Value, version: s.version + 1}
	return out.Unknown || !out.Refused && out.Version == after.version, after
}

func byPath(history []porcupine.Operation) [][]porcupine.Operation {
	var parts [][]porcupine.Operation
	at := make(map[string]int)
	for _, o := range history {
		path := o.Input.(Input).Path
		i, known := at[path]
		if !known {
			i = len(parts)
			at[path] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], o)
	}
	return parts
}

func describe(in Input, out Output) string {
	text := in.Kind.String() + " " + in.Path
	switch in.Kind {
	case Write, Append:
		text += fmt.Sprintf(" value %d", in.Value)
	case CompareAndSet:
		text += fmt.Sprintf(" version %d to value %d", in.Version, in.Value)
	}
	switch {
	case out.Unknown:
		return text + ": no answer"
	case out.Refused:
		return text + ": refused"
	case in.Kind == Append || in.Kind == List:
		return text + fmt.Sprintf(": %d", out.Number)
	default:
		return text + fmt.Sprintf(": value %d, version %d", out.Value, out.Version)
	}
}
