package sim

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kafkacoord/coord/zab"
)

var (
	seeds = flag.Int("seeds", 0, "how many seeds TestSim runs; 0: a fixed few")
	seed  = flag.Uint64("seed", 1, "the first seed that TestSim runs")
)

// topologies are the ensembles that seeds choose from.
var topologies = []struct {
	name string
	list zab.Membership
}{
	{"3 voters", List(3, 0)},
	{"3 voters and an observer", List(3, 1)},
	{"5 voters", List(5, 0)},
	{"5 voters and 2 observers", List(5, 2)},
	{"7 voters", List(7, 0)},
	{"9 voters with weights in groups", WeightedList(3)},
	{"1 server", List(1, 0)},
}

// optionsOf derives a whole run from a seed.
func optionsOf(seed uint64) (string, Options) {
	// The small ensembles come more often: most mistakes show there, and faster.
	kind := topologies[[]int{0, 1, 0, 2, 0, 1, 3, 0, 2, 1, 4, 0, 5, 6, 2, 0}[seed%16]]
	return kind.name, Options{
		Seed: seed, Ensemble: kind.list, Clients: 4 + int(seed%3), Length: 30 * Second,
		Faults: AllFaults([]Time{800 * Millisecond, 2 * Second, 5 * Second}[seed%3]),
	}
}

// TestSim plays runs with faults of all kinds. `go test ./coord/sim -run TestSim
// -seeds=2000 -seed=1` plays that many, from that seed on.
func TestSim(t *testing.T) {
	count := *seeds
	if count == 0 {
		count = 24
	}
	var sum Result
	began := time.Now()
	for _, o := range runAll(*seed, count) {
		sum.add(o.result)
		switch {
		case o.err == nil:
		case t.Failed():
			t.Errorf("seed %d (%s): %v", o.seed, o.name, o.err)
		default:
			t.Errorf("seed %d (%s): %v\nThe end of its trace:\n%s", o.seed, o.name, o.err, o.trace)
		}
	}
	took := time.Since(began)
	t.Logf("%d seeds in %v: %d events, %.0f a second; %v of virtual time; %d transactions, %d writes acknowledged, "+
		"%d register operations, %d epochs; learners in sync by DIFF %d, by TRUNC %d, by SNAP %d",
		count, took.Round(time.Millisecond), sum.Events, float64(sum.Events)/took.Seconds(), sum.Virtual, sum.Transactions, sum.Writes,
		sum.Operations, sum.Epochs, sum.Diffs, sum.Truncations, sum.Snapshots)
	if sum.Writes == 0 || count >= 24 && (sum.Diffs == 0 || sum.Truncations == 0 || sum.Snapshots == 0) {
		t.Error("the runs did not do what they are for")
	}
}

// outcome is what came of one seed.
type outcome struct {
	seed   uint64
	name   string
	result Result
	err    error
	trace  string // of a failure
}

// runAll plays seeds on all processors; each run by itself is sequential.
func runAll(first uint64, count int) []outcome {
	outcomes := make([]outcome, count)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < count; i = int(next.Add(1)) - 1 {
				o := &outcomes[i]
				o.seed = first + uint64(i)
				name, options := optionsOf(o.seed)
				w, r, err := Run(options)
				o.name, o.result, o.err = name, r, err
				if err != nil {
					o.trace = w.Trace()
				}
			}
		})
	}
	workers.Wait()
	return outcomes
}

func (r *Result) add(other Result) {
	r.Events += other.Events
	r.Virtual += other.Virtual
	r.Transactions += other.Transactions
	r.Writes += other.Writes
	r.Epochs += other.Epochs
	r.Operations += other.Operations
	r.Diffs += other.Diffs
	r.Truncations += other.Truncations
	r.Snapshots += other.Snapshots
}

// TestOneServer plays runs of a server that stands alone.
func TestOneServer(t *testing.T) {
	for seed := range uint64(6) {
		w, r, err := Run(Options{
			Seed: seed, Ensemble: List(1, 0), Clients: 4, Length: 30 * Second, Faults: AllFaults(2 * Second),
		})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, w.Trace())
		}
		if r.Writes < 100 {
			t.Fatalf("seed %d: only %d writes were acknowledged", seed, r.Writes)
		}
	}
}

// TestSameSeedSameRun plays a seed twice.
func TestSameSeedSameRun(t *testing.T) {
	var runs [2]string
	for i := range runs {
		_, o := optionsOf(7)
		o.Length = 10 * Second
		w, r, err := Run(o)
		runs[i] = fmt.Sprint(r, err, "\n", w.Trace())
	}
	if runs[0] != runs[1] {
		t.Errorf("one seed gave two runs:\n%s\n\n%s", runs[0], runs[1])
	}
}
