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
	"kafkacoord/coord/zab"
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

	// Quorum makes the server a member of an ensemble; nil: it stands alone.
	Quorum *zab.Config
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
	proposed  wire.Zxid   // newest zxid in the log; applied <= committed <= proposed
	committed wire.Zxid   // of a server that stands alone: what is durable
	inflight  queue[proposal]
	member    *member // nil: the server stands alone

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
	req      wire.Request
	txn      wire.Txn
	applying wire.Txn
	inLog    wire.Txn
	arena    arena // of transactions
	held     arena // of the bodies of requests that wait
	event    eventCache

	// fire is the method notify: as a value made anew for each change it was an
	// allocation per write.
	fire func(id ConnID, kind wire.EventType, path string, acl []wire.ACL)

	stats Stats
	out   *Output
}

// proposal is a transaction that is logged but not yet applied.
type proposal struct {
	zxid    wire.Zxid
	payload []byte
	known   tree.Prepared
	owner   uint64  // of the session that it creates
	conn    *conn   // that waits for the reply; nil when none of this server's does
	syncs   []*conn // with a sync that waits for this transaction
}

// State is what a server starts from: a recovered tree and its sessions.
type State struct {
	Tree     *tree.Tree
	Sessions map[wire.SessionID]int32 // timeouts in ms
	Zxid     wire.Zxid

	// These matter to a member of an ensemble only; see zab.State. Its Zxid may be
	// -1: the data is lost.
	Recent            []Entry
	Accepted, Current int64
	Floor             wire.Zxid
}

// New returns a server. One that stands alone serves at once; a member of an
// ensemble begins to look for a leader in its first turn. now and mono are the
// clocks at the start; sessions get their full timeout from mono.
func New(c Config, a *auth.Registry, s State, now, mono wire.Millis) *Core {
	sessions := newSessions(c.Tick, s.Sessions, mono)
	core := &Core{
		config: c, tree: s.Tree, sessions: sessions, watches: watch.New(), auth: a,
		prep: prep.New(s.Tree, a, sessions, c.Prep), ids: session.NewIDs(c.ServerID, now),
		now: now, mono: mono, proposed: max(s.Zxid, 0), committed: max(s.Zxid, 0),
		bySession: make(map[wire.SessionID]*conn),
	}
	core.reaper.next = mono + c.Container.CheckInterval
	core.throttle = newThrottle(c.Throttle, mono)
	core.fire = core.notify
	core.stats.reset()
	if c.Quorum != nil {
		core.member = newMember(*c.Quorum, s)
	}
	return core
}

// newSessions makes the table of recovered sessions, in order: those that expire
// together get their transactions in it.
func newSessions(tick wire.Millis, timeouts map[wire.SessionID]int32, mono wire.Millis) *session.Table {
	t := session.New(tick)
	for _, id := range slices.Sorted(maps.Keys(timeouts)) {
		t.Create(id, timeouts[id], mono)
	}
	return t
}

// Step takes one turn: it applies what has become durable, answers reads, turns
// writes into transactions and lets time pass. out is overwritten.
func (c *Core) Step(in *Input, out *Output) {
	out.reset()
	c.out = out
	if c.member != nil {
		c.member.contact.turn(c.mono, in.Mono, c.config.Tick)
	}
	c.now, c.mono = in.Now, in.Mono
	for _, cn := range c.touched {
		c.flushed(cn)
	}
	c.touched = c.touched[:0]

	for i := range in.Opened {
		c.opened(&in.Opened[i])
	}
	if c.member != nil {
		c.hearPeers(in)
	} else if in.Durable > c.committed {
		c.committed = in.Durable
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
	if c.leads() {
		c.closeOrphans()
		c.expire()
		c.reap()
	}
	if c.member != nil {
		c.tellPeers()
	}
	c.resume()
	for _, cn := range c.touched {
		out.Replies = append(out.Replies, Reply{Conn: cn.id, Bytes: cn.out, Close: cn.state == connClosing})
	}
	c.out = nil
}

// NextWake is the time on the monotonic clock at which Step wants to be called
// even without input.
func (c *Core) NextWake() wire.Millis {
	wake := forever
	if c.leads() {
		wake = c.sessions.NextDeadline(c.mono)
		if c.config.Container.CheckInterval > 0 {
			wake = min(wake, c.reaper.next)
		}
	}
	if c.member != nil {
		wake = min(wake, c.member.nextWake())
	}
	return wake
}

const forever = wire.Millis(1) << 62

// Snapshot takes an immutable view of the tree and a copy of the sessions that
// belong to it, to be written while the server goes on.
func (c *Core) Snapshot() *SnapshotView {
	t := c.tree
	view := t.View()
	return &SnapshotView{View: view, Sessions: c.sessions.Timeouts(), Release: func() { t.Release(view) }}
}

func (c *Core) warn(text string, args ...any) {
	c.out.Notes = append(c.out.Notes, Note{Warn: true, Text: text, Args: args})
}

func (c *Core) inform(text string, args ...any) {
	c.out.Notes = append(c.out.Notes, Note{Text: text, Args: args})
}
