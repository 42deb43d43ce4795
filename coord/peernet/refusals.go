package peernet

import (
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Kinds of what is refused, as Network.Refused counts them.
const (
	RefusedByUs         = "cannot_accept"
	RefusedTooMany      = "too_many_connections"
	RefusedSilent       = "silent"
	RefusedProbe        = "probe"
	RefusedForeign      = "foreign_protocol"
	RefusedWrongPort    = "wrong_port"
	RefusedInsecure     = "not_secured"
	RefusedHandshake    = "bad_handshake"
	RefusedOwnID        = "own_id"
	RefusedSharedID     = "shared_id"
	RefusedFrame        = "bad_frame"
	RefusedNotification = "bad_notification"
	RefusedPacket       = "bad_packet"
	RefusedSlowReader   = "slow_reader"
)

// refusalLinePeriod is how often a kind of refusal may write a line.
const refusalLinePeriod = 5 * time.Second

// refusals counts what is refused and tells the operator, but never more than a
// line of each kind in a period: a flood of nonsense must not become a flood of
// lines.
type refusals struct {
	log   *slog.Logger
	count func(kind string)

	mu    sync.Mutex // guards kinds
	kinds map[string]*refusalKind
}

type refusalKind struct {
	line    time.Time // of the last line
	leftOut int       // since then
}

func newRefusals(n *Network) *refusals {
	return &refusals{log: n.Log, count: n.Refused, kinds: make(map[string]*refusalKind)}
}

// add counts one refusal and writes its line unless there was one lately.
func (r *refusals) add(kind, text string, args ...any) {
	if r.count != nil {
		r.count(kind)
	}
	if r.log == nil {
		return
	}
	leftOut, ok := r.due(kind, time.Now())
	if !ok {
		return
	}
	if leftOut > 0 {
		args = append(args, "similar_lines_left_out", leftOut)
	}
	r.log.Warn(text, args...)
}

// due tells whether a kind may write a line now, and how many it left out.
func (r *refusals) due(kind string, now time.Time) (leftOut int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kinds[kind]
	if k == nil {
		k = &refusalKind{}
		r.kinds[kind] = k
	}
	if !k.line.IsZero() && now.Sub(k.line) < refusalLinePeriod {
		k.leftOut++
		return 0, false
	}
	leftOut = k.leftOut
	*k = refusalKind{line: now}
	return leftOut, true
}

// stranger is a protocol that reaches a port of servers by mistake, by how it
// begins.
type stranger struct{ prefix, kind, what string }

// strangers are those of both ports. No packet of a learner and no handshake
// begins like one of them.
var strangers = []stranger{
	{"GET ", RefusedForeign, "HTTP"},
	{"HEAD", RefusedForeign, "HTTP"},
	{"POST", RefusedForeign, "HTTP"},
	{"PUT ", RefusedForeign, "HTTP"},
	{"OPTI", RefusedForeign, "HTTP"},
	{"PRI ", RefusedForeign, "HTTP/2"},
	{"SSH-", RefusedForeign, "SSH"},
	{"\x16\x03", RefusedInsecure, "a TLS hello, but this port is not secured (sslQuorum)"},
	{"\x5f\x24\x35\x01\x35\x01\xed\xcc", RefusedInsecure, "a SASL exchange, but this port does not authenticate"},
	{"\x00\x00\x00\x2d\x00\x00", RefusedWrongPort, "a client of ZooKeeper; it must use the client port"},
	{"\x00\x00\x00\x2c\x00\x00", RefusedWrongPort, "a client of ZooKeeper; it must use the client port"},
	{"ruok", RefusedWrongPort, "a four-letter word; it must use the client port"},
	{"srvr", RefusedWrongPort, "a four-letter word; it must use the client port"},
	{"mntr", RefusedWrongPort, "a four-letter word; it must use the client port"},
	{"stat", RefusedWrongPort, "a four-letter word; it must use the client port"},
}

var (
	electionStrangers = append([]stranger{
		{"\x00\x00\x00\x0b\x00\x00", RefusedWrongPort, "a learner; are the ports swapped?"},
		{"\x00\x00\x00\x10\x00\x00", RefusedWrongPort, "a learner; are the ports swapped?"},
	}, strangers...)
	linkStrangers = append([]stranger{
		{"\xff\xff\xff\xff\xff\xff\x00", RefusedWrongPort, "the handshake of an election port; are the ports swapped?"},
	}, strangers...)
)

// recognize names what begins with first; unknown is its kind when it is none of
// those known.
func recognize(first []byte, known []stranger, unknown string) (kind, what string) {
	for _, s := range known {
		if strings.HasPrefix(string(first), s.prefix) {
			return s.kind, s.what
		}
	}
	return unknown, "nothing known"
}

// printable makes the first bytes of a connection fit for a line of the log.
func printable(b []byte) string {
	const most = 16
	out := make([]byte, 0, most)
	for _, c := range b[:min(len(b), most)] {
		if c < 0x20 || c > 0x7e {
			c = '.'
		}
		out = append(out, c)
	}
	return string(out)
}
