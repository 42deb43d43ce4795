package sim

import (
	"math"

	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// Faults say what goes wrong in a run, and how often.
type Faults struct {
	Every Time // mean time between two faults; 0: none

	Kills      bool // processes end without a warning
	PowerLoss  bool // and machines, between any two operations of a disk
	Freezes    bool // processes get no time for a while
	Partitions bool // one direction or all directions of a machine are cut
	HalfOpen   bool // machines are cut off from clients as well, which move
	Breaks     bool // links between servers and connections of clients break
	SlowDisks  bool
	SlowNet    bool // delays, and election messages that get lost
	Clocks     bool // run at different speeds, and wall clocks jump
}

// AllFaults is everything at once.
func AllFaults(every Time) Faults {
	return Faults{
		Every: every, Kills: true, PowerLoss: true, Freezes: true, Partitions: true, HalfOpen: true, Breaks: true, SlowDisks: true,
		SlowNet: true, Clocks: true,
	}
}

// faultsBegin lets faults strike until calm is set.
func (w *World) faultsBegin() {
	if w.options.Faults.Every == 0 {
		return
	}
	every := w.options.Faults.Every
	w.after(w.between(every/2, every*3/2), func() {
		if w.calm {
			return
		}
		w.strike()
		w.faultsBegin()
	})
}

// strike lets one fault happen to one machine.
func (w *World) strike() {
	f := w.options.Faults
	m := w.machines[w.random.IntN(len(w.machines))]
	kinds := []struct {
		on bool
		do func()
	}{
		{f.Kills, func() { w.kill(m, true) }},
		{f.PowerLoss, func() { w.kill(m, false) }},
		{f.PowerLoss, func() { m.disk.CrashAfter(w.random.IntN(60)) }},
		{f.PowerLoss, w.killAll},
		{f.Freezes, func() { m.freeze(); w.after(w.between(100*Millisecond, 15*Second), m.thaw) }},
		{f.Partitions, func() { w.cutOne(m) }},
		{f.Partitions, func() { w.isolate(m) }},
		{f.HalfOpen, func() {
			w.cutOff(m)
			w.after(w.between(200*Millisecond, 20*Second), func() { w.rejoin(m) })
		}},
		{f.Breaks, func() { m.breakLinks() }},
		{f.Breaks, w.dropClient},
		{f.SlowDisks, func() {
			m.slow = 1 + 200*w.random.Float64()
			w.after(w.between(Second, 10*Second), func() { m.slow = 1 })
		}},
		{f.SlowNet, w.slowNetwork},
		{f.Clocks, func() { m.wallBy += w.between(-30*Second, 30*Second) }},
	}
	for {
		if k := kinds[w.random.IntN(len(kinds))]; k.on {
			k.do()
			return
		}
	}
}

// kill ends a process and starts it again later.
func (w *World) kill(m *machine, power bool) {
	m.crash(power)
	w.after(w.between(100*Millisecond, 12*Second), m.start)
}

// killAll is a power cut of the whole room, or of most of it.
func (w *World) killAll() {
	if !w.chance(0.3) {
		return
	}
	for _, m := range w.machines {
		if w.chance(0.85) {
			w.kill(m, false)
		}
	}
}

// cutOne cuts one direction between a machine and another.
func (w *World) cutOne(m *machine) {
	other := w.machines[w.random.IntN(len(w.machines))]
	if other == m {
		return
	}
	w.cutFor(m.id, other.id, w.between(200*Millisecond, 20*Second))
}

// isolate cuts a machine off, in one direction or both.
func (w *World) isolate(m *machine) {
	out, in := w.chance(0.7), w.chance(0.7)
	length := w.between(200*Millisecond, 20*Second)
	for _, other := range w.machines {
		if other != m && out {
			w.cutFor(m.id, other.id, length)
		}
		if other != m && in {
			w.cutFor(other.id, m.id, length)
		}
	}
}

// cutOff cuts a machine off from all others and from the clients. Nobody is told:
// connections stay half open when their clients move.
func (w *World) cutOff(m *machine) {
	w.tracef("server %d: cut off from clients", m.id)
	m.clientsCut++
	for _, other := range w.machines {
		if other != m {
			w.network.cut(m.id, other.id)
			w.network.cut(other.id, m.id)
		}
	}
}

// rejoin ends what cutOff began.
func (w *World) rejoin(m *machine) {
	for _, other := range w.machines {
		if other != m {
			w.network.heal(m.id, other.id)
			w.network.heal(other.id, m.id)
		}
	}
	if m.clientsCut > 0 {
		m.clientsCut--
		m.flushClients()
	}
}

// flushClients lets what clients and server have sent each other arrive when
// nothing holds it up any more.
func (m *machine) flushClients() {
	if m.clientsCut > 0 || m.process == nil {
		return
	}
	m.world.tracef("server %d: reaches clients again", m.id)
	for _, c := range m.process.conns {
		if c != nil {
			c.flush()
		}
	}
}

func (w *World) cutFor(from, to wire.PeerID, length Time) {
	w.network.cut(from, to)
	w.after(length, func() { w.network.heal(from, to) })
}

// breakLinks breaks the links of a machine's process.
func (m *machine) breakLinks() {
	p := m.process
	if p == nil {
		return
	}
	for id := zab.LinkID(1); id <= p.linkCount; id++ {
		if l := p.links[id]; l != nil && m.world.chance(0.7) {
			m.world.tracef("server %d: link to %d breaks", m.id, l.other.process.machine.id)
			l.cutOff()
		}
	}
}

func (w *World) dropClient() {
	if len(w.clients) > 0 {
		w.clients[w.random.IntN(len(w.clients))].drop()
	}
}

func (w *World) slowNetwork() {
	w.network.slow = 1 + 60*w.random.Float64()
	w.network.loss = 0.4 * w.random.Float64()
	w.after(w.between(Second, 10*Second), func() { w.network.slow, w.network.loss = 1, 0 })
}

// heal ends all faults.
func (w *World) heal() {
	w.calm = true
	w.network.slow, w.network.loss = 1, 0
	for _, from := range w.machines {
		for _, to := range w.machines {
			for w.network.isCut(from.id, to.id) {
				w.network.heal(from.id, to.id)
			}
		}
	}
	for _, m := range w.machines {
		m.slow = 1
		if m.clientsCut > 0 {
			m.clientsCut = 0
			m.flushClients()
		}
		m.disk.CrashAfter(math.MaxInt32)
		m.thaw()
		m.start()
	}
}
