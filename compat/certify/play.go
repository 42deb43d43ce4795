package certify

import (
	"context"
	"fmt"
	"sync"
	"time"

	"kafkacoord/coord/client"
)

// play is one script being played. It is used by one goroutine; what a step
// starts at once is over when the step is.
type play struct {
	ctx     context.Context // ends when the whole run does
	options *Options
	// root is the script's own chroot, and secret the credential that opens
	// what it protects.
	root   string
	secret client.Auth

	failedStep string
	err        error
	cutShort   bool     // the run was over when the step failed
	sessions   []func() // end the sessions that were opened
}

// step does one step of the script, unless one before it has failed: what a
// script keeps from one step for the next is set then.
func (p *play) step(name string, do func(ctx context.Context) error) {
	p.stepWithin(p.options.StepTimeout, name, do)
}

// stepWithin is step with another timeout, for steps that wait on purpose.
func (p *play) stepWithin(timeout time.Duration, name string, do func(ctx context.Context) error) {
	if p.err != nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(p.ctx, timeout, fmt.Errorf("not done within %v", timeout))
	defer cancel()
	if err := do(ctx); err != nil {
		p.failedStep, p.err, p.cutShort = name, err, p.ctx.Err() != nil
	}
}

// end closes the sessions of the script, which removes its ephemeral znodes.
func (p *play) end() {
	var closing sync.WaitGroup
	for _, session := range p.sessions {
		closing.Go(session)
	}
	closing.Wait()
}

// together does something n times at once and returns the first error by
// number, not by time.
func together(n int, do func(i int) error) error {
	errs := make([]error, n)
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() { errs[i] = do(i) })
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
