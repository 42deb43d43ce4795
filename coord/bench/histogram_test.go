package bench

import (
	"math"
	"testing"
	"time"
)

func TestBucketsCoverAllValuesInOrder(t *testing.T) {
	last := -1
	for _, ns := range []int64{
		-5, 0, 1, 127, 128, 129, 255, 256, 257, 511, 512, 1000, 999_999, 1_000_000, 123_456_789,
		1<<valueBits - 1, 1 << valueBits, math.MaxInt64,
	} {
		b := bucketOf(ns)
		if b < last || b >= bucketCount {
			t.Errorf("bucket of %d is %d after %d of %d", ns, b, last, bucketCount)
		}
		last = b
		if ns >= 0 && ns < 1<<valueBits {
			if off := math.Abs(float64(bucketMiddle(b)-ns)) / max(float64(ns), 1); off > 1.0/subBuckets {
				t.Errorf("%d is told as %d", ns, bucketMiddle(b))
			}
		}
	}
}

func TestQuantiles(t *testing.T) {
	var odd, even, all Histogram
	for i := range 10_000 {
		h := &even
		if i%2 == 0 {
			h = &odd
		}
		h.Record(time.Duration(i+1) * time.Microsecond)
	}
	all.Merge(&odd)
	all.Merge(&even)
	for q, want := range map[float64]float64{0: 1, 0.5: 5000, 0.99: 9900, 0.999: 9990, 1: 10_000} {
		got := float64(all.Quantile(q)) / float64(time.Microsecond)
		if math.Abs(got-want) > want/100 {
			t.Errorf("quantile %v is %v µs, want %v", q, got, want)
		}
	}
	if all.Count() != 10_000 || all.Max() != 10*time.Millisecond || all.Mean() != 5000500*time.Nanosecond {
		t.Errorf("count %d, max %v, mean %v", all.Count(), all.Max(), all.Mean())
	}
	var empty Histogram
	if empty.Quantile(0.5) != 0 || empty.Mean() != 0 {
		t.Error("an empty histogram has figures")
	}
}
