package metrics

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
)

// Role is what decides which gauges exist.
type Role uint32

// The roles of a server.
const (
	// RoleNone: starting, electing or stopping; the gauges of a serving server
	// are absent, as in ZooKeeper.
	RoleNone Role = iota
	RoleStandalone
	RoleLeader
	RoleFollower
	RoleObserver
	RoleReadOnly
)

// Set is all metrics of one server. Producers get the accumulators once and
// keep the pointers.
type Set struct {
	role           atomic.Uint32
	counters       [counterCount]Counter
	gauges         [gaugeCount]Gauge
	floats         [floatGaugeCount]FloatGauge
	summaries      [summaryCount]*Summary
	keyedCounters  [keyedCounterCount]Keyed[Counter]
	keyedGauges    [keyedGaugeCount]Keyed[Gauge]
	keyedSummaries [keyedSummaryCount]Keyed[Summary]

	// mu orders readers: what follows and the views inside the summaries.
	mu          sync.Mutex
	counterBase [counterCount]int64 // counters at the last Reset, for mntr
	keyedBase   [keyedCounterCount]map[string]int64
}

// NewSet makes a set with everything at zero and the role RoleNone.
func NewSet() *Set {
	s := new(Set)
	for at := range s.summaries {
		s.summaries[at] = newSummary()
	}
	for at := range s.keyedCounters {
		s.keyedCounters[at].make = func() *Counter { return new(Counter) }
	}
	for at := range s.keyedGauges {
		s.keyedGauges[at].make = func() *Gauge { return new(Gauge) }
	}
	for at := range s.keyedSummaries {
		s.keyedSummaries[at].make = newSummary
	}
	for _, id := range []GaugeID{
		LastClientResponseSize, MinClientResponseSize, MaxClientResponseSize,
		LastProposalSize, MinProposalSize, MaxProposalSize,
	} {
		// -1 until the first response or proposal.
		s.gauges[id].Set(-1)
	}
	return s
}

// SetRole changes which gauges exist.
func (s *Set) SetRole(r Role) { s.role.Store(uint32(r)) }

// Role is the role in force.
func (s *Set) Role() Role { return Role(s.role.Load()) }

// Counter is the accumulator of a counter.
func (s *Set) Counter(id CounterID) *Counter { return &s.counters[id] }

// Gauge is the accumulator of a gauge.
func (s *Set) Gauge(id GaugeID) *Gauge { return &s.gauges[id] }

// FloatGauge is the accumulator of a gauge with a fraction.
func (s *Set) FloatGauge(id FloatGaugeID) *FloatGauge { return &s.floats[id] }

// Summary is the accumulator of a summary.
func (s *Set) Summary(id SummaryID) *Summary { return s.summaries[id] }

// Recorder is a new recorder for a summary.
func (s *Set) Recorder(id SummaryID) Recorder { return NewRecorder(s.summaries[id]) }

// KeyedCounter is the family of a counter with keys.
func (s *Set) KeyedCounter(id KeyedCounterID) *Keyed[Counter] { return &s.keyedCounters[id] }

// KeyedGauge is the family of a gauge with keys.
func (s *Set) KeyedGauge(id KeyedGaugeID) *Keyed[Gauge] { return &s.keyedGauges[id] }

// KeyedCounts are the series of a counter with keys, counted since the process
// started.
func (s *Set) KeyedCounts(id KeyedCounterID) map[string]int64 {
	counts := make(map[string]int64)
	for key, counter := range s.keyedCounters[id].all() {
		counts[key] = counter.Value()
	}
	return counts
}

// ReplaceKeyedGauge sets the series of a gauge with keys, and drops all others.
func (s *Set) ReplaceKeyedGauge(id KeyedGaugeID, values map[string]int64) {
	family := &s.keyedGauges[id]
	for key := range family.all() {
		if _, there := values[key]; !there {
			family.Remove(key)
		}
	}
	for key, value := range values {
		family.With(key).Set(value)
	}
}

// KeyedSummary is the family of a summary with keys.
func (s *Set) KeyedSummary(id KeyedSummaryID) *Keyed[Summary] { return &s.keyedSummaries[id] }

// Reset restarts counters and summaries in the view of mntr, as the word srst
// does. The Prometheus view goes on, because a scraper that sees a counter fall
// loses what came between.
func (s *Set) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at := range s.counters {
		s.counterBase[at] = s.counters[at].Value()
	}
	for at := range s.keyedCounters {
		s.keyedBase[at] = make(map[string]int64)
		for key, c := range s.keyedCounters[at].all() {
			s.keyedBase[at][key] = c.Value()
		}
	}
	for _, summary := range s.summaries {
		summary.reset()
	}
	for at := range s.keyedSummaries {
		for _, summary := range s.keyedSummaries[at].all() {
			summary.reset()
		}
	}
}

// exists tells whether a gauge of that scope is shown in the present role.
func (s *Set) exists(scope Scope) bool {
	role := s.Role()
	switch scope {
	case ScopeAlways:
		return true
	case ScopeQuorum:
		return role == RoleLeader || role == RoleFollower || role == RoleObserver
	case ScopeLeader:
		return role == RoleLeader
	default:
		return role != RoleNone
	}
}

// KeysMax bounds the series of one keyed metric; what comes after shares the
// series OtherKey.
const KeysMax = 1000

// OtherKey is the series of all keys above KeysMax.
const OtherKey = "_other"

// Keyed is one metric with a series for each key, such as the top-level znodes.
// It is safe for any number of goroutines; producers keep what With returns.
type Keyed[T any] struct {
	mu     sync.RWMutex
	series map[string]*T
	make   func() *T
}

// With is the accumulator of a key, made at first use.
func (k *Keyed[T]) With(key string) *T {
	k.mu.RLock()
	series, ok := k.series[key]
	k.mu.RUnlock()
	if ok {
		return series
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.series[key]; !ok && len(k.series) >= KeysMax {
		key = OtherKey
	}
	if series, ok = k.series[key]; ok {
		return series
	}
	if k.series == nil {
		k.series = make(map[string]*T)
	}
	series = k.make()
	k.series[key] = series
	return series
}

// Remove drops the series of a key.
func (k *Keyed[T]) Remove(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.series, key)
}

// all is a copy of the series for readers.
func (k *Keyed[T]) all() map[string]*T {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return maps.Clone(k.series)
}

// sortedKeys are the keys of all in order.
func sortedKeys[T any](series map[string]*T) []string {
	return slices.Sorted(maps.Keys(series))
}
