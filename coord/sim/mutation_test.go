package sim

import (
	"errors"
	"testing"

	"github.com/anishathalye/porcupine"
)

// caughtAlone are the bugs that show with a single server.
func TestOneServerBugs(t *testing.T) {
	for _, b := range Bugs {
		switch b.Bug {
		case AckBeforeSync, LoseEntry, LoseEvents, SwapReplies:
			t.Run(b.Name, func(t *testing.T) {
				catch(t, b.Bug, func(seed uint64) Options {
					return Options{
						Seed: seed, Ensemble: List(1, 0), Clients: 4, Length: 30 * Second, Faults: AllFaults(Second),
					}
				})
			})
		}
	}
}

// TestBugs plays runs in which every host makes the same mistake.
func TestBugs(t *testing.T) {
	for _, b := range Bugs {
		faults := AllFaults(Second)
		switch b.Bug {
		case ForgetMembership, SkipTruncate:
			continue // see TestForgottenMembership and TestSkippedTruncation
		case SkipSync:
			faults = Faults{Every: 500 * Millisecond, SlowNet: true, SlowDisks: true}
		}
		t.Run(b.Name, func(t *testing.T) {
			catch(t, b.Bug, func(seed uint64) Options {
				return Options{Seed: seed, Ensemble: List(3, 1), Clients: 5, Length: 40 * Second, Faults: faults}
			})
		})
	}
}

// catch runs seeds until the judge notices a bug.
func catch(t *testing.T, b Bug, options func(seed uint64) Options) {
	t.Helper()
	const most = 30
	for seed := range uint64(most) {
		o := options(seed)
		o.Bug = b
		w, r, err := Run(o)
		if err == nil && linearizable(w.Operations()) == porcupine.Illegal {
			err = errors.New("the history of the registers is not linearizable")
		}
		if err != nil {
			t.Logf("seed %d, after %d transactions: %v", seed, r.Transactions, err)
			return
		}
	}
	t.Errorf("%d runs did not show the bug", most)
}
