package linearizability_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"kafkacoord/integration/ensemble"
	"kafkacoord/integration/extent"
	"kafkacoord/integration/fault"
	"kafkacoord/integration/linearizability"
	"kafkacoord/integration/network"
)

const (
	members = 3
	// sessionTimeout is the most that the members grant: 20 ticks.
	sessionTimeout = 4 * time.Second
	// pause between two operations of one caller.
	pause = 4 * time.Millisecond
	// perPhase is how many operations are answered before a fault strikes. Before it
	// is healed it is once, twice or three times as many: some clients get over it
	// by waiting, some by leaving.
	perPhase = 1000
)

// quick makes the members notice silence after a second.
var quick = []string{"tickTime=200", "initLimit=50", "syncLimit=5"}

// TestHistories records histories, each with two faults one after the other, and
// has them judged.
func TestHistories(t *testing.T) {
	histories := extent.Of(3, 20)
	var operations, linearizable int
	for i := range histories {
		faults := []fault.Fault{fault.All[i%len(fault.All)], fault.All[(3*i+1+i/len(fault.All))%len(fault.All)]}
		t.Run(fmt.Sprintf("%02d %v, %v", i+1, faults[0], faults[1]), func(t *testing.T) {
			h := record(t, linearizability.Options{Seed: uint64(i)}, faults)
			began := time.Now()
			result, info := h.Check()
			t.Logf("%v; %s, found in %v", h, result, time.Since(began).Round(time.Millisecond))
			operations += len(h.Operations)
			if result == porcupine.Ok {
				linearizable++
				return
			}
			t.Errorf("no order explains the history: %s; see %s", result, visualize(t, info))
		})
	}
	t.Logf("%d histories, %d operations, %d histories linearizable", histories, operations, linearizable)
}

// TestOldReadsAreFound reads without sync from a member that is cut from its peers
// and serves on until it notices: its clients see the past, and that has to be
// found in the history.
func TestOldReadsAreFound(t *testing.T) {
	h := record(t, linearizability.Options{Unsynced: true, Seed: 1}, []fault.Fault{fault.FollowerCutFromPeers})
	if result, _ := h.Check(); result != porcupine.Illegal {
		t.Errorf("a history with old reads is %s, want %s", result, porcupine.Illegal)
	}
}

// record starts an ensemble and records a history of it, of what faults there can
// be without a network if it has to.
func record(t *testing.T, options linearizability.Options, faults []fault.Fault) *linearizability.History {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	net := network.StartTest(t, members)
	if net == nil {
		faults = slices.DeleteFunc(faults, fault.Fault.Partition)
	}
	if len(faults) == 0 {
		t.Skip("NOT TESTED: the members have no network of their own")
	}
	e := ensemble.StartTest(t, ensemble.Options{
		Kinds: []ensemble.Kind{ensemble.Coord, ensemble.Coord, ensemble.Coord}, Config: quick, Network: net,
	})
	options.Servers, options.SessionTimeout, options.Pause = e.Addresses(), sessionTimeout, pause
	recording, err := linearizability.Record(ctx, options)
	must(err)
	for i, f := range faults {
		must(recording.Progress(perPhase))
		struck, err := f.Strike(ctx, e)
		must(err)
		if f.Role() != fault.Everyone {
			must(recording.Progress(perPhase * int64(1+(options.Seed+uint64(i))%3)))
		}
		must(struck.Heal(ctx))
	}
	must(recording.Progress(perPhase))
	h, err := recording.Stop()
	must(err)
	return h
}

// visualize writes a page that shows the history, which stays after the test.
func visualize(t *testing.T, info porcupine.LinearizationInfo) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "linearizability-")
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(dir, "history.html")
	if err := porcupine.VisualizePath(linearizability.Model, info, page); err != nil {
		t.Fatal(err)
	}
	return page
}
