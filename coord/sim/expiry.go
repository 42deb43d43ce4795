package sim

import (
	"kafkacoord/coord/core"
	"kafkacoord/coord/wire"
)

// noteTouches remembers whose clients the server hears from in this turn, by the
// clock that it measures sessions with.
func (p *process) noteTouches() {
	for i := range p.in.Batches {
		cn := p.conns[p.in.Batches[i].Conn]
		if cn != nil && cn.client.conn == cn && cn.client.shaken { // a connect request may be refused
			p.touched[cn.client.session] = p.in.Mono
		}
	}
}

// heard remembers the sessions that a learner reports to its leader.
func (p *process) heard(packet *wire.Packet) {
	if !p.listening || packet.Type != wire.PacketPing && packet.Type != wire.PacketRevalidate {
		return
	}
	d := wire.NewDecoder(packet.Data)
	for {
		id := wire.SessionID(d.Long())
		d.Int()
		if d.Err() != nil {
			return
		}
		p.touched[id] = p.machine.mono()
	}
}

// proposed looks at a transaction when it is given out: the end of a session
// that nobody asked for must not come before its timeout, measured by who
// decides it.
func (j *judge) proposed(p *process, e core.Entry) {
	var txn wire.Txn
	if err := wire.DecodeTxn(e.Payload, &txn); err != nil {
		j.world.fail("server %d proposes %v, which cannot be decoded: %w", p.machine.id, e.Zxid, err)
		return
	}
	now := p.machine.mono()
	switch {
	case txn.Type == wire.OpCreateSession:
		j.opened[txn.Session] = txn.Timeout
		p.touched[txn.Session] = now
	case txn.Type == wire.OpCloseSession && txn.Cxid == 0:
		silent := now - max(p.touched[txn.Session], p.led)
		if timeout := j.opened[txn.Session]; silent < wire.Millis(timeout) {
			j.world.fail("server %d expires session %v of %d ms after %d ms", p.machine.id, txn.Session, timeout, silent)
		}
	}
}
