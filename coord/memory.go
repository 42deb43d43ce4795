package coord

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// Memory is given to the garbage collector by need, not by proportion. Nearly
// all of a server's memory is the tree, in blocks the collector does not look
// into: a cycle costs little, and waiting until the heap has doubled, as Go's
// default does, would waste the size of the tree. So the room for garbage is
// a fixed amount, or a tenth of the heap if that is more.
const (
	garbageRoom        = 48 << 20
	garbagePercentMin  = 10
	garbagePercentMax  = 400
	garbagePercentStep = 5
)

var tuneOnce sync.Once

// TuneMemory makes the garbage collector keep the process small, unless the
// environment variable GOGC says what it should do. A program that embeds a
// server decides for itself; cmd/coord calls it.
func TuneMemory() {
	if os.Getenv("GOGC") != "" {
		return
	}
	tuneOnce.Do(func() {
		debug.SetGCPercent(garbagePercentMax)
		watchCollections(garbagePercentMax)
	})
}

// watchCollections adjusts the percentage after every collection: an object
// without references is finalized by each one and leaves a successor.
func watchCollections(percent int) {
	type sentinel struct{ _ [32]byte }
	s := new(sentinel)
	runtime.AddCleanup(s, func(before int) {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		want := garbagePercentFor(sample[0].Value.Uint64())
		if want > before+garbagePercentStep || want < before-garbagePercentStep {
			debug.SetGCPercent(want)
			before = want
		}
		watchCollections(before)
	}, percent)
}

func garbagePercentFor(live uint64) int {
	percent := int(100 * garbageRoom / max(live, 1))
	return min(max(percent, garbagePercentMin), garbagePercentMax)
}
