package witness

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/treedump"
)

// Options say what load there is to be. Only Servers must be given.
type Options struct {
	// Servers are the addresses among which each session may move.
	Servers []string
	// Sessions is how many write; default 4.
	Sessions int
	// SessionTimeout is what they ask for; default 10 s.
	SessionTimeout time.Duration
	// Pause is the time from one write of a session to its next; default none.
	Pause time.Duration
	// Root is the znode that all is written below, and which must not exist;
	// default /witness.
	Root string
}

// Witness is a load under way, or one that has ended.
type Witness struct {
	root    string
	writers []*writer
	stop    context.CancelFunc
	running sync.WaitGroup
}

// Start opens the sessions and begins to write. Everything is given up when ctx
// ends.
func Start(ctx context.Context, options Options) (*Witness, error) {
	if options.Sessions == 0 {
		options.Sessions = 4
	}
	if options.SessionTimeout == 0 {
		options.SessionTimeout = 10 * time.Second
	}
	if options.Root == "" {
		options.Root = "/witness"
	}
	w := &Witness{root: options.Root}
	enough, stop := context.WithCancel(ctx)
	w.stop = stop
	for k := range options.Sessions {
		c, err := client.Dial(ctx, client.Config{Servers: options.Servers, SessionTimeout: options.SessionTimeout})
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("witness: open session %d of %d: %w", k+1, options.Sessions, err)
		}
		own := &writer{client: c, directory: path.Join(w.root, strconv.Itoa(k)), pause: options.Pause}
		w.writers = append(w.writers, own)
		if k == 0 {
			_, err = c.Create(ctx, w.root, nil, wire.FlagPersistent, nil)
		}
		if err == nil {
			err = own.prepare(ctx)
		}
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("witness: prepare session %d of %d: %w", k+1, options.Sessions, err)
		}
	}
	for _, own := range w.writers {
		w.running.Go(func() { own.run(ctx, enough.Done()) })
	}
	return w, nil
}

// Report says what has happened.
type Report struct {
	// Acknowledged are the writes that were; Resolved how many of them had lost
	// their answer with a connection and were found done.
	Acknowledged, Resolved int
	// Disconnections is how often a session lost its connection, Expired how many
	// sessions ended.
	Disconnections, Expired int
	// LongestPause is the longest time that a session waited for a write.
	LongestPause time.Duration
	// Faults are broken promises: an order that went back, an unexpected refusal.
	Faults []string
}

// String is the report in one line.
func (r Report) String() string {
	return fmt.Sprintf("%d writes acknowledged (%d of them resolved after a lost connection), %d disconnections, %d sessions expired, longest pause %v, %d faults",
		r.Acknowledged, r.Resolved, r.Disconnections, r.Expired, r.LongestPause.Round(time.Millisecond), len(r.Faults))
}

// Report is what has happened until now.
func (w *Witness) Report() Report {
	var sum Report
	for _, own := range w.writers {
		own.mu.Lock()
		r := own.report
		own.mu.Unlock()
		sum.Acknowledged += r.Acknowledged
		sum.Resolved += r.Resolved
		sum.Disconnections += r.Disconnections
		sum.Expired += r.Expired
		sum.LongestPause = max(sum.LongestPause, r.LongestPause)
		sum.Faults = append(sum.Faults, r.Faults...)
	}
	return sum
}

// Stop ends the load and waits until the outcome of every write is known. The
// sessions stay.
func (w *Witness) Stop() Report {
	w.stop()
	w.running.Wait()
	return w.Report()
}

// Close ends the load and the sessions.
func (w *Witness) Close() {
	w.Stop()
	for _, own := range w.writers {
		_ = own.client.Close()
	}
}

// Lost compares what was acknowledged with what a client sees, and returns a line
// for each write that is not there, or is there twice. The load has to be stopped,
// and a Sync of the client must come first if its server may be behind.
func (w *Witness) Lost(ctx context.Context, c *client.Client) ([]string, error) {
	var lost []string
	for _, own := range w.writers {
		found, err := own.lost(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("witness: look for what was written: %w", err)
		}
		lost = append(lost, found...)
	}
	return lost, nil
}

// lost is Witness.Lost for one session.
func (w *writer) lost(ctx context.Context, c *client.Client) ([]string, error) {
	names, _, err := c.Children(ctx, w.directory, false)
	if err != nil {
		return nil, err
	}
	var lost []string
	seen := make(map[string]bool, len(names))
	reads := make([]wire.Request, 0, len(names))
	for _, name := range names {
		seen[name] = true
		reads = append(reads, wire.Request{Op: wire.OpGetData, Path: path.Join(w.directory, name)})
	}
	replies, err := treedump.Do(ctx, c, reads)
	if err != nil {
		return nil, err
	}
	for i := range w.created {
		if name := strconv.Itoa(i); !seen[name] {
			lost = append(lost, path.Join(w.directory, name)+" is not there")
		}
	}
	for i, name := range names {
		reply := &replies[i]
		switch {
		case name == aliveName:
		case name == counterName:
			if int(reply.Stat.Version) != w.counted || string(reply.Data) != strconv.Itoa(w.counted) {
				lost = append(lost, fmt.Sprintf("%s has version %d and holds %q, want %d",
					reads[i].Path, reply.Stat.Version, reply.Data, w.counted))
			}
		default:
			if n, err := strconv.Atoi(name); err != nil || n >= w.created || string(reply.Data) != reads[i].Path || reply.Stat.Version != 0 {
				lost = append(lost, fmt.Sprintf("%s was not written as it is: %q, version %d", reads[i].Path, reply.Data, reply.Stat.Version))
			}
		}
	}
	if !seen[counterName] || !seen[aliveName] && w.report.Expired == 0 {
		lost = append(lost, w.directory+" lacks "+strings.Join([]string{counterName, aliveName}, " or "))
	}
	return lost, nil
}
