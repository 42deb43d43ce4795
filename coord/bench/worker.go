package bench

import (
	"encoding/binary"
	"fmt"
	"time"

	"kafkacoord/coord/wire"
)

// schedule says when a worker counts and when it stops. Times are measured from
// base, by the monotonic clock.
type schedule struct {
	base        time.Time
	measureFrom time.Duration
	stopAt      time.Duration // no request is sent after it; 0: never
	quota       int64         // replies to count; 0: no limit
}

// tally is what one worker has seen in its measured part.
type tally struct {
	latency  Histogram
	requests int64               // replies, failed ones included
	errors   map[wire.Code]int64 // replies by code, without OK
	last     time.Duration       // when the last counted reply came
}

// worker keeps one connection busy: outstanding requests from its source.
type worker struct {
	connection *connection // set by session
	source     source
	schedule   schedule
	multi      bool // replies are those of multis: look at the results
	tally      tally

	// sent[n % len(sent)] is when the n-th request was sent.
	sent           []time.Duration
	first, pending int // replies to come: their number, and that of the oldest
}

func newWorker(s source, outstanding int, when schedule) *worker {
	return &worker{source: s, schedule: when, sent: make([]time.Duration, outstanding)}
}

// run sends and receives until the schedule or the source ends it and every
// reply has come.
func (w *worker) run() error {
	now := time.Since(w.schedule.base)
	if err := w.send(len(w.sent), now); err != nil {
		return err
	}
	for w.pending > 0 {
		if err := w.connection.fill(); err != nil {
			return err
		}
		now = time.Since(w.schedule.base)
		replies, err := w.receive(now)
		if err != nil {
			return err
		}
		if err := w.send(replies, now); err != nil {
			return err
		}
	}
	return nil
}

// send asks for up to n more things in one write.
func (w *worker) send(n int, now time.Duration) error {
	if w.schedule.stopAt > 0 && now >= w.schedule.stopAt {
		return nil
	}
	if w.schedule.quota > 0 {
		n = int(min(int64(n), w.schedule.quota-w.tally.requests-int64(w.pending)))
	}
	c := w.connection
	sent := false
	for range n {
		xid := nextXid(c.xid)
		var more bool
		if c.out, more = w.source.next(c.out, xid); !more {
			break
		}
		c.xid = xid
		at := w.first + w.pending
		if at >= len(w.sent) {
			at -= len(w.sent)
		}
		w.sent[at] = now
		w.pending++
		sent = true
	}
	if !sent {
		return nil
	}
	return c.flush()
}

// receive counts the replies that one read has brought.
func (w *worker) receive(now time.Duration) (replies int, err error) {
	measured := now >= w.schedule.measureFrom && (w.schedule.stopAt == 0 || now < w.schedule.stopAt)
	for w.pending > 0 {
		h, body, ok, err := w.connection.reply(w.multi)
		if err != nil {
			return replies, err
		}
		if !ok {
			break
		}
		if h.Xid <= 0 {
			continue // a notification; nobody here asked for one
		}
		code := h.Err
		if w.multi && code == wire.OK {
			if code, err = multiCode(body); err != nil {
				return replies, err
			}
		}
		if measured {
			w.count(code, now-w.sent[w.first], now)
		}
		if w.first++; w.first == len(w.sent) {
			w.first = 0
		}
		w.pending--
		replies++
	}
	return replies, nil
}

func (w *worker) count(code wire.Code, latency, now time.Duration) {
	w.tally.latency.Record(latency)
	w.tally.requests++
	w.tally.last = now
	if code != wire.OK {
		if w.tally.errors == nil {
			w.tally.errors = make(map[wire.Code]int64)
		}
		w.tally.errors[code]++
	}
}

// multiCode finds why a multi failed: a failed one has a header without error
// and only error results, OK before the one that failed.
func multiCode(body []byte) (wire.Code, error) {
	if len(body) >= 4 && wire.Op(binary.BigEndian.Uint32(body)) != wire.OpError {
		return wire.OK, nil
	}
	reply, err := wire.DecodeReply(wire.OpMulti, body)
	if err != nil {
		return wire.OK, fmt.Errorf("%w: results of a multi: %w", ErrProtocol, err)
	}
	for _, r := range reply.Results {
		if r.Err != wire.OK {
			return r.Err, nil
		}
	}
	return wire.OK, nil
}
