package replica

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestPace: a rest is as long as the work before it, within bounds, and ends with
// the server.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := pace{ctx: ctx, began: time.Now()}
		for _, c := range []struct{ work, rest time.Duration }{
			{time.Millisecond, time.Millisecond}, {0, 0}, {7 * time.Millisecond, 7 * time.Millisecond}, {time.Minute, restMax},
		} {
			time.Sleep(c.work)
			began := time.Now()
			p.rest()
			if got := time.Since(began); got != c.rest {
				t.Errorf("%v of rest after %v of work, want %v", got, c.work, c.rest)
			}
		}
		time.Sleep(time.Minute)
		cancel()
		began := time.Now()
		if p.rest(); time.Since(began) != 0 {
			t.Errorf("%v of rest on a server that stops", time.Since(began))
		}
	})
}
