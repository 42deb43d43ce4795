package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"kafkacoord/coord/wire"
)

// Workload names what a run does.
type Workload string

// The workloads.
const (
	Create   Workload = "create"   // new znodes
	Set      Workload = "set"      // setData on existing znodes, any version
	Get      Workload = "get"      // getData
	Mixed    Workload = "mixed"    // getData and setData by ReadPercent
	Delete   Workload = "delete"   // deletes Keys znodes; ends when none is left
	Children Workload = "children" // getChildren2 of one node with Children children
	Multi    Workload = "multi"    // check and setData in one multi
	Watch    Workload = "watch"    // fan-out of one change to Connections watchers
)

// Workloads lists all workloads in the order they are best read about.
var Workloads = []Workload{Create, Set, Get, Mixed, Delete, Children, Multi, Watch}

// Limits of a run. What lies outside is refused by Run before it connects.
const (
	connectionsMax = 20_000
	outstandingMax = 65_536
	valueBytesMax  = 64 << 20
	keysMax        = 1_000_000_000
	childrenMax    = 1_000_000
)

// ErrOption says that an option has a value that Run does not take.
var ErrOption = errors.New("bench: bad option")

// Options say what to run. The zero value of a field stands for its default.
type Options struct {
	// Address is the server's host:port, or those of several members of an
	// ensemble, separated by commas: connections are dealt to them in turn.
	Address string
	// Workload is what to do; there is no default.
	Workload Workload
	// Connections is how many sessions work at once, default 30; with Watch it
	// is the number of watchers.
	Connections int
	// Outstanding is how many requests each connection keeps unanswered,
	// default 16. Watch does not use it.
	Outstanding int
	// ValueBytes is the length of each znode's data; 0 is the default of 100,
	// -1 stands for empty data.
	ValueBytes int
	// Keys is the number of znodes that Set, Get, Mixed and Multi choose from
	// at random, default 10,000, or that Delete removes, default 200,000.
	Keys int
	// Children is how many children the node that Children lists has, default
	// 100.
	Children int
	// ReadPercent is the share of reads of Mixed, 1 to 99, default 90.
	ReadPercent int
	// Duration is the length of the measured part, default 10 s. It bounds the
	// run also when Requests is set.
	Duration time.Duration
	// Requests ends the measured part after so many replies; 0 means that
	// Duration alone decides. With Watch it counts rounds.
	Requests int64
	// WarmUp is run before the measured part and not counted, default 1 s
	// (none for Delete); a negative value stands for none.
	WarmUp time.Duration
	// Ramp spreads the start of the connections, default 0: all at once. The
	// warm-up begins after it.
	Ramp time.Duration
	// Root is the znode below which the run works. It must not exist; the
	// default is a new name each time.
	Root string
	// SessionTimeout is what connections ask for, default 30 s.
	SessionTimeout time.Duration
	// KeepData leaves the znodes in place after the run.
	KeepData bool
	// Dial replaces a plain TCP connection, for example by TLS.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// AtStart and AtEnd are called when the measured part begins and ends, for
	// readings of the server's own counters. They must be quick.
	AtStart, AtEnd func()
}

// WithDefaults returns the options with every default filled in.
func (o Options) WithDefaults() Options {
	setDefault(&o.Connections, 30)
	setDefault(&o.Outstanding, 16)
	setDefault(&o.ValueBytes, 100)
	setDefault(&o.Children, 100)
	setDefault(&o.ReadPercent, 90)
	setDefault(&o.Duration, 10*time.Second)
	setDefault(&o.SessionTimeout, 30*time.Second)
	if o.Workload == Delete {
		setDefault(&o.Keys, 200_000)
	} else {
		setDefault(&o.Keys, 10_000)
		setDefault(&o.WarmUp, time.Second)
	}
	o.ValueBytes = max(o.ValueBytes, 0)
	o.WarmUp = max(o.WarmUp, 0)
	if o.Root == "" {
		o.Root = newRoot()
	}
	if o.Dial == nil {
		o.Dial = dialTCP
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// newRoot makes a name that no earlier run has left behind.
func newRoot() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return "/coord-bench-" + hex.EncodeToString(b[:])
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// address is the server of the i-th connection.
func (o *Options) address(i int) string {
	all := strings.Split(o.Address, ",")
	return strings.TrimSpace(all[i%len(all)])
}

// check refuses what a run cannot do.
func (o *Options) check() error {
	known := false
	for _, w := range Workloads {
		known = known || w == o.Workload
	}
	if !known {
		return fmt.Errorf("%w: workload %q; there are %v", ErrOption, o.Workload, Workloads)
	}
	for _, f := range []struct {
		name       string
		value      int
		least, top int
	}{
		{"connections", o.Connections, 1, connectionsMax},
		{"outstanding", o.Outstanding, 1, outstandingMax},
		{"value bytes", o.ValueBytes, 0, valueBytesMax},
		{"keys", o.Keys, 1, keysMax},
		{"children", o.Children, 1, childrenMax},
		{"read percent", o.ReadPercent, 1, 99},
	} {
		if f.value < f.least || f.value > f.top {
			return fmt.Errorf("%w: %s is %d; it must be %d to %d", ErrOption, f.name, f.value, f.least, f.top)
		}
	}
	if o.Duration < 0 || o.Ramp < 0 || o.Requests < 0 || o.SessionTimeout < 0 {
		return fmt.Errorf("%w: a duration or count is negative", ErrOption)
	}
	if !wire.PathOK(o.Root) || o.Root == "/" || strings.HasPrefix(o.Root, "/zookeeper") {
		return fmt.Errorf("%w: root %q; it must be the path of a new znode", ErrOption, o.Root)
	}
	return nil
}
