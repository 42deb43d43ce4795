package sim

import (
	"slices"

	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// process is one run of a server, from its start to its end.
type process struct {
	machine *machine
	world   *World
	core    *core.Core
	store   *store.Store
	in      core.Input // gathered for the next turn
	out     core.Output
	dead    bool
	due     bool // a turn is scheduled
	armed   Time // when the next wake-up is scheduled; 0: none

	writer   writer
	snapshot *core.SnapshotView // that is being written

	conns     []*conn // by ConnID
	freeConns []core.ConnID

	peers     map[wire.PeerID]*process // that the election channels reach
	links     map[zab.LinkID]*linkEnd
	linkCount zab.LinkID
	dialling  *dial
	listening bool

	// What the judge compares.
	ledger  ledger    // what the core has ordered to be in its log
	reloads int       // orders after which the state in memory is replaced
	applied wire.Zxid // the tree's, after the last turn
	led     wire.Millis
	touched map[wire.SessionID]wire.Millis // when the leader heard from it
}

// after calls f when the time has passed, unless the process has ended; a frozen
// one does it later.
func (p *process) after(d Time, f func()) {
	p.world.after(d, func() {
		switch {
		case p.dead:
		case p.machine.frozen:
			p.machine.later = append(p.machine.later, f)
		default:
			f()
		}
	})
}

// wake makes sure that there will be a turn.
func (p *process) wake() {
	if p.due || p.dead {
		return
	}
	p.due = true
	p.after(p.world.between(20, 200), p.turn)
}

// turn steps the core with everything that has come and carries out what it
// says.
func (p *process) turn() {
	p.due = false
	m := p.machine
	p.in.Now, p.in.Mono = m.wall(), m.mono()
	p.noteTouches()
	p.core.Step(&p.in, &p.out)
	for i := range p.in.Batches {
		// The buffer is the reader's again; nothing may refer to it.
		for j := range p.in.Batches[i].Frames {
			p.in.Batches[i].Frames[j] = 0xee
		}
	}
	for _, d := range p.in.DiskDone {
		if d.State != nil {
			p.reloads--
		}
	}
	closed := p.in.Closed
	p.in = core.Input{}
	p.carryOut()
	for _, id := range closed {
		p.conns[id] = nil
		p.freeConns = append(p.freeConns, id)
	}
	if !p.dead {
		p.arm()
	}
}

// arm schedules the turn that the core wants even without input.
func (p *process) arm() {
	at := p.world.now + p.machine.until(p.core.NextWake())
	if p.armed > p.world.now && p.armed <= at {
		return
	}
	p.armed = at
	p.after(at-p.world.now, func() {
		if p.armed == at {
			p.armed = 0
			p.wake()
		}
	})
}

func (p *process) carryOut() {
	out := &p.out
	for _, n := range out.Notes {
		p.world.tracef("server %d: %s %v", p.machine.id, n.Text, n.Args)
	}
	p.listen(out.Listen)
	p.order()
	p.world.judge.turned(p)
	p.writer.work()
	for i := range out.Replies {
		r := &out.Replies[i]
		if c := p.conns[r.Conn]; c != nil {
			c.reply(slices.Clone(r.Bytes), r.Close)
		}
	}
	for _, id := range out.Full {
		p.after(p.world.between(Millisecond, 20*Millisecond), func() {
			p.in.Ready = append(p.in.Ready, id)
			p.wake()
		})
	}
	for _, id := range out.Release {
		if c := p.conns[id]; c != nil {
			c.released()
		}
	}
	p.talk()
	if p.snapshot == nil && p.writer.snapshotDue {
		p.beginSnapshot()
	}
}

// order gives the log writer its work: the entries, and between them the other
// orders.
func (p *process) order() {
	out := &p.out
	next := 0
	for i := range out.Append {
		for next < len(out.Disk) && out.Disk[next].At <= i {
			p.orderOne(&out.Disk[next])
			next++
		}
		e := out.Append[i]
		p.world.judge.logged(p, e)
		p.ledger.add(noteOf(e))
		p.writer.queue = append(p.writer.queue, task{entry: e})
	}
	for ; next < len(out.Disk); next++ {
		p.orderOne(&out.Disk[next])
	}
}

func (p *process) orderOne(o *core.DiskOrder) {
	switch o.Kind {
	case zab.DiskTruncate:
		p.ledger.cut(o.Zxid)
		p.applied = min(p.applied, o.Zxid)
		if o.Reload {
			p.reloads++
		}
		p.dropSnapshot()
	case zab.DiskInstall:
		p.ledger = ledger{base: o.Snapshot.View.Zxid()}
		p.applied = p.ledger.base
		p.dropSnapshot()
	}
	p.writer.queue = append(p.writer.queue, task{order: *o, isOrder: true})
}

// talk hands what is for other servers to the network.
func (p *process) talk() {
	out := &p.out
	n := &p.world.network
	for i := range out.Ballots {
		n.vote(p, out.Ballots[i])
	}
	for i := range out.Sends {
		s := &out.Sends[i]
		if l := p.links[s.Link]; l != nil {
			l.send(s.Packet, s.Snapshot)
		} else if s.Snapshot != nil {
			s.Snapshot.Release()
		}
	}
	for _, id := range out.CloseLinks {
		if l := p.links[id]; l != nil {
			l.close()
		}
	}
	if out.Dial != 0 {
		p.dial(out.Dial)
	}
	for _, r := range out.ReadLog {
		p.after(p.world.between(Millisecond, 10*Millisecond), func() { p.readLog(r) })
	}
}

func (p *process) listen(on bool) {
	if on && !p.listening {
		p.led = p.machine.mono()
	}
	p.listening = on
}

func (p *process) readLog(r zab.LogRange) {
	entries, ok, err := p.store.Entries(r.After, r.Through, logReadBytesMax)
	if p.diskFailed(err) {
		return
	}
	e := core.PeerEvent{Kind: core.LogRead, Link: r.Link, OK: ok}
	for _, entry := range entries {
		e.Entries = append(e.Entries, zab.Entry(entry))
	}
	p.hear(e)
}

// hear puts an event between servers into the inbox.
func (p *process) hear(e core.PeerEvent) {
	if !p.dead {
		p.in.Peers = append(p.in.Peers, e)
		p.wake()
	}
}

// end makes everything that refers to the process inert.
func (p *process) end() {
	p.dead = true
	for _, c := range p.conns {
		if c != nil {
			c.serverGone()
		}
	}
	for id := zab.LinkID(1); id <= p.linkCount; id++ {
		if l := p.links[id]; l != nil {
			l.processEnded()
		}
	}
}
