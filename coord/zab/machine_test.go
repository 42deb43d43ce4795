package zab

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"kafkacoord/coord/wire"
)

// machine is a server: a node in memory, and what is on its disk.
type machine struct {
	c      *cluster
	config Config
	up     bool
	life   int
	slow   bool // its disk
	node   *Node

	// In memory.
	applied  []Entry // the state: all transactions in it
	waiting  []Entry // logged, not applied
	role     Change
	received map[LinkID][]Entry // snapshots
	asked    map[uint64]int     // agreed transactions when a token was asked for
	synced   []int              // the same for sync requests, oldest first
	queue    []diskStep

	// On disk.
	log                []Entry // everything, snapshot included
	floor              wire.Zxid
	accepted, current  int64
	committed, pending *Membership
}

type diskStep struct {
	DiskOrder
	snapshot []Entry
}

func (m *machine) start() {
	c := m.c
	m.up = true
	m.life++
	m.applied = slices.Clone(m.log)
	m.waiting, m.queue, m.synced = nil, nil, nil
	m.received, m.asked = make(map[LinkID][]Entry), make(map[uint64]int)
	m.role = Change{}
	s := State{Accepted: m.accepted, Current: m.current, Floor: m.floor}
	if n := len(m.log); n > 0 {
		s.Last = m.log[n-1].Zxid
		s.Recent = m.log[max(0, n-c.random.IntN(12)):]
		for len(s.Recent) > 0 && s.Recent[0].Zxid <= m.floor {
			s.Recent = s.Recent[1:]
		}
	}
	config := m.config
	config.Committed, config.Pending = m.committed, m.pending
	m.node = New(config, s)
	c.tracef(m, "starts, last %v, epochs %d/%d", s.Last, m.accepted, m.current)
	m.call(func(out *Output) { m.node.Start(c.now, out) })
	for _, other := range c.machines {
		if other != m && other.up {
			c.tell(m, other)
		}
	}
}

// crash stops the server; some of the orders for its disk are carried out still.
func (m *machine) crash() {
	for range m.c.random.IntN(len(m.queue) + 1) {
		m.write()
	}
	m.up = false
	m.c.tracef(m, "crashes")
	for id := LinkID(1); id <= m.c.nextLink; id++ {
		if e := m.c.links[id]; e != nil && e.open && e.owner == m {
			m.c.breakLink(e)
		}
	}
	for _, other := range m.c.machines {
		if other.up {
			m.c.tell(m, other)
		}
	}
}

// call makes a call of the node and does what comes of it.
func (m *machine) call(do func(out *Output)) {
	var out Output
	do(&out)
	m.carryOut(&out)
}

func (m *machine) carryOut(out *Output) {
	c := m.c
	for _, n := range out.Notes {
		c.tracef(m, "%s %v", n.Text, n.Args)
		for _, bad := range []string{"which is not the next transaction", "out of turn", " after 0x", "no place in it", "was not proposed"} {
			if strings.Contains(fmt.Sprint(n.Args), bad) {
				c.failf("server %d: %s %v", m.config.Self, n.Text, n.Args)
			}
		}
	}
	for _, o := range out.Disk {
		m.disk(o)
	}
	if out.Commit != 0 {
		m.apply(out.Commit)
	}
	for _, s := range out.Sends {
		m.send(s)
	}
	for _, b := range out.Ballots {
		to := c.machine(b.To)
		c.in(c.delay(), func() {
			if to != nil && !c.separated(m, to) {
				to.call(func(out *Output) { to.node.Notification(m.config.Self, &b.Notification, out) })
			}
		})
	}
	if out.Dial != 0 {
		m.dial(c.machine(out.Dial))
	}
	for _, link := range out.Close {
		if e := c.links[link]; e != nil && e.open {
			e.open = false
			c.breakLink(e)
		}
	}
	for _, r := range out.ReadLog {
		m.readLog(r)
	}
	for _, ch := range out.Changes {
		m.change(ch)
	}
	for _, d := range out.Deliver {
		m.deliver(d)
	}
	if out.Confirmed != 0 {
		for token, count := range m.asked {
			if token <= out.Confirmed {
				delete(m.asked, token)
				if len(m.applied) < count {
					c.failf("server %d was confirmed as leader without %d transactions agreed before", m.config.Self, count-len(m.applied))
				}
			}
		}
	}
}

