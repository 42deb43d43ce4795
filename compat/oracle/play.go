package oracle

import (
	"fmt"
	"time"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

// expiryTimeoutMillis is the timeout of the sessions that expire: short, as
// every one of them is waited for, but long enough to make their ephemerals.
const expiryTimeoutMillis = 2000

// expiryWaitMax bounds the wait for a session to expire.
const expiryWaitMax = 30 * time.Second

// played is the outcome of a sequence.
type played struct {
	operations int
	listed     []int
	mismatch   *mismatch
}

// play runs a sequence on both servers up to the first unlisted difference and
// removes its traces.
func (r *runner) play(root string, sequence []step) (played, error) {
	out := played{listed: make([]int, len(Differences))}
	for _, s := range r.sides {
		if err := s.begin(root); err != nil {
			return out, err
		}
	}
	for i := range sequence {
		s := &sequence[i]
		// A batch for a connection that a refusal has closed is not sent.
		sent := s.kind != stepBatch || r.sides[0].isOpen(s.slot) && r.sides[1].isOpen(s.slot)
		var err error
		out.mismatch, err = r.step(i, s, root, &out)
		if err != nil {
			return out, fmt.Errorf("step %d, %s: %w", i, s.words(), err)
		}
		if sent {
			out.operations += s.operations()
		}
		if out.mismatch != nil {
			break
		}
	}
	for _, s := range r.sides {
		if err := s.end(root); err != nil {
			return out, err
		}
	}
	return out, nil
}

func (r *runner) step(index int, s *step, root string, out *played) (*mismatch, error) {
	a, b := r.sides[0], r.sides[1]
	switch s.kind {
	case stepDrop:
		a.cut(s.slot)
		b.cut(s.slot)
		return nil, nil
	case stepConnect:
		return r.connect(index, s)
	case stepExpire:
		return r.expire(index, s, root)
	}
	if !a.isOpen(s.slot) || !b.isOpen(s.slot) {
		return nil, nil
	}
	var lines [2][]line
	for _, side := range r.sides {
		side.send(s.slot, s.requests)
	}
	for i, side := range r.sides {
		lines[i] = side.collect(s.slot, s.requests, nil)
	}
	if m := differ(index, s, "on its own connection", lines[0], lines[1]); m != nil {
		return r.excuse(s, lines[0], lines[1], m, out)
	}
	if !writes(s) {
		return nil, nil
	}
	return r.barrier(index, s), nil
}

// writes tells whether other connections may hear of a batch.
func writes(s *step) bool {
	for i := range s.requests {
		if s.requests[i].rec.Op.IsWrite() {
			return true
		}
	}
	return false
}

// excuse drops a difference that is listed and brings both servers to a common
// state again: connection closed, zxids counted from one number.
func (r *runner) excuse(s *step, a, b []line, m *mismatch, out *played) (*mismatch, error) {
	i := firstDifference(a, b)
	replyA, replyB := nextReply(a, i), nextReply(b, i)
	if replyA == nil || replyB == nil || replyA.request != replyB.request {
		return m, nil
	}
	request := &s.requests[replyA.request]
	if replyA.text == replyB.text && !request.null {
		return m, nil // the events before it differ, which only a null may bring about
	}
	listed := wanted(request, replyA.text, replyB.text)
	if listed < 0 {
		return m, nil
	}
	out.listed[listed]++
	var zxids, counts [2]int64
	for i, side := range r.sides {
		side.cut(s.slot)
		var err error
		if zxids[i], err = side.lastZxid(); err != nil {
			return nil, err
		}
		counts[i], _ = side.steps.count(zxids[i])
	}
	for i, side := range r.sides {
		side.steps.resume(zxids[i], max(counts[0], counts[1]))
		// A transaction, so that both are at a zxid that counts the same.
		if _, err := side.do(&wire.Request{Op: wire.OpMulti}); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// nextReply returns the first reply among the lines from an index on, or nil.
func nextReply(lines []line, from int) *line {
	for i := from; i < len(lines); i++ {
		if lines[i].request >= 0 {
			return &lines[i]
		}
	}
	return nil
}

// barrier waits until every connection has got all events, and compares them.
func (r *runner) barrier(index int, s *step) *mismatch {
	a, b := r.sides[0], r.sides[1]
	for slot := range slots {
		if slot == s.slot && s.kind == stepBatch {
			continue // its replies were read already, and events precede them
		}
		for _, side := range r.sides {
			if side.isOpen(slot) {
				side.ping(slot)
			}
		}
	}
	var found *mismatch
	for slot := range slots {
		if slot == s.slot && s.kind == stepBatch {
			continue
		}
		var lines [2][]line
		for i, side := range []*side{a, b} {
			if side.isOpen(slot) {
				lines[i] = side.pong(slot, nil)
			}
		}
		if s.kind == stepConnect && s.connect.sessionOf >= 0 && a.isOpen(slot) && !b.isOpen(slot) && len(lines[0]) == 0 {
			// ZooKeeper lost track of the session's older connection: see
			// Differences. It would not answer on it in any way worth comparing.
			a.cut(slot)
			r.leftOpen++
			continue
		}
		if m := differ(index, s, fmt.Sprintf("on connection %d", slot), lines[0], lines[1]); m != nil && found == nil {
			m.kind = "on another connection"
			found = m
		}
	}
	return found
}

func (r *runner) connect(index int, s *step) (*mismatch, error) {
	var lines [2][]line
	for i, side := range r.sides {
		l, err := side.connect(s.slot, s.connect)
		if err != nil {
			return nil, err
		}
		lines[i] = []line{l}
	}
	if m := differ(index, s, "on its own connection", lines[0], lines[1]); m != nil {
		return m, nil
	}
	return r.barrier(index, s), nil
}

// expire opens a short session with ephemerals, leaves it, waits until it is
// gone on both servers and compares who heard what of it.
func (r *runner) expire(index int, s *step, root string) (*mismatch, error) {
	s.slot = -1
	ephemerals := []string{root + "/expiring", root + "/a/expiring", root + "/b/expiring"}
	var lines [2][]line
	for i, side := range r.sides {
		l, err := side.openExpiring(ephemerals)
		if err != nil {
			return nil, err
		}
		lines[i] = l
	}
	if m := differ(index, s, "on the connection of the session", lines[0], lines[1]); m != nil {
		return m, nil
	}
	if m := r.barrier(index, s); m != nil {
		return m, nil
	}
	for i, side := range r.sides {
		l, err := side.awaitExpiry(ephemerals[0])
		if err != nil {
			return nil, err
		}
		lines[i] = l
	}
	if m := differ(index, s, "on the attempt to come back", lines[0], lines[1]); m != nil {
		return m, nil
	}
	return r.barrier(index, s), nil
}

// openExpiring makes a session with ephemerals and cuts its connection.
func (s *side) openExpiring(ephemerals []string) ([]line, error) {
	conn, answer, err := rawclient.Open(s.addr, expiryTimeoutMillis)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	s.sessions = append(s.sessions, answer.SessionID)
	var last wire.Zxid
	defer func() { s.lastOfExpiring = int64(last) }()
	lines := []line{{text: s.norm.connected(answer, 0), request: -1}}
	for i, path := range ephemerals {
		r := newRequest(int32(i+1), wire.Request{Op: wire.OpCreate, Path: path, ACL: wire.OpenACL, Flags: wire.FlagEphemeral})
		f, _, err := conn.Do(r.xid, r.rec.Op, r.body)
		if err != nil {
			return append(lines, line{text: unanswered(err), request: -1}), nil
		}
		last = f.Header.Zxid
		lines = append(lines, line{text: s.norm.reply(&r, f), request: -1})
	}
	return lines, nil
}

// awaitExpiry waits until the newest session's ephemeral is gone and then tries
// to attach to the session.
func (s *side) awaitExpiry(ephemeral string) ([]line, error) {
	for deadline := time.Now().Add(expiryWaitMax); ; {
		reply, _, err := s.control.Request(1, &wire.Request{Op: wire.OpExists, Path: ephemeral})
		if err != nil {
			return nil, err
		}
		if reply.Header.Err == wire.NoNode {
			break
		}
		if time.Now().After(deadline) {
			return []line{{text: fmt.Sprintf("the session has not expired in %v", expiryWaitMax), request: -1}}, nil
		}
		time.Sleep(5 * time.Millisecond) // between two looks, not for luck
	}
	after, err := s.lastZxid()
	if err != nil {
		return nil, err
	}
	lines := []line{{text: fmt.Sprintf("expired in %d transactions", after-s.lastOfExpiring), request: -1}}
	for z := s.lastOfExpiring + 1; z <= after; z++ {
		if count, ok := s.steps.count(z); ok {
			s.ended[count] = true
		}
	}
	id := s.sessions[len(s.sessions)-1]
	password := wire.SessionPassword(id)
	conn, answer, err := rawclient.Attach(s.addr, wire.ConnectRequest{Timeout: 1000, SessionID: id, Password: password[:], HasReadOnly: true})
	if err != nil {
		return append(lines, line{text: unanswered(err), request: -1}), nil
	}
	_ = conn.Close()
	return append(lines, line{text: s.norm.connected(answer, id), request: -1}), nil
}

func newRequest(xid int32, rec wire.Request) request {
	return request{rec: rec, xid: xid, body: wire.AppendRequest(nil, &rec)}
}
