package linearizability

import (
	"testing"

	"github.com/anishathalye/porcupine"
)

// operation is one of a history that is written by hand: when it was called and
// answered, what it was, and what it was told.
func operation(call, answer int64, in Input, out Output) porcupine.Operation {
	return porcupine.Operation{Call: call, Return: answer, Input: in, Output: out}
}

// TestModel judges histories of which it is plain what they are.
func TestModel(t *testing.T) {
	const r, d = "/register", "/directory"
	write := func(value int) Input { return Input{Kind: Write, Path: r, Value: value} }
	swap := func(version int32, value int) Input {
		return Input{Kind: CompareAndSet, Path: r, Version: version, Value: value}
	}
	read, list, add := Input{Kind: Read, Path: r}, Input{Kind: List, Path: d}, Input{Kind: Append, Path: d}
	is := func(value int, version int32) Output { return Output{Value: value, Version: version} }
	number := func(n int) Output { return Output{Number: n} }
	unknown, refused := Output{Unknown: true}, Output{Refused: true}

	for _, c := range []struct {
		name    string
		want    porcupine.CheckResult
		history []porcupine.Operation
	}{
		{"reads what was written", porcupine.Ok, []porcupine.Operation{
			operation(1, 2, write(7), is(7, 1)), operation(3, 4, read, is(7, 1)),
		}},
		{"an old read during a write", porcupine.Ok, []porcupine.Operation{
			operation(1, 5, write(7), is(7, 1)), operation(2, 3, read, is(0, 0)),
		}},
		{"an old read after a write", porcupine.Illegal, []porcupine.Operation{
			operation(1, 2, write(7), is(7, 1)), operation(3, 4, read, is(0, 0)),
		}},
		{"back to the old after the new was read", porcupine.Illegal, []porcupine.Operation{
			operation(1, 9, write(7), is(7, 1)), operation(2, 3, read, is(7, 1)), operation(4, 5, read, is(0, 0)),
		}},
		{"a version given twice", porcupine.Illegal, []porcupine.Operation{
			operation(1, 9, write(7), is(7, 1)), operation(1, 9, write(8), is(8, 1)),
		}},
		{"a write that got lost", porcupine.Illegal, []porcupine.Operation{
			operation(1, 2, write(7), is(7, 1)), operation(3, 4, write(8), is(8, 1)),
		}},
		{"no answer, done late", porcupine.Ok, []porcupine.Operation{
			operation(1, never, write(7), unknown), operation(2, 3, read, is(0, 0)), operation(4, 5, read, is(7, 1)),
		}},
		{"no answer, never done", porcupine.Ok, []porcupine.Operation{
			operation(1, never, write(7), unknown), operation(2, 3, write(8), is(8, 1)), operation(4, 5, read, is(8, 1)),
		}},
		{"no answer, done twice", porcupine.Illegal, []porcupine.Operation{
			operation(1, never, write(7), unknown), operation(2, 3, read, is(7, 1)), operation(4, 5, read, is(7, 2)),
		}},
		{"two swap, one is refused", porcupine.Ok, []porcupine.Operation{
			operation(1, 9, swap(0, 7), is(7, 1)), operation(1, 9, swap(0, 8), refused), operation(10, 11, read, is(7, 1)),
		}},
		{"two swap, both succeed", porcupine.Illegal, []porcupine.Operation{
			operation(1, 9, swap(0, 7), is(7, 1)), operation(1, 9, swap(0, 8), is(8, 1)),
		}},
		{"a swap refused for no reason", porcupine.Illegal, []porcupine.Operation{operation(1, 2, swap(0, 7), refused)}},
		{"numbers in turn", porcupine.Ok, []porcupine.Operation{
			operation(1, 9, add, number(1)), operation(1, 9, add, number(0)), operation(10, 11, list, number(2)),
		}},
		{"a number given twice", porcupine.Illegal, []porcupine.Operation{
			operation(1, 9, add, number(0)), operation(1, 9, add, number(0)),
		}},
		{"numbers against the order of calls", porcupine.Illegal, []porcupine.Operation{
			operation(1, 2, add, number(1)), operation(3, 4, add, number(0)),
		}},
		{"a number left out by one without answer", porcupine.Ok, []porcupine.Operation{
			operation(1, never, add, unknown), operation(2, 3, add, number(1)), operation(4, 5, list, number(2)),
		}},
		{"an old list", porcupine.Illegal, []porcupine.Operation{
			operation(1, 2, add, number(0)), operation(3, 4, list, number(0)),
		}},
	} {
		h := History{Operations: c.history}
		if got, _ := h.Check(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
