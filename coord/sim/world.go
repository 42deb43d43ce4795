package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"

	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// Time is virtual time since the beginning of a run, or a length of it, in µs.
type Time int64

// Lengths of time.
const (
	Millisecond Time = 1000
	Second      Time = 1000 * Millisecond
)

// String prints seconds.
func (t Time) String() string { return fmt.Sprintf("%.6fs", float64(t)/float64(Second)) }

// Options describe a run. Equal options give equal runs.
type Options struct {
	Seed uint64
	// Ensemble is the list of servers that every machine starts with.
	Ensemble zab.Membership
	// Clients work for Length; after that everything is healed and the end state
	// is compared.
	Clients int
	Length  Time
	Faults  Faults
	// Bug is what the hosts do wrong on purpose.
	Bug Bug
	// Trace is how many of the last trace lines are kept.
	Trace int
}

// World is one simulated ensemble with its clients.
type World struct {
	options Options
	random  *rand.Rand
	now     Time
	queue   eventQueue
	events  int // handled so far
	nextSeq int

	machines []*machine // in the order of their ids
	network  network
	clients  []*client
	judge    *judge
	trace    traceRing
	failure  error
	calm     bool // no faults any more

	packets [20]int // that arrived, by type

	ready      bool // the nodes that clients work on are there
	operations []*Operation
	taken      map[string]wire.SessionID // sequential nodes, by who was told that they are its own
}

// New builds a world and switches its machines on.
func New(o Options) *World {
	if o.Trace == 0 {
		o.Trace = 400
	}
	w := &World{
		options: o, random: rand.New(rand.NewPCG(o.Seed, 0x6b61666b61)),
		trace: traceRing{lines: make([]string, 0, o.Trace), max: o.Trace},
		taken: map[string]wire.SessionID{},
	}
	w.judge = newJudge(w)
	w.network = newNetwork(w)
	for _, s := range o.Ensemble.Servers {
		w.addMachine(s.ID, o.Ensemble)
	}
	for _, m := range w.machines {
		w.after(w.between(0, 500*Millisecond), func() { m.start() })
	}
	for i := range o.Clients {
		w.addClient(i)
	}
	return w
}

// event is something that happens at a time.
type event struct {
	at  Time
	seq int // order of those at the same time
	do  func()
}

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *eventQueue) Push(x any) { *q = append(*q, x.(event)) }

// Pop implements heap.Interface.
func (q *eventQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return e
}

// after calls do once the time has passed.
func (w *World) after(d Time, do func()) {
	w.nextSeq++
	heap.Push(&w.queue, event{at: w.now + max(d, 0), seq: w.nextSeq, do: do})
}

// RunFor lets virtual time pass, or less of it if something fails.
func (w *World) RunFor(d Time) {
	end := w.now + d
	for w.failure == nil && len(w.queue) > 0 && w.queue[0].at <= end {
		w.next()
	}
	w.now = max(w.now, end)
}

// RunUntil lets time pass until the condition holds, which is looked at after
// every event. It returns false when the limit or a failure comes first.
func (w *World) RunUntil(limit Time, condition func() bool) bool {
	end := w.now + limit
	for !condition() {
		if w.failure != nil || len(w.queue) == 0 || w.queue[0].at > end {
			return false
		}
		w.next()
	}
	return true
}

func (w *World) next() {
	e := heap.Pop(&w.queue).(event)
	w.now = e.at
	w.events++
	e.do()
}

// Now is the virtual time.
func (w *World) Now() Time { return w.now }

// Err is the first thing that went against a promise, nil when nothing did.
func (w *World) Err() error { return w.failure }

// fail ends the run. Only the first failure counts.
func (w *World) fail(format string, args ...any) {
	if w.failure == nil {
		w.failure = fmt.Errorf("at %v: "+format, append([]any{w.now}, args...)...)
		w.tracef("FAILED %v", w.failure)
	}
}

// between draws a length of time.
func (w *World) between(low, high Time) Time {
	if high <= low {
		return low
	}
	return low + Time(w.random.Int64N(int64(high-low)))
}

// chance is true with the given probability.
func (w *World) chance(p float64) bool { return p > 0 && w.random.Float64() < p }

// machine returns the machine with an id, nil if there is none.
func (w *World) machine(id wire.PeerID) *machine {
	for _, m := range w.machines {
		if m.id == id {
			return m
		}
	}
	return nil
}

// tracef adds a line to the trace.
func (w *World) tracef(format string, args ...any) {
	w.trace.add(w.now.String() + " " + fmt.Sprintf(format, args...))
}

// Trace is the end of the trace.
func (w *World) Trace() string { return strings.Join(w.trace.all(), "\n") }

// traceRing keeps the newest lines.
type traceRing struct {
	lines []string
	next  int // where the oldest is, once it is full
	max   int
}

func (r *traceRing) add(line string) {
	if len(r.lines) < r.max {
		r.lines = append(r.lines, line)
		return
	}
	r.lines[r.next] = line
	r.next = (r.next + 1) % r.max
}

func (r *traceRing) all() []string {
	return append(append([]string{}, r.lines[r.next:]...), r.lines[:r.next]...)
}