func (m *machine) disk(o DiskOrder) {
	step := diskStep{DiskOrder: o}
	switch o.Kind {
	case DiskAppend:
		m.waiting = append(m.waiting, o.Entry)
	case DiskTruncate:
		m.c.tracef(m, "truncates to %v", o.Zxid)
		m.waiting, m.applied = upTo(m.waiting, o.Zxid), upTo(m.applied, o.Zxid)
	case DiskInstall:
		snapshot, found := m.received[o.Link]
		if !found {
			m.c.failf("server %d installs a snapshot that it has not", m.config.Self)
		}
		m.c.tracef(m, "installs a snapshot at %v", o.Zxid)
		m.applied, m.waiting = slices.Clone(snapshot), nil
		step.snapshot = snapshot
	}
	m.queue = append(m.queue, step)
	life := m.life
	m.c.in(m.diskDelay(), func() {
		if m.up && m.life == life {
			m.sync()
		}
	})
}

func (m *machine) diskDelay() wire.Millis {
	if m.slow {
		return 50 + wire.Millis(m.c.random.IntN(200))
	}
	return m.c.delay() + wire.Millis(m.c.random.IntN(3))
}

// sync carries out some of the orders and reports them.
func (m *machine) sync() {
	var durable wire.Zxid
	life := m.life
	for range 1 + m.c.random.IntN(4) {
		if len(m.queue) == 0 {
			break
		}
		o := m.write()
		if o.Kind == DiskAppend {
			durable = o.Entry.Zxid
			continue
		}
		if durable != 0 {
			m.call(func(out *Output) { m.node.Durable(durable, out) })
			durable = 0
		}
		m.call(func(out *Output) { m.node.DiskDone(out) })
	}
	if durable != 0 {
		m.call(func(out *Output) { m.node.Durable(durable, out) })
	}
	if len(m.queue) > 0 {
		m.c.in(m.diskDelay(), func() {
			if m.up && m.life == life {
				m.sync()
			}
		})
	}
}

// write carries out the oldest order.
func (m *machine) write() diskStep {
	o := m.queue[0]
	m.queue = m.queue[1:]
	switch o.Kind {
	case DiskAppend:
		if n := len(m.log); n > 0 && o.Entry.Zxid <= m.log[n-1].Zxid {
			m.c.failf("server %d logs %v after %v", m.config.Self, o.Entry.Zxid, m.log[n-1].Zxid)
		}
		m.log = append(slices.Clip(m.log), o.Entry)
	case DiskTruncate:
		if o.Zxid < m.floor {
			m.c.failf("server %d cuts its log to %v, before its snapshot at %v", m.config.Self, o.Zxid, m.floor)
		}
		m.log = upTo(m.log, o.Zxid)
	case DiskInstall:
		m.log, m.floor = slices.Clone(o.snapshot), o.Zxid
	case DiskEpochs:
		if o.Accepted < m.accepted || o.Current < m.current || o.Current > o.Accepted {
			m.c.failf("server %d goes back from epochs %d/%d to %d/%d", m.config.Self, m.accepted, m.current, o.Accepted, o.Current)
		}
		m.accepted, m.current = o.Accepted, o.Current
	case DiskMembership:
		m.committed, m.pending = o.Committed, o.Pending
	}
	return o
}

func upTo(entries []Entry, z wire.Zxid) []Entry {
	for len(entries) > 0 && entries[len(entries)-1].Zxid > z {
		entries = entries[:len(entries)-1]
	}
	return slices.Clip(entries)
}

// apply checks what a server is told is committed.
func (m *machine) apply(z wire.Zxid) {
	for len(m.waiting) > 0 && m.waiting[0].Zxid <= z {
		m.applied = append(m.applied, m.waiting[0])
		m.waiting = m.waiting[1:]
	}
	if len(m.applied) == 0 || m.applied[len(m.applied)-1].Zxid != z {
		m.c.failf("server %d commits %v, which it has not logged", m.config.Self, z)
	}
	m.agree()
}

// agree checks that the state is a part of the agreed history, or prolongs it.
func (m *machine) agree() {
	for i, e := range m.applied {
		if i == len(m.c.agreed) {
			m.c.agreed = append(m.c.agreed, e)
		}
		if a := m.c.agreed[i]; a.Zxid != e.Zxid || !bytes.Equal(a.Payload, e.Payload) {
			m.c.failf("server %d: transaction %d is %v %s, not %v %s", m.config.Self, i, e.Zxid, e.Payload, a.Zxid, a.Payload)
		}
	}
}

