package core

import (
	"testing"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/wire"
)

// TestOutputOfATurnIsBounded asks for far more than a turn may answer, with
// writes in between, and expects every answer once and in its place.
func TestOutputOfATurnIsBounded(t *testing.T) {
	h := newHost(t, testConfig(), auth.Config{})
	h.connect(0, 30_000)
	const size = 300 << 10
	h.send(0, requestFrame(1, &wire.Request{Op: wire.OpCreate, Path: "/big", Data: make([]byte, size), ACL: wire.OpenACL}))
	h.step()
	h.settle()

	var frames []byte
	xid := int32(1)
	add := func(r *wire.Request) {
		xid++
		frames = append(frames, requestFrame(xid, r)...)
	}
	read := wire.Request{Op: wire.OpGetData, Path: "/big", Watch: true}
	for range 20 {
		add(&read)
	}
	for range 3 {
		add(&wire.Request{Op: wire.OpSetData, Path: "/big", Data: make([]byte, size), Version: -1})
		for range 10 {
			add(&read)
		}
		add(&wire.Request{Op: wire.OpSync, Path: "/big"})
	}
	h.send(0, frames)
	want, answers, turns := int(xid)-1, 0, 0
	for answers < want {
		if turns++; turns > 100 {
			t.Fatalf("%d answers of %d after %d turns", answers, want, turns)
		}
		h.durable(h.appended)
		bytes := 0
		for _, got := range h.step()[0] { // the host checks the order of answers
			bytes += len(got.body)
			if got.header.Xid > 0 {
				answers++
			}
			if got.header.Err != wire.OK {
				t.Fatalf("xid %d: %v", got.header.Xid, got.header.Err)
			}
		}
		if bytes > turnBytesMax+2*size {
			t.Errorf("turn %d answers %d bytes", turns, bytes)
		}
	}
	if h.core.Outstanding() != 0 || h.busy[0] {
		t.Errorf("outstanding %d, batch held %v", h.core.Outstanding(), h.busy[0])
	}
}

// TestSessionEndsBehindItsAnswers closes the session in the batch that asks for
// more than a turn may answer: everything is answered before the connection
// ends.
func TestSessionEndsBehindItsAnswers(t *testing.T) {
	h := newHost(t, testConfig(), auth.Config{})
	h.connect(0, 30_000)
	h.send(0, requestFrame(1, &wire.Request{Op: wire.OpCreate, Path: "/big", Data: make([]byte, 300<<10), ACL: wire.OpenACL}))
	h.step()
	h.settle()
	frames := requestFrame(2, &wire.Request{Op: wire.OpSetData, Path: "/big", Data: make([]byte, 300<<10), Version: -1})
	for xid := int32(3); xid < 23; xid++ {
		frames = append(frames, requestFrame(xid, &wire.Request{Op: wire.OpGetData, Path: "/big"})...)
	}
	frames = append(frames, requestFrame(23, &wire.Request{Op: wire.OpCloseSession})...)
	h.send(0, frames)
	var xids []int32
	ended := false
	for turn := 0; turn < 50 && !ended; turn++ {
		h.durable(h.appended)
		for _, got := range h.step()[0] {
			xids = append(xids, got.header.Xid)
		}
		ended = h.ordered[0].ended
	}
	if len(xids) != 22 || xids[21] != 23 || !ended {
		t.Errorf("answers to %v, ended %v", xids, ended)
	}
}
