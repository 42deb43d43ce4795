package peernet

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"time"

	"kafkacoord/coord/wire"
)

const (
	bindLeast = 5 * time.Millisecond
	bindMost  = 500 * time.Millisecond
	// introductionBytes bounds the data of the first packet of an accepted link,
	// which is a learner's few numbers.
	introductionBytes = 4096
)

// listening is one time of the quorum port being open.
type listening struct {
	ctx    context.Context // ends with it
	cancel context.CancelFunc
	// listeners are bound so far; guarded by Links.mu.
	listeners []net.Listener
}

// Listen opens or closes the quorum port. Opening goes on in the background: an
// address that is in use is tried again until it can be had. When closing
// returns, the port is closed and so are accepted connections that have not yet
// become links; links stay.
func (l *Links) Listen(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !on {
		l.stopListening()
		return
	}
	if l.listening != nil || l.closed {
		return
	}
	current := &listening{}
	current.ctx, current.cancel = context.WithCancel(l.ctx)
	l.listening = current
	for _, a := range l.options.Listen {
		l.tasks.Go(func() { l.serve(current, a) })
	}
}

// stopListening closes the port. The caller holds mu.
func (l *Links) stopListening() {
	if l.listening == nil {
		return
	}
	l.listening.cancel()
	closeAll(l.listening.listeners)
	for c := range l.introducing {
		c.end(errLinkEnded, true)
	}
	l.listening = nil
}

// Addrs are the addresses that are bound now.
func (l *Links) Addrs() []net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listening == nil {
		return nil
	}
	addrs := make([]net.Addr, 0, len(l.listening.listeners))
	for _, listener := range l.listening.listeners {
		addrs = append(addrs, listener.Addr())
	}
	return addrs
}

// serve binds an address and accepts connections until the port is closed.
func (l *Links) serve(current *listening, a Address) {
	for wait := newBackoff(bindLeast, bindMost, nil); ; {
		listener, err := l.options.Network.listen(current.ctx, a)
		if err == nil {
			if l.bound(current, listener) {
				l.options.Network.accept(current.ctx, listener, l.refusals, func(nc net.Conn) { l.greet(current, nc) })
			}
			return
		}
		if current.ctx.Err() != nil {
			return
		}
		l.refusals.add(RefusedByUs, "cannot open the quorum port, trying again", "address", a.String(), "error", err)
		if !wait.sleep(current.ctx) {
			return
		}
	}
}

// bound notes a new listener; one that comes too late is closed.
func (l *Links) bound(current *listening, listener net.Listener) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listening != current {
		_ = listener.Close()
		return false
	}
	current.listeners = append(current.listeners, listener)
	return true
}

// greet takes an accepted connection and waits for its first packet, beside
// others.
func (l *Links) greet(current *listening, nc net.Conn) {
	c := newLink(l, nc, 0, false)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.listening != current:
		_ = nc.Close()
	case len(l.introducing) >= l.options.Strangers:
		_ = nc.Close()
		l.refusals.add(RefusedTooMany, "link refused: too many have not said who they are",
			"address", c.remote, "limit", l.options.Strangers)
	default:
		l.introducing[c] = struct{}{}
		l.tasks.Go(func() { l.welcome(current, c) })
	}
}

// welcome makes an accepted connection a link if it begins like a learner.
func (l *Links) welcome(current *listening, c *link) {
	ok := l.introduce(c)
	l.mu.Lock()
	delete(l.introducing, c)
	full, limit := "", 0
	if _, listed := l.book[c.peer]; !listed {
		c.unlisted = true
		c.queueBytes = min(c.queueBytes, l.options.UnlistedQueueBytes)
	}
	switch {
	case !ok:
	case len(l.links) >= l.options.Links:
		full, limit = "there are too many", l.options.Links
	case c.unlisted && l.unlisted() >= l.options.Unlisted:
		full, limit = "there are too many from servers that are not in the list", l.options.Unlisted
	case l.listening == current:
		l.add(c)
	}
	ok = c.id != 0
	l.mu.Unlock()
	if full != "" {
		l.refusals.add(RefusedTooMany, "link refused: "+full, "server", c.peer, "address", c.remote, "limit", limit)
	}
	if !ok {
		c.end(errLinkEnded, true)
		return
	}
	c.run()
}

// introduce secures an accepted connection and reads until its first packet is
// whole, which stays in the buffer.
func (l *Links) introduce(c *link) bool {
	ctx, cancel := context.WithTimeout(l.ctx, l.options.IntroductionTimeout)
	defer cancel()
	refuse := func(kind, text string, args ...any) bool {
		l.refusals.add(kind, "closing link: "+text, append(args, "address", c.remote)...)
		return false
	}
	secured, err := l.options.Network.secure(ctx, c.nc, "")
	if err != nil {
		return refuse(RefusedInsecure, "it could not be secured", "error", err)
	}
	c.secured(secured)
	deadline, _ := ctx.Deadline()
	_ = secured.SetReadDeadline(deadline)
	first, err := c.in.first(introductionBytes)
	switch {
	case c.ended():
		return false
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(RefusedSilent, "it did not say who it is in time", "limit", l.options.IntroductionTimeout)
	case errors.Is(err, io.EOF) && len(first) == 0:
		return refuse(RefusedProbe, "it sent nothing and went; is something probing the port?")
	case err != nil && beginsLikeLearner(first):
		return refuse(RefusedPacket, "its first packet is not whole", "error", err)
	case !beginsLikeLearner(first):
		kind, what := recognize(first, linkStrangers, RefusedPacket)
		return refuse(kind, "this is no learner", "looks_like", what, "first_bytes", printable(first))
	}
	var p wire.Packet
	_, err = wire.DecodePacket(first, &p)
	info, infoErr := wire.DecodeLearnerInfo(p.Data)
	if err = errors.Join(err, infoErr); err != nil {
		return refuse(RefusedPacket, "its first packet makes no sense", "error", err)
	}
	c.peer = info.Server
	_ = secured.SetReadDeadline(time.Time{})
	return true
}

// beginsLikeLearner tells whether the bytes may be the beginning of what a learner
// says first.
func beginsLikeLearner(first []byte) bool {
	if len(first) < 4 {
		return false
	}
	t := wire.PacketType(binary.BigEndian.Uint32(first))
	return t == wire.PacketFollowerInfo || t == wire.PacketObserverInfo
}
