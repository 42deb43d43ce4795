package replica

import (
	"context"
	"time"
)

// restMax bounds a rest, however long the disk took for what came before it.
const restMax = 20 * time.Millisecond

// pace keeps a snapshotter from taking more than half of a processor and of
// the disk: clients' writes need both at once, and a snapshot has time.
type pace struct {
	ctx   context.Context // ends a rest
	began time.Time       // when the last rest ended
}

// rest waits for as long as the snapshotter has been at work since the last one.
func (p *pace) rest() {
	timer := time.NewTimer(min(time.Since(p.began), restMax))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
	}
	p.began = time.Now()
}