func (m *machine) send(s Send) {
	c := m.c
	e := c.links[s.Link]
	if e == nil || e.owner != m {
		c.failf("server %d sends on a link that is not its own", m.config.Self)
	}
	if !e.open {
		return
	}
	var snapshot []Entry
	if s.Packet.Type == wire.PacketSnap {
		snapshot = slices.Clone(m.applied)
		var last wire.Zxid
		if len(snapshot) > 0 {
			last = snapshot[len(snapshot)-1].Zxid
		}
		if last != s.Packet.Zxid {
			c.failf("server %d sends a snapshot of %v as %v", m.config.Self, last, s.Packet.Zxid)
		}
	}
	p := s.Packet
	at := max(c.now+c.delay(), e.lastSent)
	e.lastSent = at
	to := e.other
	c.in(at-c.now, func() {
		if e.stalled || !to.open || !to.owner.up || to.life != to.owner.life {
			return
		}
		if snapshot != nil || p.Type == wire.PacketSnap {
			to.owner.received[to.id] = snapshot
		}
		to.owner.call(func(out *Output) { to.owner.node.Packet(to.id, &p, out) })
	})
}

func (m *machine) dial(to *machine) {
	c, life := m.c, m.life
	c.in(c.delay(), func() {
		switch {
		case !m.up || m.life != life:
		case c.separated(m, to) || to.role.Role != Leading && c.random.IntN(2) == 0:
			m.call(func(out *Output) { m.node.LinkDown(0, out) })
		default:
			near, far := c.newEnd(m), c.newEnd(to)
			near.other, far.other = far, near
			to.call(func(out *Output) { to.node.LinkUp(far.id, 0, out) })
			m.call(func(out *Output) { m.node.LinkUp(near.id, to.config.Self, out) })
		}
	})
}

func (m *machine) readLog(r LogRange) {
	life := m.life
	m.c.in(m.c.delay(), func() {
		if !m.up || m.life != life {
			return
		}
		all := append(slices.Clone(m.applied), m.waiting...)
		var entries []Entry
		for _, e := range all {
			if e.Zxid > r.After && e.Zxid <= r.Through {
				entries = append(entries, e)
			}
		}
		ok := r.After >= m.floor && m.c.random.IntN(8) > 0
		m.call(func(out *Output) { m.node.History(r.Link, entries, ok, out) })
	})
}

func (m *machine) change(ch Change) {
	m.c.tracef(m, "is %v %+v", ch.Role, ch)
	m.role = ch
	if !ch.Serving {
		m.synced = nil
		clear(m.asked)
		return
	}
	m.agree()
	if ch.Role != Leading {
		return
	}
	if id, found := m.c.leaders[ch.Epoch]; found {
		m.c.failf("servers %d and %d lead in epoch %d", id, m.config.Self, ch.Epoch)
	}
	m.c.leaders[ch.Epoch] = m.config.Self
	if len(m.applied) < len(m.c.agreed) {
		m.c.failf("leader %d has only %d of %d agreed transactions", m.config.Self, len(m.applied), len(m.c.agreed))
	}
}

func (m *machine) deliver(d Delivery) {
	switch {
	case d.Packet.Type == wire.PacketPing && m.role.Role != Leading:
		m.call(func(out *Output) {
			m.node.Send(0, wire.Packet{Type: wire.PacketPing, Zxid: d.Packet.Zxid, Data: []byte{}}, out)
		})
	case d.Packet.Type == wire.PacketRequest:
		m.call(func(out *Output) { m.node.Sync(d.Link, out) })
	case d.Packet.Type == wire.PacketSync:
		if len(m.synced) == 0 {
			m.c.failf("server %d got a SYNC that it did not ask for", m.config.Self)
		}
		if len(m.applied) < m.synced[0] {
			m.c.failf("server %d was synced with %d of %d transactions", m.config.Self, len(m.applied), m.synced[0])
		}
		m.synced = m.synced[1:]
	}
}

// work lets the leader write and confirm, and learners sync.
func (m *machine) work() {
	if !m.up || !m.role.Serving {
		return
	}
	if m.role.Role != Leading {
		m.synced = append(m.synced, len(m.c.agreed))
		m.call(func(out *Output) { m.node.Send(0, wire.Packet{Type: wire.PacketRequest, Zxid: -1}, out) })
		return
	}
	if m.c.random.IntN(3) == 0 {
		m.call(func(out *Output) {
			count := len(m.c.agreed)
			m.asked[m.node.Confirm(out)] = count
		})
		return
	}
	m.propose()
}

// propose lets a serving leader write.
func (m *machine) propose() {
	if m.role.Role != Leading || !m.role.Serving {
		return
	}
	var entries []Entry
	z := max(epochZxid(m.role.Epoch), m.node.history.last)
	for range 1 + m.c.random.IntN(4) {
		z++
		m.c.writes++
		entries = append(entries, Entry{z, fmt.Appendf(nil, "write %d", m.c.writes)})
	}
	m.call(func(out *Output) { m.node.Propose(entries, out) })
}
