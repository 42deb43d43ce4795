package replica

import (
	"errors"
	"fmt"

	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// Peers carries what this server says to the others of its ensemble. Whoever has
// the turn calls its methods; none blocks.
type Peers interface {
	// Ballot sends an election message; only the newest to each server matters.
	Ballot(to wire.PeerID, n *wire.Notification)
	// Dial opens a link to the quorum port of a server, and reports it with
	// core.LinkUp or core.LinkDown.
	Dial(to wire.PeerID)
	// Send sends a packet on a link, with the snapshot behind it when there is
	// one, whose Release it calls between two turns (see Replica.Between) when
	// the snapshot is sent or the link is gone. What was sent in a turn may wait
	// for Flush.
	Send(s *core.PeerSend)
	// Flush ends what a turn sends.
	Flush()
	// Close closes a link at once; what waits to be sent on it is dropped.
	Close(link zab.LinkID)
	// Listen opens or closes the quorum port; most calls change nothing.
	Listen(open bool)
}

// Hear hands over events from other servers. Like a client's batch they are
// stepped at once by the caller when nobody has the turn.
func (r *Replica) Hear(events ...core.PeerEvent) {
	r.mu.Lock()
	r.inbox.peers = append(r.inbox.peers, events...)
	r.stepIfFree()
}

// HearPackets is Hear for packets of a link.
func (r *Replica) HearPackets(link zab.LinkID, packets []wire.Packet) {
	r.mu.Lock()
	for i := range packets {
		r.inbox.peers = append(r.inbox.peers, core.PeerEvent{Kind: core.LinkPacket, Link: link, Packet: packets[i]})
	}
	r.stepIfFree()
}

// Between has whoever has the turn run f before a step. It does not wait. After
// the end of the server f does not run.
func (r *Replica) Between(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	r.inbox.requests = append(r.inbox.requests, f)
	r.rouse()
}

// tell carries out what a turn has for other servers. The caller has the turn.
func (r *Replica) tell(in *core.Input, out *core.Output) {
	p := r.options.Peers
	if p == nil {
		return
	}
	p.Listen(out.Listen)
	for i := range out.Ballots {
		p.Ballot(out.Ballots[i].To, &out.Ballots[i].Notification)
	}
	for i := range out.Sends {
		p.Send(&out.Sends[i])
	}
	for _, link := range out.CloseLinks {
		p.Close(link)
	}
	if out.Dial != 0 {
		p.Dial(out.Dial)
	}
	p.Flush()
	r.readLogs(in, out)
}

// readLogs passes on what a turn wants read. A link is asked for before its end,
// if not in an earlier turn.
func (r *Replica) readLogs(in *core.Input, out *core.Output) {
	for _, wanted := range out.ReadLog {
		r.logs.ask(wanted)
	}
	for _, link := range out.CloseLinks {
		r.logs.forget(link)
	}
	for i := range in.Peers {
		if in.Peers[i].Kind == core.LinkDown {
			r.logs.forget(in.Peers[i].Link)
		}
	}
}

// diskDone is called by the log writer.
func (r *Replica) diskDone(d core.DiskDone) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inbox.diskDone = append(r.inbox.diskDone, d)
	r.rouse()
}

// carryOut is one order besides appending.
func (w *logWriter) carryOut(o *logOrder) error {
	if o.reached != nil {
		close(o.reached)
		return nil
	}
	var done core.DiskDone
	var err error
	switch o.Kind {
	case zab.DiskEpochs:
		err = w.setEpochs(store.Epochs{Accepted: o.Accepted, Current: o.Current})
	case zab.DiskMembership:
		err = w.store.SetMembership(store.Membership{Committed: text(o.Committed), Pending: text(o.Pending)})
	case zab.DiskTruncate:
		err = w.replica.alone(func() (err error) {
			done.State, err = w.truncate(&o.DiskOrder)
			return err
		})
	case zab.DiskInstall:
		err = w.replica.alone(func() error {
			return w.store.Install(w.replica.work, store.Snapshot{View: o.Snapshot.View, Sessions: o.Snapshot.Sessions})
		})
		w.replica.Between(o.Snapshot.Release)
	}
	if err != nil {
		return fmt.Errorf("replica: the server stops because it cannot follow its ensemble on disk: %w", err)
	}
	w.replica.diskDone(done)
	return nil
}

// truncate cuts the log and returns the state that is left if it is wanted.
func (w *logWriter) truncate(o *core.DiskOrder) (*core.State, error) {
	r, err := w.store.Truncate(o.Zxid)
	switch {
	case errors.Is(err, store.ErrUnreachable):
		return nil, fmt.Errorf("%w; move the data directory away and start again: the server then copies everything", err)
	case err != nil || !o.Reload:
		return nil, err
	}
	return &core.State{Tree: r.Tree, Sessions: r.Sessions, Zxid: r.LastZxid}, nil
}

// setEpochs replaces the epoch files that change, the accepted epoch first: it is
// never below the other. Most orders change one of them, and clients wait.
func (w *logWriter) setEpochs(e store.Epochs) error {
	if w.epochs == nil || w.epochs.Accepted != e.Accepted {
		if err := w.store.SetAcceptedEpoch(e.Accepted); err != nil {
			return err
		}
	}
	if w.epochs == nil || w.epochs.Current != e.Current {
		if err := w.store.SetCurrentEpoch(e.Current); err != nil {
			return err
		}
	}
	w.epochs = &e
	return nil
}

func text(m *zab.Membership) string {
	if m == nil {
		return ""
	}
	return m.Text
}
