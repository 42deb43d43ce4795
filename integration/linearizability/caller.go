package linearizability

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// weights are how many of a hundred operations are of a kind.
var weights = [kinds]int{Read: 40, Write: 20, CompareAndSet: 20, Append: 15, List: 5}

// valuesPerCaller keeps the values of different callers apart.
const valuesPerCaller = 1_000_000

// never is the return of an operation without answer: later than all others.
const never = int64(1<<63 - 1)

// caller does one operation after the other in a session of its own, and in a new
// one when that has expired. All belongs to its goroutine until that has ended.
type caller struct {
	number  int
	config  client.Config
	client  *client.Client
	random  *rand.Rand
	pause   time.Duration // from one operation to the next
	values  int
	version map[string]int32 // that a register was last seen with

	readsOnly bool
	unsynced  bool // leave out the sync before a read

	began      time.Time // of all callers' clocks
	operations []porcupine.Operation
	lost       int // reads that had no answer
	expired    int

	answered *atomic.Int64 // by all callers
}

// run works until enough is closed; ctx ends what still waits then.
func (c *caller) run(ctx context.Context, enough <-chan struct{}) error {
	ticker := time.NewTicker(c.pause)
	defer ticker.Stop()
	for {
		select {
		case <-enough:
			return nil
		case <-ticker.C:
		}
		err := c.operate(ctx, c.next())
		if errors.Is(err, client.ErrSessionExpired) {
			c.expired++
			_ = c.client.Close()
			c.client, err = client.Dial(ctx, c.config)
		}
		if err != nil {
			return fmt.Errorf("linearizability: caller %d: %w", c.number, err)
		}
	}
}

// next draws an operation.
func (c *caller) next() Input {
	if c.readsOnly {
		return Input{Kind: Read, Path: registers[c.random.IntN(len(registers))]}
	}
	var in Input
	for rest := c.random.IntN(100); rest >= weights[in.Kind]; in.Kind++ {
		rest -= weights[in.Kind]
	}
	if in.Kind == Append || in.Kind == List {
		in.Path = directories[c.random.IntN(len(directories))]
	} else {
		in.Path = registers[c.random.IntN(len(registers))]
	}
	switch in.Kind {
	case CompareAndSet:
		in.Version = c.version[in.Path]
		fallthrough
	case Write, Append:
		c.values++
		in.Value = c.number*valuesPerCaller + c.values
	}
	return in
}

// operate does one operation and records it. The error is ErrSessionExpired, or
// one that no fault explains.
func (c *caller) operate(ctx context.Context, in Input) error {
	called := time.Since(c.began)
	out, err := c.call(ctx, in)
	returned := int64(time.Since(c.began))
	if err != nil {
		if !errors.Is(err, client.ErrConnectionLoss) && !errors.Is(err, client.ErrSessionExpired) {
			return err
		}
		if in.Kind == Read || in.Kind == List {
			c.lost++
			return expiredOnly(err)
		}
		out, returned = Output{Unknown: true}, never
	} else {
		c.answered.Add(1)
	}
	c.operations = append(c.operations, porcupine.Operation{
		ClientId: c.number, Input: in, Call: int64(called), Output: out, Return: returned,
	})
	return expiredOnly(err)
}

func expiredOnly(err error) error {
	if errors.Is(err, client.ErrSessionExpired) {
		return err
	}
	return nil
}

// call does one operation.
func (c *caller) call(ctx context.Context, in Input) (Output, error) {
	switch in.Kind {
	case Read:
		return c.read(ctx, in.Path)
	case List:
		return c.list(ctx, in.Path)
	case Append:
		name, err := c.client.Create(ctx, path.Join(in.Path, namePrefix), []byte(strconv.Itoa(in.Value)), wire.FlagPersistentSequential, nil)
		if err != nil {
			return Output{}, err
		}
		number, err := numberOf(path.Base(name))
		return Output{Number: number}, err
	}
	expected := client.AnyVersion
	if in.Kind == CompareAndSet {
		expected = in.Version
	}
	stat, err := c.client.Set(ctx, in.Path, []byte(strconv.Itoa(in.Value)), expected)
	if in.Kind == CompareAndSet && errors.Is(err, wire.BadVersion) {
		return Output{Refused: true}, nil
	}
	if err != nil {
		return Output{}, err
	}
	c.version[in.Path] = stat.Version
	return Output{Value: in.Value, Version: stat.Version}, nil
}

// read syncs and reads a register, every other time without waiting for the answer
// to the sync.
func (c *caller) read(ctx context.Context, register string) (Output, error) {
	synced := make(chan error, 1)
	if c.unsynced {
		synced <- nil
	} else {
		sync := wire.Request{Op: wire.OpSync, Path: register}
		c.client.Go(&sync, func(r client.Result) { synced <- r.Err })
	}
	wait := c.random.IntN(2) == 0
	if wait {
		if err := <-synced; err != nil {
			return Output{}, err
		}
	}
	data, stat, err := c.client.Get(ctx, register, false)
	if !wait {
		err = errors.Join(err, <-synced)
	}
	if err != nil {
		return Output{}, err
	}
	value, err := strconv.Atoi(string(data))
	if err != nil {
		return Output{}, fmt.Errorf("%s holds %q, which nobody wrote", register, data)
	}
	c.version[register] = stat.Version
	return Output{Value: value, Version: stat.Version}, nil
}

// list syncs and counts the znodes of a directory, whose numbers may have no gap.
func (c *caller) list(ctx context.Context, directory string) (Output, error) {
	if err := c.client.Sync(ctx, directory); err != nil {
		return Output{}, err
	}
	names, _, err := c.client.Children(ctx, directory, false)
	if err != nil {
		return Output{}, err
	}
	slices.Sort(names)
	for i, name := range names {
		if number, err := numberOf(name); err != nil || number != i {
			return Output{}, fmt.Errorf("%s: znode %d of %d is %s (%w)", directory, i, len(names), name, err)
		}
	}
	return Output{Number: len(names)}, nil
}

// namePrefix is what the names of numbered znodes begin with.
const namePrefix = "n-"

func numberOf(name string) (int, error) {
	number, err := strconv.Atoi(strings.TrimPrefix(name, namePrefix))
	if err != nil {
		return 0, fmt.Errorf("the name of a sequential znode: %w", err)
	}
	return number, nil
}
