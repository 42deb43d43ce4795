package linearizability

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/treedump"
)

const (
	// checkTimeout bounds the search for an order; one is found in milliseconds.
	checkTimeout = 2 * time.Minute
	// seldom is how much longer callers pause that only read.
	seldom = 50
	// pollInterval is how often progress is looked at.
	pollInterval = 5 * time.Millisecond
)

// registers and directories are what the callers work on: few, so that they meet.
var (
	registers   = []string{"/register-0", "/register-1", "/register-2"}
	directories = []string{"/directory-0", "/directory-1"}
)

// Options say what history to record. Servers must be given.
type Options struct {
	// Servers are the members. Each has two callers of its own that go nowhere else,
	// and there is a third one for each that goes anywhere. The second ones only read,
	// and seldom: while a member is away, the others wait for an answer to what they
	// have asked before, and only who has not asked yet can be told too old a value.
	Servers []string
	// SessionTimeout is what the callers ask for.
	SessionTimeout time.Duration
	// Pause is the time from one operation of a caller to its next.
	Pause time.Duration
	// Seed decides what the callers do.
	Seed uint64
	// Unsynced has the callers that stay with one member only read, without a sync.
	// Such a read may be old, and the history is then not linearizable: to show that
	// this would be found.
	Unsynced bool
}

// Recording is a history that is being recorded.
type Recording struct {
	ctx      context.Context
	callers  []*caller
	answered atomic.Int64
	enough   chan struct{}
	running  sync.WaitGroup
	failed   chan error
}

// Record opens the sessions, makes registers and directories, and has the callers
// begin. Stop must be called; ctx ends everything.
func Record(ctx context.Context, options Options) (*Recording, error) {
	r := &Recording{ctx: ctx, enough: make(chan struct{})}
	began := time.Now()
	for number := range 3 * len(options.Servers) {
		c := &caller{
			number: number, random: rand.New(rand.NewPCG(options.Seed, uint64(number))), version: make(map[string]int32),
			config: client.Config{Servers: options.Servers, SessionTimeout: options.SessionTimeout},
			pause:  options.Pause, began: began, answered: &r.answered,
		}
		at := number % len(options.Servers)
		switch number / len(options.Servers) {
		case 0:
			c.config.Servers = options.Servers[at : at+1]
			c.readsOnly, c.unsynced = options.Unsynced, options.Unsynced
		case 1:
			c.config.Servers = options.Servers[at : at+1]
			c.readsOnly, c.pause = true, seldom*options.Pause
		}
		var err error
		if c.client, err = client.Dial(ctx, c.config); err != nil {
			r.close()
			return nil, fmt.Errorf("linearizability: open session %d: %w", number, err)
		}
		r.callers = append(r.callers, c)
	}
	for _, p := range slices.Concat(registers, directories) {
		if _, err := r.callers[0].client.Create(ctx, p, []byte("0"), wire.FlagPersistent, nil); err != nil {
			r.close()
			return nil, fmt.Errorf("linearizability: prepare: %w", err)
		}
	}
	for _, c := range r.callers {
		// The znodes have to be there for the callers of every member.
		if err := c.client.Sync(ctx, "/"); err != nil {
			r.close()
			return nil, fmt.Errorf("linearizability: prepare: %w", err)
		}
	}
	r.failed = make(chan error, len(r.callers))
	for _, c := range r.callers {
		r.running.Go(func() {
			if err := c.run(ctx, r.enough); err != nil {
				r.failed <- err
			}
		})
	}
	return r, nil
}

// Progress returns when so many further operations were answered.
func (r *Recording) Progress(operations int64) error {
	want := r.answered.Load() + operations
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for r.answered.Load() < want {
		select {
		case err := <-r.failed:
			return err
		case <-r.ctx.Done():
			return fmt.Errorf("linearizability: wait for %d more operations: %w", want-r.answered.Load(), r.ctx.Err())
		case <-ticker.C:
		}
	}
	return nil
}

