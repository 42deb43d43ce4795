package sim

import (
	"fmt"
	"testing"

	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// step is one thing that an operator does to a server on the way from one list
// to another.
type step struct {
	server wire.PeerID
	do     func(w *World, id wire.PeerID, list zab.Membership)
}

// change is the way from one list to another: all steps, in any order.
type change struct {
	from, to zab.Membership
	steps    []step
}

func restart(w *World, id wire.PeerID, list zab.Membership) { w.Restart(id, list) }
func join(w *World, id wire.PeerID, list zab.Membership)    { w.Join(id, list) }
func retire(w *World, id wire.PeerID, _ zab.Membership)     { w.Retire(id) }

var changes = map[string]change{
	"1 to 3": {List(1, 0), List(3, 0), []step{{1, restart}, {2, join}, {3, join}}},
	"3 to 5": {List(3, 0), List(5, 0), []step{{1, restart}, {2, restart}, {3, restart}, {4, join}, {5, join}}},
	"5 to 3": {List(5, 0), List(3, 0), []step{{1, restart}, {2, restart}, {3, restart}, {4, retire}, {5, retire}}},
}

// permutations calls f with every order of the steps.
func permutations(steps []step, f func(order []step)) {
	var extend func(done, left []step)
	extend = func(done, left []step) {
		if len(left) == 0 {
			f(done)
			return
		}
		for i := range left {
			rest := append(append([]step{}, left[:i]...), left[i+1:]...)
			extend(append(done[:len(done):len(done)], left[i]), rest)
		}
	}
	extend(nil, steps)
}

// play takes the steps in an order, with pauses, while clients work. Pauses
// of all lengths occur: a step may come before the servers noticed the last one.
func (c change) play(seed uint64, order []step, bug Bug) (*World, error) {
	w := New(Options{Seed: seed, Ensemble: c.from, Clients: 1, Bug: bug})
	w.RunFor(2 * Second)
	for _, s := range order {
		s.do(w, s.server, c.to)
		w.RunFor(w.between(0, 4*Second))
	}
	w.Settle()
	return w, w.Err()
}

func name(order []step) string {
	text := ""
	for _, s := range order {
		text += fmt.Sprint(s.server)
	}
	return text
}

// TestGrowthInEveryOrder restarts servers with a longer or shorter list in every
// order. There must never be two leaders, and the new ensemble must serve in the
// end with everything that was written.
func TestGrowthInEveryOrder(t *testing.T) {
	for title, c := range changes {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			seed := uint64(1)
			permutations(c.steps, func(order []step) {
				seed++
				if w, err := c.play(seed, order, NoBug); err != nil && !t.Failed() {
					t.Errorf("order %s, seed %d: %v\n%s", name(order), seed, err, w.Trace())
				}
			})
		})
	}
}

// TestForgottenMembership shows that the orders above would split an ensemble
// whose servers do not remember the list that was agreed on.
func TestForgottenMembership(t *testing.T) {
	c := changes["3 to 5"]
	seed, caught := uint64(1), 0
	permutations(c.steps, func(order []step) {
		seed++
		if caught > 0 {
			return
		}
		if _, err := c.play(seed, order, ForgetMembership); err != nil {
			caught++
			t.Logf("order %s: %v", name(order), err)
		}
	})
	if caught == 0 {
		t.Error("no order showed the bug")
	}
}
