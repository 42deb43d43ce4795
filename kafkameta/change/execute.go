package change

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// ErrOutdated says that the cluster is not as the plan counts on: make a new
// plan of a new view.
var ErrOutdated = errors.New("the cluster has changed since the plan was made")

// ErrNotKept says that what was written is not there any more: somebody else
// writes the same nodes.
var ErrNotKept = errors.New("what was written is not what is there")

// StepError says which step was refused. Those before it were made.
type StepError struct {
	Step int // from 0
	Of   int
	Path string // of the operation that was refused
	Err  error
}

// Error names the step, the path and the reason.
func (e *StepError) Error() string {
	return fmt.Sprintf("change: step %d of %d, %s: %v", e.Step+1, e.Of, e.Path, e.Err)
}

// Unwrap returns the reason: ErrOutdated, ErrNotKept, or what the client says.
func (e *StepError) Unwrap() error { return e.Err }

// Execute makes the steps in order over a client whose chroot is the
// cluster's, and reads back what was written. Each step that was made is told
// to made, for a log; made may be nil.
//
// The error is a *StepError. After client.ErrConnectionLoss the step may have
// been made or not; nothing is sent twice.
func (p *Plan) Execute(ctx context.Context, c *client.Client, made func(Step)) error {
	for i, s := range p.Steps {
		if path, err := s.execute(ctx, c); err != nil {
			return &StepError{Step: i, Of: len(p.Steps), Path: path, Err: err}
		}
		if made != nil {
			made(s)
		}
	}
	for i, s := range p.Steps {
		if path, err := p.verify(ctx, c, i, s); err != nil {
			return &StepError{Step: i, Of: len(p.Steps), Path: path, Err: err}
		}
	}
	return nil
}

func (s Step) execute(ctx context.Context, c *client.Client) (path string, err error) {
	refused := 0
	if len(s.Operations) == 1 {
		_, _, err = c.Do(ctx, &s.Operations[0])
	} else {
		var results []wire.MultiResult
		results, err = c.Multi(ctx, s.Operations...)
		refused = max(0, slices.IndexFunc(results, func(r wire.MultiResult) bool { return r.Err != wire.OK }))
	}
	path = s.Operations[min(refused, len(s.Operations)-1)].Path
	if err == nil {
		return path, nil
	}
	var code wire.Code
	if errors.As(err, &code) && slices.Contains(s.Tolerated, code) {
		return path, nil
	}
	switch code {
	case wire.BadVersion, wire.NoNode, wire.NodeExists, wire.NotEmpty:
		err = fmt.Errorf("%w: %w", ErrOutdated, err)
	}
	return path, err
}

// verify reads back what a step wrote, unless Kafka may have worked on it or a
// later step wrote it again.
func (p *Plan) verify(ctx context.Context, c *client.Client, i int, s Step) (path string, err error) {
	if s.Consumed {
		return "", nil
	}
	for _, o := range s.Operations {
		if o.Op == wire.OpCheck || o.Flags == wire.FlagPersistentSequential || writes(p.Steps[i+1:], o.Path) {
			continue
		}
		data, _, err := c.Get(ctx, o.Path, false)
		gone := errors.Is(err, wire.NoNode)
		switch {
		case err != nil && !gone:
			return o.Path, err
		case o.Op == wire.OpDelete && !gone:
			return o.Path, fmt.Errorf("%w: it was deleted and is there again", ErrNotKept)
		case o.Op != wire.OpDelete && (gone || len(s.Tolerated) == 0 && !bytes.Equal(data, o.Data)):
			return o.Path, ErrNotKept
		}
	}
	return "", nil
}