// Stop waits until every operation has its answer, or has none for good, and looks
// at what the directories hold then. The ensemble has to serve.
func (r *Recording) Stop() (*History, error) {
	close(r.enough)
	r.running.Wait()
	defer r.close()
	close(r.failed)
	for err := range r.failed {
		return nil, err
	}
	h := &History{}
	for _, c := range r.callers {
		h.Operations = append(h.Operations, c.operations...)
		h.Lost += c.lost
		h.Expired += c.expired
	}
	return h, r.appendedOnce(h.Operations)
}

// appendedOnce checks that every znode of the directories is there because of one
// Append, and holds what that was called with: an Append without answer may have
// been done, but not twice. No order of operations shows that.
func (r *Recording) appendedOnce(operations []porcupine.Operation) error {
	type place struct {
		directory string
		number    int
	}
	told := make(map[int]place) // by value; number -1 without answer
	for _, o := range operations {
		if in, out := o.Input.(Input), o.Output.(Output); in.Kind == Append {
			told[in.Value] = place{in.Path, out.Number}
			if out.Unknown {
				told[in.Value] = place{in.Path, -1}
			}
		}
	}
	c := r.callers[len(r.callers)-1].client
	var problems []error
	for _, directory := range directories {
		if err := c.Sync(r.ctx, directory); err != nil {
			return fmt.Errorf("linearizability: look at %s: %w", directory, err)
		}
		names, err := c.ChildNames(r.ctx, directory, false)
		if err != nil {
			return fmt.Errorf("linearizability: look at %s: %w", directory, err)
		}
		reads := make([]wire.Request, len(names))
		for i, name := range names {
			reads[i] = wire.Request{Op: wire.OpGetData, Path: path.Join(directory, name)}
		}
		replies, err := treedump.Do(r.ctx, c, reads)
		if err != nil {
			return fmt.Errorf("linearizability: look at %s: %w", directory, err)
		}
		for i, name := range names {
			number, err := numberOf(name)
			value, errValue := strconv.Atoi(string(replies[i].Data))
			want, appended := told[value]
			if err != nil || errValue != nil || !appended || want.directory != directory || want.number >= 0 && want.number != number {
				problems = append(problems, fmt.Errorf("linearizability: %s holds %q: appended twice, or by nobody", reads[i].Path, replies[i].Data))
			}
			delete(told, value)
		}
	}
	for value, p := range told {
		if p.number >= 0 {
			problems = append(problems, fmt.Errorf("linearizability: value %d, acknowledged as number %d of %s, is not there", value, p.number, p.directory))
		}
	}
	return errors.Join(problems...)
}

func (r *Recording) close() {
	for _, c := range r.callers {
		_ = c.client.Close()
	}
}

// History is what has happened.
type History struct {
	// Operations are all that were answered, and those without answer that may have
	// had an effect.
	Operations []porcupine.Operation
	// Lost are reads without answer, Expired sessions that ended.
	Lost, Expired int
}

// Check looks for an order that explains the history: porcupine.Ok, Illegal when
// there is none, Unknown when the search took too long. The information is for
// porcupine.Visualize.
func (h *History) Check() (porcupine.CheckResult, porcupine.LinearizationInfo) {
	return porcupine.CheckOperationsVerbose(Model, h.Operations, checkTimeout)
}

// LongestGap is the longest time in which no write of any caller was answered.
func (h *History) LongestGap() time.Duration {
	var answers []int64
	for _, o := range h.Operations {
		if kind := o.Input.(Input).Kind; kind != Read && kind != List && o.Return != never {
			answers = append(answers, o.Return)
		}
	}
	slices.Sort(answers)
	var longest int64
	for i := 1; i < len(answers); i++ {
		longest = max(longest, answers[i]-answers[i-1])
	}
	return time.Duration(longest)
}

// String counts what there is, in one line.
func (h *History) String() string {
	var count [kinds]int
	var unknown int
	for _, o := range h.Operations {
		count[o.Input.(Input).Kind]++
		if o.Output.(Output).Unknown {
			unknown++
		}
	}
	text := fmt.Sprintf("%d operations", len(h.Operations))
	for kind, n := range count {
		text += fmt.Sprintf(", %d %s", n, Kind(kind))
	}
	return fmt.Sprintf("%s; without answer %d writes, %d reads; %d sessions expired; longest gap between writes %v",
		text, unknown, h.Lost, h.Expired, h.LongestGap().Round(time.Millisecond))
}
