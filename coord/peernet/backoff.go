package peernet

import (
	"context"
	"time"
)

// backoff is a time to wait that doubles. Its owner is one goroutine.
type backoff struct {
	least, most time.Duration
	jitter      func() float64 // in [0, 1); nil: none
	next        time.Duration
}

func newBackoff(least, most time.Duration, jitter func() float64) backoff {
	return backoff{least: least, most: most, jitter: jitter}
}

// reset makes the next wait the shortest again.
func (b *backoff) reset() { b.next = 0 }

// step returns how long to wait: with jitter, between half of the time that has
// doubled and all of it, so that servers that fail together do not come back
// together.
func (b *backoff) step() time.Duration {
	b.next = min(max(2*b.next, b.least), b.most)
	if b.jitter == nil {
		return b.next
	}
	return b.next/2 + time.Duration(b.jitter()*float64(b.next/2))
}

// sleep waits one step; false when ctx has ended.
func (b *backoff) sleep(ctx context.Context) bool {
	timer := time.NewTimer(b.step())
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
