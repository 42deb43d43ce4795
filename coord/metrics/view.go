package metrics

import (
	"math"
	"slices"
	"time"
)

// summaryView is what readers keep of a summary: the totals at the last reset
// for mntr, and at two moments in the past for quantiles over a recent window.
// Producers never see it. Owned by the holder of Set.mu.
type summaryView struct {
	resetCount, resetSum int64
	resetBuckets         []uint64
	// The window of the Prometheus quantiles begins at older, which lies
	// between one and two steps back; newer will be the next beginning.
	older, newer []uint64
	newerAt      time.Time
}

// windowStep is half of the time over which ZooKeeper's exporter looks for
// quantiles (10 minutes), so that an alert ends after the slow time has ended.
const windowStep = 5 * time.Minute

func (s *Summary) totals() []uint64 {
	totals := make([]uint64, bucketCount)
	for at := range s.buckets {
		totals[at] = s.buckets[at].Load()
	}
	return totals
}

func (s *Summary) reset() {
	s.view.resetCount, s.view.resetSum = s.count.Load(), s.sum.Load()
	s.view.resetBuckets = s.totals()
	s.clearExtremes()
}

// sinceReset is the content since the last reset. least and most are 0 when
// there is none.
type sinceReset struct {
	count, sum, least, most int64
	buckets                 []uint64
}

func (s *Summary) sinceReset() sinceReset {
	r := sinceReset{
		count: s.count.Load() - s.view.resetCount, sum: s.sum.Load() - s.view.resetSum,
		least: s.least.Load(), most: s.most.Load(),
	}
	if r.least == noLeast {
		r.least = 0
	}
	if r.most == noMost {
		r.most = 0
	}
	r.buckets = difference(s.totals(), s.view.resetBuckets)
	return r
}

// average is rounded half up to four decimals, 0 without values.
// ZooKeeper: AvgMinMaxCounter.java.
func (r *sinceReset) average() float64 {
	if r.count == 0 {
		return 0
	}
	return RoundAverage(float64(r.sum) / float64(r.count))
}

// RoundAverage rounds half up to four decimals, as ZooKeeper rounds every
// average it shows.
func RoundAverage(f float64) float64 { return math.Floor(f*1e4+0.5) / 1e4 }

// recent is the content of the window that ends now; it moves the window on.
func (s *Summary) recent(now time.Time) []uint64 {
	totals := s.totals()
	v := &s.view
	switch age := now.Sub(v.newerAt); {
	case v.newerAt.IsZero():
		// The first look: everything since the start counts as recent.
		v.newer, v.newerAt = make([]uint64, bucketCount), now
		v.older = v.newer
	case age >= windowStep:
		v.older, v.newer, v.newerAt = v.newer, slices.Clone(totals), now
	}
	return difference(totals, v.older)
}

// RecentQuantile is the value below which the share q of the values lies that
// were observed in the last minutes; ok is false when there are none.
func (s *Set) RecentQuantile(id SummaryID, q float64, now time.Time) (value int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return quantile(s.summaries[id].recent(now), q)
}

// difference subtracts base, which may be nil, in place.
func difference(totals, base []uint64) []uint64 {
	for at := range base {
		totals[at] -= base[at]
	}
	return totals
}

// quantile is the value below which the share q of the values lies; ok is
// false without values.
func quantile(buckets []uint64, q float64) (value int64, ok bool) {
	var total uint64
	for _, n := range buckets {
		total += n
	}
	if total == 0 {
		return 0, false
	}
	rank := max(1, uint64(math.Ceil(q*float64(total))))
	for at, n := range buckets {
		if n >= rank {
			return bucketMiddle(at), true
		}
		rank -= n
	}
	return bucketMiddle(len(buckets) - 1), true
}
