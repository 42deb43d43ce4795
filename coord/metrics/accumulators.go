package metrics

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// Counter only grows. It is safe for any number of goroutines.
type Counter struct{ n atomic.Int64 }

// Add adds n, which is 0 or more.
func (c *Counter) Add(n int64) {
	if n != 0 {
		c.n.Add(n)
	}
}

// Inc adds one.
func (c *Counter) Inc() { c.n.Add(1) }

// Value is the number counted since the process started.
func (c *Counter) Value() int64 { return c.n.Load() }

// Gauge shows a present number. It is safe for any number of goroutines.
type Gauge struct{ n atomic.Int64 }

// Set replaces the number.
func (g *Gauge) Set(n int64) { g.n.Store(n) }

// Add changes the number by n.
func (g *Gauge) Add(n int64) { g.n.Add(n) }

// Value is the present number.
func (g *Gauge) Value() int64 { return g.n.Load() }

// FloatGauge is a gauge with a fraction.
type FloatGauge struct{ bits atomic.Uint64 }

// Set replaces the number.
func (g *FloatGauge) Set(f float64) { g.bits.Store(math.Float64bits(f)) }

// Value is the present number.
func (g *FloatGauge) Value() float64 { return math.Float64frombits(g.bits.Load()) }

// Summary collects a distribution in fixed memory: count, sum, minimum,
// maximum, and buckets whose width grows with the value, so that a quantile is
// at most one sixteenth off. It is safe for any number of goroutines; an owner
// that observes per request puts a Recorder in front.
type Summary struct {
	count, sum atomic.Int64
	// least and most are since the last reset, see noLeast and noMost.
	least, most atomic.Int64
	buckets     [bucketCount]atomic.Uint64
	view        summaryView // owned by the holder of Set.mu
}

const (
	noLeast = math.MaxInt64
	noMost  = math.MinInt64
)

// The buckets: values below bucketsExact have one each, larger ones share
// bucketsPerOctave for each power of two, up to 2^octaveMax; what is larger
// still falls into the last.
const (
	bucketsExact     = 16
	bucketsPerOctave = 8
	octaveMin        = 4 // 2^4 = bucketsExact
	octaveMax        = 36
	bucketCount      = bucketsExact + (octaveMax-octaveMin)*bucketsPerOctave
)

func newSummary() *Summary {
	s := new(Summary)
	s.clearExtremes()
	return s
}

func (s *Summary) clearExtremes() {
	s.least.Store(noLeast)
	s.most.Store(noMost)
}

// Observe adds one value.
func (s *Summary) Observe(value int64) { s.ObserveN(value, 1) }

// ObserveN adds a value that occurred n times.
func (s *Summary) ObserveN(value, n int64) {
	if n <= 0 {
		return
	}
	for least := s.least.Load(); value < least && !s.least.CompareAndSwap(least, value); {
		least = s.least.Load()
	}
	for most := s.most.Load(); value > most && !s.most.CompareAndSwap(most, value); {
		most = s.most.Load()
	}
	s.buckets[bucketOf(value)].Add(uint64(n))
	s.sum.Add(value * n)
	s.count.Add(n)
}

// Count is the number of values since the process started.
func (s *Summary) Count() int64 { return s.count.Load() }

// Sum is the sum of values since the process started.
func (s *Summary) Sum() int64 { return s.sum.Load() }

func bucketOf(value int64) int {
	if value < bucketsExact {
		return int(max(value, 0))
	}
	octave := bits.Len64(uint64(value)) - 1
	if octave >= octaveMax {
		return bucketCount - 1
	}
	within := int(value>>(octave-3)) & (bucketsPerOctave - 1)
	return bucketsExact + (octave-octaveMin)*bucketsPerOctave + within
}

// bucketMiddle is the value that stands for a bucket.
func bucketMiddle(bucket int) int64 {
	if bucket < bucketsExact {
		return int64(bucket)
	}
	octave := octaveMin + (bucket-bucketsExact)/bucketsPerOctave
	within := int64((bucket - bucketsExact) % bucketsPerOctave)
	width := int64(1) << (octave - 3)
	return (bucketsPerOctave+within)*width + width/2
}

// Recorder gathers the values of one goroutine for a Summary without atomic
// operations as long as they repeat, which latencies in milliseconds do. The
// owner calls Flush once a turn. The zero value drops everything.
type Recorder struct {
	summary *Summary
	value   int64
	n       int64
}

// NewRecorder makes a recorder for s.
func NewRecorder(s *Summary) Recorder { return Recorder{summary: s} }

// Observe adds one value.
func (r *Recorder) Observe(value int64) {
	if value == r.value {
		r.n++
		return
	}
	r.next(value)
}

// next is apart so that Observe can be inlined.
func (r *Recorder) next(value int64) {
	r.Flush()
	r.value, r.n = value, 1
}

// Flush hands what was gathered to the summary.
func (r *Recorder) Flush() {
	if r.n > 0 && r.summary != nil {
		r.summary.ObserveN(r.value, r.n)
	}
	r.n = 0
}
