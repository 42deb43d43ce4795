package clientnet

import (
	"log/slog"
	"sync"
	"time"
)

// refuseLength says in the log what a frame length out of range looks like.
func (c *Conn) refuseLength(first []byte, length int) {
	kind, what := recognize(first)
	if c.started {
		kind, what = RefusedFrame, ""
	}
	if what == "" {
		c.server.refuse(kind, "closing connection: frame length out of range", "client", c.remote.String(),
			"length", length, "limit", c.server.options.Limits.Frame, "hint", "a larger jute.maxbuffer lets larger frames in")
		return
	}
	c.server.refuse(kind, "closing connection: this is not the client protocol; it looks like "+what,
		"client", c.remote.String(), "first_bytes", string(printable(first)))
}

var greetings = []struct{ prefix, kind, what string }{
	{"GET ", RefusedHTTP, "HTTP"},
	{"POST", RefusedHTTP, "HTTP"},
	{"PUT ", RefusedHTTP, "HTTP"},
	{"HEAD", RefusedHTTP, "HTTP"},
	{"DELE", RefusedHTTP, "HTTP"},
	{"OPTI", RefusedHTTP, "HTTP"},
	{"PATC", RefusedHTTP, "HTTP"},
	{"CONN", RefusedHTTP, "HTTP"},
	{"TRAC", RefusedHTTP, "HTTP"},
	{"PRI ", RefusedHTTP, "HTTP/2"},
	{"SSH-", RefusedSSH, "SSH"},
	{"\x16\x03\x00", RefusedTLS, "a TLS hello on a plain port"},
	{"\x16\x03\x01", RefusedTLS, "a TLS hello on a plain port"},
	{"\x16\x03\x02", RefusedTLS, "a TLS hello on a plain port"},
	{"\x16\x03\x03", RefusedTLS, "a TLS hello on a plain port"},
}

// recognize names the protocol that a connection's first bytes belong to; what
// is empty when they are unknown.
func recognize(first []byte) (kind, what string) {
	for _, g := range greetings {
		if len(first) >= len(g.prefix) && string(first[:len(g.prefix)]) == g.prefix {
			return g.kind, g.what
		}
	}
	return RefusedFrame, ""
}

// printable makes the first bytes safe for a log line.
func printable(b []byte) []byte {
	out := make([]byte, 0, 16)
	for _, c := range b[:min(len(b), 16)] {
		if c < 0x20 || c > 0x7e {
			c = '.'
		}
		out = append(out, c)
	}
	return out
}

// throttledLog writes at most one line of each text in a period and says how
// many it left out: a flood of bad input must not become a flood of lines.
type throttledLog struct {
	log *slog.Logger
	mu  sync.Mutex // guards seen
	// seen holds one entry for each text; texts are constants of this package.
	seen map[string]*throttled
}

type throttled struct {
	since   time.Time
	dropped int
}

const throttlePeriod = 5 * time.Second

func newThrottledLog(l *slog.Logger) *throttledLog {
	return &throttledLog{log: l, seen: make(map[string]*throttled)}
}

func (l *throttledLog) warn(text string, args ...any) {
	l.mu.Lock()
	t := l.seen[text]
	if t == nil {
		t = &throttled{}
		l.seen[text] = t
	}
	now := time.Now()
	if !t.since.IsZero() && now.Sub(t.since) < throttlePeriod {
		t.dropped++
		l.mu.Unlock()
		return
	}
	dropped := t.dropped
	t.since, t.dropped = now, 0
	l.mu.Unlock()
	if dropped > 0 {
		args = append(args, "similar_lines_left_out", dropped)
	}
	l.log.Warn(text, args...)
}
