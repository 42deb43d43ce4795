package bench

import (
	"math/bits"
	"time"
)

// A histogram's buckets are linear within each power of two: subBuckets of
// them, so that a value is off by less than 1/subBuckets.
const (
	subBucketBits = 7
	subBuckets    = 1 << subBucketBits
	// valueBits bounds what can be told apart: 2^40 ns is 18 minutes, longer
	// than any server keeps a session waiting. Longer values count as that.
	valueBits   = 40
	bucketCount = (valueBits - subBucketBits + 1) * subBuckets
)

// Histogram counts durations in log-linear buckets with a relative error below
// 0.8 %. The zero value is empty and ready; it is not safe for concurrent use.
type Histogram struct {
	counts [bucketCount]uint64
	total  uint64
	sum    float64 // of nanoseconds
	max    int64   // nanoseconds, exact
}

func bucketOf(ns int64) int {
	ns = min(max(ns, 0), 1<<valueBits-1)
	if ns < subBuckets {
		return int(ns)
	}
	shift := bits.Len64(uint64(ns)) - subBucketBits - 1
	return shift<<subBucketBits + int(ns>>shift)
}

// bucketMiddle is the value that stands for all values of a bucket, in ns.
func bucketMiddle(bucket int) int64 {
	if bucket < 2*subBuckets {
		return int64(bucket)
	}
	shift := bucket>>subBucketBits - 1
	low := int64(bucket-shift<<subBucketBits) << shift
	return low + int64(1)<<shift/2
}

// Record counts one duration; a negative one counts as zero.
func (h *Histogram) Record(d time.Duration) {
	ns := max(int64(d), 0)
	h.counts[bucketOf(ns)]++
	h.total++
	h.sum += float64(ns)
	h.max = max(h.max, ns)
}

// Merge adds all that other has counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range &other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.sum += other.sum
	h.max = max(h.max, other.max)
}

// Count is the number of durations recorded.
func (h *Histogram) Count() uint64 { return h.total }

// Max is the longest duration recorded, exactly.
func (h *Histogram) Max() time.Duration { return time.Duration(h.max) }

// Mean is the average, 0 for an empty histogram.
func (h *Histogram) Mean() time.Duration {
	if h.total == 0 {
		return 0
	}
	return time.Duration(h.sum / float64(h.total))
}

// Quantile is the duration that the share q (0 to 1) of all recorded ones does
// not exceed, within the buckets' error; 0 for an empty histogram.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := min(max(uint64(q*float64(h.total)+0.5), 1), h.total)
	var seen uint64
	for i, n := range &h.counts {
		if seen += n; seen >= rank {
			return time.Duration(min(bucketMiddle(i), h.max))
		}
	}
	return h.Max()
}
