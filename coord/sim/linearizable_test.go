package sim

import (
	"math"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// register is the state of one register in the model.
type register struct {
	value   string
	version int32
}

// registerModel is a register that is written, on condition of a version or
// without, and read. A write that nobody answered may take effect at any time
// after its call, or, at the end of time, in vain.
var registerModel = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make([][]porcupine.Operation, registers)
		for _, o := range history {
			i := o.Input.(*Operation).Register
			parts[i] = append(parts[i], o)
		}
		return parts
	},
	Init: func() any { return register{} },
	Step: func(state, input, _ any) (bool, any) {
		r, o := state.(register), input.(*Operation)
		if !o.Write {
			return r.value == o.Value && r.version == o.Version, r
		}
		fits := o.Condition == -1 || o.Condition == r.version
		next := register{o.Value, r.version + 1}
		switch {
		case !o.Answered && !fits, o.Answered && !o.Done && !fits:
			return true, r
		case !o.Answered:
			return true, next
		case o.Done && fits && o.Version == next.version:
			return true, next
		}
		return false, r
	},
}

// linearizable checks the history of a run. Reads that nobody answered say
// nothing.
func linearizable(operations []*Operation) porcupine.CheckResult {
	var history []porcupine.Operation
	for _, o := range operations {
		p := porcupine.Operation{ClientId: o.Client, Input: o, Call: int64(o.Call), Return: int64(o.Return)}
		switch {
		case o.Answered:
		case o.Write:
			p.Return = math.MaxInt64
		default:
			continue
		}
		history = append(history, p)
	}
	return porcupine.CheckOperationsTimeout(registerModel, history, time.Minute)
}

// TestLinearizable checks what clients saw of registers under faults.
func TestLinearizable(t *testing.T) {
	for seed := range uint64(20) {
		o := Options{Seed: 1000 + seed, Ensemble: List(3, 1), Clients: 5, Length: 12 * Second, Faults: AllFaults(Second)}
		w, r, err := Run(o)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", o.Seed, err, w.Trace())
		}
		if got := linearizable(w.Operations()); got != porcupine.Ok {
			t.Errorf("seed %d: the history of %d operations is %v", o.Seed, r.Operations, got)
		}
	}
}

// TestModelRefuses shows that the model is not content with everything.
func TestModelRefuses(t *testing.T) {
	write := func(value string, call, back Time, version int32) *Operation {
		return &Operation{Write: true, Value: value, Condition: -1, Call: call, Return: back, Answered: true, Done: true, Version: version}
	}
	read := func(value string, call, back Time, version int32) *Operation {
		return &Operation{Value: value, Call: call, Return: back, Answered: true, Version: version}
	}
	unknown := &Operation{Write: true, Value: "u", Condition: 1, Call: 1}
	for name, c := range map[string]struct {
		history []*Operation
		want    porcupine.CheckResult
	}{
		"in order":                  {[]*Operation{write("a", 1, 2, 1), read("a", 3, 4, 1)}, porcupine.Ok},
		"old value":                 {[]*Operation{write("a", 1, 2, 1), write("b", 3, 4, 2), read("a", 5, 6, 1)}, porcupine.Illegal},
		"lost write":                {[]*Operation{write("a", 1, 2, 1), write("b", 3, 4, 1)}, porcupine.Illegal},
		"unanswered and seen":       {[]*Operation{write("a", 1, 2, 1), unknown, read("u", 5, 6, 2)}, porcupine.Ok},
		"unanswered and not seen":   {[]*Operation{write("a", 1, 2, 1), unknown, read("a", 5, 6, 1)}, porcupine.Ok},
		"unanswered, seen, unseen":  {[]*Operation{write("a", 1, 2, 1), unknown, read("u", 5, 6, 2), read("a", 7, 8, 1)}, porcupine.Illegal},
		"at the same time, swapped": {[]*Operation{write("a", 1, 9, 2), write("b", 1, 9, 1), read("a", 10, 11, 2)}, porcupine.Ok},
	} {
		if got := linearizable(c.history); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
