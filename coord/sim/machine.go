package sim

import (
	"errors"
	"fmt"
	"time"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/core"
	"kafkacoord/coord/prep"
	"kafkacoord/coord/store"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// Habits of the simulated servers. Times are in ms of the server's clock.
const (
	tick              = 1000
	initLimit         = 10
	syncLimit         = 5
	minSessionTimeout = 2 * tick
	maxSessionTimeout = 20 * tick
	windowEntries     = 80 // small, so that learners need the log or a snapshot
	windowBytes       = 8000
	snapCount         = 150
	logReadBytesMax   = 1 << 20
	wallAtStart       = 1_700_000_000_000
)

// machine is a computer with one disk and one clock, on which a server runs now
// and then.
type machine struct {
	world   *World
	id      wire.PeerID
	list    zab.Membership // in its configuration file
	options store.Options
	disk    *vfs.Memory
	process *process // nil: not running
	retired bool     // taken out of the ensemble for good

	rate   float64 // of its clock
	wallBy Time    // that the wall clock is ahead

	frozen bool     // the process gets no time, its memory and connections stay
	later  []func() // what it would have done meanwhile
	slow   float64  // how many times slower the disk is than it should be

	clientsCut int // partitions between it and the clients

	kept ledger // what is on the disk for good
}

func (w *World) addMachine(id wire.PeerID, list zab.Membership) *machine {
	m := &machine{world: w, id: id, list: list, disk: vfs.NewMemory(), rate: 1, slow: 1}
	if w.options.Faults.Clocks {
		m.rate = 0.97 + 0.06*w.random.Float64()
	}
	m.options = store.Options{
		DataDir: "/data", PreallocBytes: 16 << 10, SnapCount: snapCount,
		Tree:   tree.Options{Digest: true},
		Random: w.random.Int64N,
		Now:    func() time.Time { return time.UnixMicro(int64(w.now)) },
	}
	w.machines = append(w.machines, m)
	return m
}

// mono is the monotonic clock in ms.
func (m *machine) mono() wire.Millis {
	return wire.Millis(float64(m.world.now) * m.rate / float64(Millisecond))
}

// wall is the wall clock in ms.
func (m *machine) wall() wire.Millis {
	return wallAtStart + m.mono() + wire.Millis(m.wallBy/Millisecond)
}

// until is the time that passes until the monotonic clock shows at.
func (m *machine) until(at wire.Millis) Time {
	const far = 3600 * Second
	if wait := at - m.mono(); wait < wire.Millis(far/Millisecond) {
		return Time(float64(max(wait, 0))*float64(Millisecond)/m.rate) + Millisecond
	}
	return far
}

// start recovers the disk and runs a server.
func (m *machine) start() {
	if m.process != nil || m.retired || m.world.failure != nil {
		return
	}
	p, err := m.boot()
	switch {
	case errors.Is(err, vfs.ErrCrashed):
		m.world.tracef("server %d: power lost while starting", m.id)
		m.losePower()
		m.world.after(m.world.between(100*Millisecond, 2*Second), m.start)
		return
	case err != nil:
		m.world.fail("server %d cannot start: %w", m.id, err)
		return
	}
	m.process = p
	m.world.tracef("server %d: starts with %v", m.id, p.core.Zxid())
	m.world.network.started(m)
	p.wake()
}

func (m *machine) boot() (*process, error) {
	s, recovered, err := store.Open(m.disk, m.options)
	if err != nil {
		return nil, err
	}
	state := core.State{Tree: recovered.Tree, Sessions: recovered.Sessions, Zxid: recovered.LastZxid}
	if m.kept, err = readLedger(m, recovered.SnapshotZxid); err != nil {
		return nil, err
	}
	config, err := m.config(s, &state)
	if err != nil {
		return nil, err
	}
	registry, err := auth.New(auth.Config{})
	if err != nil {
		return nil, fmt.Errorf("sim: make the authentication: %w", err)
	}
	p := &process{machine: m, world: m.world, store: s, touched: map[wire.SessionID]wire.Millis{}}
	p.core = core.New(config, registry, state, m.wall(), m.mono())
	p.ledger = m.kept.clone()
	p.applied = state.Zxid
	p.writer.process = p
	p.peers = map[wire.PeerID]*process{}
	p.links = map[zab.LinkID]*linkEnd{}
	return p, nil
}

// config describes the server, and reads what a member of an ensemble starts
// from.
func (m *machine) config(s *store.Store, state *core.State) (core.Config, error) {
	c := core.Config{
		ServerID: uint8(m.id), Tick: tick, MinSessionTimeout: minSessionTimeout, MaxSessionTimeout: maxSessionTimeout,
		OutstandingLimit: 1000, TxnBytes: 1 << 20,
		Prep: prep.Config{Digest: true, CloseSessionTxn: true},
	}
	if len(m.list.Servers) == 1 {
		c.Prep.Standalone = true
		return c, nil
	}
	epochs, err := s.Epochs()
	if err != nil {
		return c, err
	}
	state.Accepted, state.Current = epochs.Accepted, epochs.Current
	recent, err := s.Recent(windowEntries, windowBytes)
	if err != nil {
		return c, err
	}
	for _, e := range recent {
		state.Recent = append(state.Recent, zab.Entry(e))
	}
	lists, err := s.Membership()
	if err != nil {
		return c, err
	}
	c.Quorum = &zab.Config{
		Self: m.id, Members: m.list,
		Tick: tick, InitLimit: initLimit, SyncLimit: syncLimit, ConnectLimit: syncLimit,
		MinNotification: 200, MaxNotification: 4000, FinalizeWait: 200,
		WindowEntries: windowEntries, WindowBytes: windowBytes, LogSync: true, ObserverSnapshots: 2,
	}
	if c.Quorum.Committed, err = parseList(lists.Committed); err != nil {
		return c, err
	}
	c.Quorum.Pending, err = parseList(lists.Pending)
	return c, err
}

func parseList(text string) (*zab.Membership, error) {
	if text == "" {
		return nil, nil
	}
	list, err := zab.ParseMembership(text)
	return &list, err
}

// crash ends the server without a warning. With power the operating system goes
// on and keeps what was written, synced or not; without, unsynced writes may be
// lost or torn.
func (m *machine) crash(power bool) {
	p := m.process
	if p == nil {
		return
	}
	m.world.tracef("server %d: crashes (power %v)", m.id, power)
	m.process = nil
	m.frozen, m.later = false, nil
	p.end()
	if power {
		m.disk.Crash(1)
	} else {
		m.losePower()
	}
	m.world.network.stopped(m)
}

// losePower decides what of the unsynced writes the disk holds.
func (m *machine) losePower() { m.disk.Crash(m.world.random.Uint64N(12)) }

// Restart ends a server in good order of its disk and starts it with another
// list.
func (w *World) Restart(id wire.PeerID, list zab.Membership) {
	m := w.machine(id)
	w.tracef("server %d: restarts with %d servers", id, len(list.Servers))
	m.crash(true)
	m.list = list
	m.start()
}

// Join starts a new machine with an empty disk.
func (w *World) Join(id wire.PeerID, list zab.Membership) {
	w.tracef("server %d: joins with %d servers", id, len(list.Servers))
	w.addMachine(id, list).start()
}

// Retire takes a server out of the ensemble for good.
func (w *World) Retire(id wire.PeerID) {
	w.tracef("server %d: retires", id)
	m := w.machine(id)
	m.crash(true)
	m.retired = true
}

// replaceDisk gives a machine that does not run an empty disk.
func (w *World) replaceDisk(m *machine) {
	w.tracef("server %d: has a new disk", m.id)
	m.disk, m.kept = vfs.NewMemory(), ledger{}
}

// freeze stops the process as SIGSTOP does; thaw lets it go on.
func (m *machine) freeze() {
	if m.process != nil {
		m.world.tracef("server %d: frozen", m.id)
		m.frozen = true
	}
}

func (m *machine) thaw() {
	if !m.frozen {
		return
	}
	m.world.tracef("server %d: thawed", m.id)
	m.frozen = false
	later := m.later
	m.later = nil
	for i, f := range later {
		if m.process == nil || m.frozen {
			m.later = append(m.later, later[i:]...)
			return
		}
		f()
	}
}
