package oracle

import (
	"context"
	"slices"
	"time"
)

// atom is the smallest part of a sequence that can be left out: a request of a
// batch, or a whole step of another kind (request -1).
type atom struct {
	step, request int
}

func atomsOf(sequence []step) []atom {
	var out []atom
	for i := range sequence {
		if sequence[i].kind != stepBatch {
			out = append(out, atom{i, -1})
			continue
		}
		for j := range sequence[i].requests {
			out = append(out, atom{i, j})
		}
	}
	return out
}

// keepOnly builds the sequence that the atoms are of.
func keepOnly(sequence []step, atoms []atom) []step {
	var out []step
	last := -1
	for _, a := range atoms {
		s := sequence[a.step]
		if a.request < 0 {
			out = append(out, s)
			last = -1
			continue
		}
		if a.step != last {
			last = a.step
			s.requests = nil
			out = append(out, s)
		}
		into := &out[len(out)-1]
		into.requests = append(into.requests, sequence[a.step].requests[a.request])
	}
	return out
}

// shrink leaves out atoms as long as fails stays true, in ever smaller chunks,
// until nothing more can go or more is false.
func shrink(atoms []atom, fails func([]atom) bool, more func() bool) []atom {
	for size := max(1, len(atoms)/2); ; size = max(1, size/2) {
		removed := false
		for at := max(0, len(atoms)-size); more() && len(atoms) > 1; at -= size {
			at = max(at, 0)
			rest := slices.Delete(slices.Clone(atoms), at, min(len(atoms), at+size))
			if len(rest) > 0 && fails(rest) {
				atoms, removed = rest, true
			}
			if at == 0 {
				break
			}
		}
		if !more() || size == 1 && !removed {
			return atoms
		}
	}
}

// minimise makes the sequence of a difference shorter and fills in found.
func (r *runner) minimise(ctx context.Context, seed uint64, first *mismatch, found *Found) error {
	deadline := time.Now().Add(r.options.MinimiseFor)
	more := func() bool { return time.Now().Before(deadline) && ctx.Err() == nil }
	var failure error
	fails := func(atoms []atom) bool {
		if failure != nil {
			return false
		}
		root := r.nextRoot()
		sequence := keepOnly(generate(seed, root, &r.options), atoms)
		out, err := r.play(root, sequence)
		if err != nil {
			failure = err
			return false
		}
		m := out.mismatch
		if m == nil || m.kind != first.kind {
			return false
		}
		found.Sequence = found.Sequence[:0]
		found.Operations = 0
		for i := range sequence[:m.step+1] {
			found.Sequence = append(found.Sequence, sequence[i].words())
			found.Operations += sequence[i].operations()
		}
		found.ShortA, found.ShortB = m.a, m.b
		return true
	}
	sequence := generate(seed, rootName(0), &r.options)
	atoms := atomsOf(sequence[:first.step+1])
	for _, shorter := range guesses(sequence, first.step) {
		if more() && fails(shorter) {
			atoms = shorter
			break
		}
	}
	shrink(atoms, fails, more)
	return failure
}

// guesses returns parts of a sequence that may well show what it shows, the
// shortest first: the failing step with all connects and ever more of what came
// right before it, then everything without the expiry, which takes seconds, and
// at last everything.
func guesses(sequence []step, failing int) [][]atom {
	all := atomsOf(sequence[:failing+1])
	last := len(atomsOf(sequence[failing : failing+1]))
	keep := func(recent int) []atom {
		var out []atom
		for i, a := range all {
			kind := sequence[a.step].kind
			if a.step == failing || kind != stepExpire && (kind != stepBatch || i >= len(all)-last-recent) {
				out = append(out, a)
			}
		}
		return out
	}
	var out [][]atom
	for recent := 0; recent < len(all)-last; recent = max(1, 2*recent) {
		out = append(out, keep(recent))
	}
	return append(out, keep(len(all)), all)
}
