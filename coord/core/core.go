package core

import (
	"maps"
	"slices"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/prep"
	"kafkacoord/coord/session"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/watch"
	"kafkacoord/coord/wire"
)

// Config sets the limits and habits of a server. Times are in ms.
type Config struct {
	ServerID                             uint8
	Tick                                 wire.Millis
	MinSessionTimeout, MaxSessionTimeout int32

	// OutstandingLimit is how many unanswered requests the server takes on
	// before it stops reading from connections that wait for one already
	// (globalOutstandingLimit).
	OutstandingLimit int

	// TxnBytes is the longest transaction in bytes that the log takes; writes
	// that could need more are refused. 0: no limit.
	TxnBytes int

	Container ContainerConfig
	Throttle  ThrottleConfig
	Prep      prep.Config
}

// ContainerConfig paces the reaper of container and TTL nodes
// (ZooKeeper: ContainerManager.java).
type ContainerConfig struct {
	CheckInterval wire.Millis // 0: no reaper
	MaxPerMinute  int
	NeverUsed     int64 // ms after which a container without any child goes; 0: never
}

// Core is one server. It has one owner, who steps it.
type Core struct {
	config   Config
	tree     *tree.Tree
	sessions *session.Table
	watches  *watch.Table
	auth     *auth.Registry
	prep     *prep.Prep
	ids      session.IDs

	now, mono wire.Millis // of the current turn
	proposed  wire.Zxid   // newest zxid given out; applied <= durable <= proposed
	durable   wire.Zxid
	inflight  queue[proposal]

	conns       []*conn // by ConnID; nil where none is open
	bySession   map[wire.SessionID]*conn
	touched     []*conn  // with output in this turn
	spare       [][]byte // space for output
	outstanding int      // unanswered requests of all connections
	paused      []ConnID

	throttle throttle
	reaper   reaper
	noWrites bool // see RefuseWrites
	started  bool // the first turn has been taken
	expired  []wire.SessionID

	// scratch, reused
	req       wire.Request
	txn       wire.Txn
	committed wire.Txn
	arena     arena // of transactions
	held      arena // of the bodies of requests that wait
	event     eventCache

	stats Stats
	out   *Output
}

// proposal is a transaction that is logged but not yet applied.
type proposal struct {
	zxid    wire.Zxid
	payload []byte
	conn    *conn   // that waits for the reply; nil for the server's own
	syncs   []*conn // with a sync that waits for this transaction
}

// State is what a server starts from: a recovered tree and its sessions.
type State struct {
	Tree     *tree.Tree
	Sessions map[wire.SessionID]int32 // timeouts in ms
	Zxid     wire.Zxid
}

// New returns a standalone server that serves at once. now and mono are the
// clocks at the start; sessions get their full timeout from mono.
func New(c Config, a *auth.Registry, s State, now, mono wire.Millis) *Core {
	sessions := session.New(c.Tick)
	// In order: those that expire together get their transactions in it.
	for _, id := range slices.Sorted(maps.Keys(s.Sessions)) {
		sessions.Create(id, s.Sessions[id], mono)
	}
	core := &Core{
		config: c, tree: s.Tree, sessions: sessions, watches: watch.New(), auth: a,
		prep: prep.New(s.Tree, a, sessions, c.Prep), ids: session.NewIDs(c.ServerID, now),
		now: now, mono: mono, proposed: s.Zxid, durable: s.Zxid,
		bySession: make(map[wire.SessionID]*conn),
	}
	core.reaper.next = mono + c.Container.CheckInterval
	core.throttle = newThrottle(c.Throttle, mono)
	core.stats.reset()
	return core
}

// Step takes one turn: it applies what has become durable, answers reads, turns
// writes into transactions and lets time pass. out is overwritten.
func (c *Core) Step(in *Input, out *Output) {
	out.reset()
	c.out = out
	c.now, c.mono = in.Now, in.Mono
	for _, cn := range c.touched {
		c.flushed(cn)
	}
	c.touched = c.touched[:0]

	for i := range in.Opened {
		c.opened(&in.Opened[i])
	}
	if in.Durable > c.durable {
		c.durable = in.Durable
		c.commit()
	}
	for _, id := range in.Ready {
		c.ready(id)
	}
	for i := range in.Batches {
		c.batch(&in.Batches[i])
	}
	for _, id := range in.Closed {
		c.closed(id)
	}
	c.closeOrphans()
	c.expire()
	c.reap()
	c.resume()
	for _, cn := range c.touched {
		out.Replies = append(out.Replies, Reply{Conn: cn.id, Bytes: cn.out, Close: cn.state == connClosing})
	}
	c.out = nil
}

// NextWake is the time on the monotonic clock at which Step wants to be called
// even without input.
func (c *Core) NextWake() wire.Millis {
	wake := c.sessions.NextDeadline(c.mono)
	if c.config.Container.CheckInterval > 0 {
		wake = min(wake, c.reaper.next)
	}
	return wake
}

// View takes an immutable view of the tree and a copy of the sessions that
// belong to it, for a snapshot. Give it back with Tree.Release between two steps.
func (c *Core) View() (*tree.View, map[wire.SessionID]int32) {
	return c.tree.View(), c.sessions.Timeouts()
}

func (c *Core) warn(text string, args ...any) {
	c.out.Notes = append(c.out.Notes, Note{Warn: true, Text: text, Args: args})
}

func (c *Core) inform(text string, args ...any) {
	c.out.Notes = append(c.out.Notes, Note{Text: text, Args: args})
}
