package secure

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// between secures both ends of a connection, sends a text each way and returns
// the errors of dialler and acceptor.
func between(t *testing.T, dialler, acceptor *Peers, host string) (dialErr, acceptErr error) {
	t.Helper()
	dialled, accepted := connected(t)
	use := func(p *Peers, nc net.Conn, host string) error {
		secured, err := p.Secure(t.Context(), nc, host)
		if err != nil {
			_ = nc.Close()
			return err
		}
		if _, err := secured.Write([]byte("\x00hello")); err != nil {
			return err
		}
		got := make([]byte, 6)
		if _, err := io.ReadFull(secured, got); err != nil {
			_ = nc.Close()
			return err
		}
		if string(got) != "\x00hello" {
			return errors.New("other bytes arrived")
		}
		return nil
	}
	failed := make(chan error, 1)
	go func() { failed <- use(acceptor, accepted, "") }()
	dialErr = use(dialler, dialled, host)
	return dialErr, <-failed
}

// TestRollingSwitch has servers of neighbouring steps of the switch to TLS talk,
// in both directions.
func TestRollingSwitch(t *testing.T) {
	ca := newAuthority(t, "CA")
	keys := openKeys(t, QuorumFamily, ca.issue(t, "server", []string{"one.example"}, nil), ca)
	hosts := func() []string { return []string{"one.example", "two.example"} }
	step := func(encrypt, unified bool) *Peers {
		return &Peers{Keys: keys, Encrypt: encrypt, Unified: unified, Hosts: hosts}
	}
	plain, accepting, dialling, only := step(false, false), step(false, true), step(true, true), step(true, false)
	for _, p := range []*Peers{plain, accepting, dialling, only} {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		name     string
		from, to *Peers
		fails    bool
	}{
		{"plain to plain", plain, plain, false},
		{"plain to accepting", plain, accepting, false},
		{"accepting to plain", accepting, plain, false},
		{"accepting to dialling", accepting, dialling, false},
		{"dialling to accepting", dialling, accepting, false},
		{"dialling to only", dialling, only, false},
		{"only to dialling", only, dialling, false},
		{"only to only", only, only, false},
		{"plain to only", plain, only, true},
	} {
		dialErr, acceptErr := between(t, c.from, c.to, "one.example")
		if failed := acceptErr != nil; failed != c.fails {
			t.Errorf("%s: dialler %v, acceptor %v", c.name, dialErr, acceptErr)
		}
		if c.fails {
			if e, ok := errors.AsType[*HandshakeError](acceptErr); !ok || e.Kind != FailedPlain {
				t.Errorf("%s: acceptor %v, want %s", c.name, acceptErr, FailedPlain)
			}
		}
	}
	if err := (&Peers{Encrypt: true}).Check(); err == nil {
		t.Error("TLS without keys passes the check")
	}
}

// TestPeerNames: a certificate must be of a host of the list, or of the address it
// comes from.
func TestPeerNames(t *testing.T) {
	ca := newAuthority(t, "CA")
	own := ca.issue(t, "own", []string{"one.example"}, nil)
	hosts := func() []string { return []string{"one.example", "two.example"} }
	acceptor := &Peers{Keys: openKeys(t, QuorumFamily, own, ca), Encrypt: true, Hosts: hosts}
	lenient := &Peers{Keys: openKeys(t, QuorumFamily, own, ca, "ssl.quorum.clientHostnameVerification=false"), Encrypt: true, Hosts: hosts}
	listed := ca.issue(t, "listed", []string{"two.example"}, nil)
	byAddress := ca.issue(t, "by address", []string{"127.0.0.1"}, nil)
	unlisted := ca.issue(t, "unlisted", []string{"three.example"}, nil)
	for _, c := range []struct {
		name       string
		own        issued
		to         *Peers
		host       string
		dial, take string // kinds of failure
	}{
		{"listed", listed, acceptor, "one.example", "", ""},
		{"by address", byAddress, acceptor, "one.example", "", ""},
		{"unlisted", unlisted, acceptor, "one.example", "", FailedHost},
		{"unlisted, not verified", unlisted, lenient, "one.example", "", ""},
		{"another host was dialled", listed, acceptor, "two.example", FailedHost, FailedRefused},
	} {
		t.Run(c.name, func(t *testing.T) {
			dialler := &Peers{Keys: openKeys(t, QuorumFamily, c.own, ca), Encrypt: true, Hosts: hosts}
			dialErr, acceptErr := between(t, dialler, c.to, c.host)
			if c.dial == "" && c.take == "" && (dialErr != nil || acceptErr != nil) {
				t.Fatalf("dialler %v, acceptor %v", dialErr, acceptErr)
			}
			for _, side := range []struct {
				want string
				err  error
			}{{c.dial, dialErr}, {c.take, acceptErr}} {
				if e, _ := errors.AsType[*HandshakeError](side.err); side.want != "" && (e == nil || e.Kind != side.want) {
					t.Errorf("%v, want %s", side.err, side.want)
				}
			}
		})
	}
}

func TestSniff(t *testing.T) {
	for _, c := range []struct {
		name   string
		pieces []string
		want   bool
	}{
		{"a hello at once", []string{"\x16\x03\x01\x02\x00\x01"}, true},
		{"a hello by bytes", []string{"\x16", "\x03", "\x01", "\x02", "\x00"}, true},
		{"a frame", []string{"\x00\x00\x00\x2d"}, false},
		{"an election", []string{"\xff"}, false},
		{"a word", []string{"ruok"}, false},
		{"nearly a hello", []string{"\x16", "\x02"}, false},
		{"half a hello, then the end", []string{"\x16\x03"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			near, far := net.Pipe()
			go func() {
				for _, piece := range c.pieces {
					_, _ = far.Write([]byte(piece))
				}
				_ = far.Close()
			}()
			got, whole, err := sniffWithin(t.Context(), near, time.Hour)
			if err != nil || got != c.want {
				t.Fatalf("%v, %v, want %v", got, err, c.want)
			}
			all, err := io.ReadAll(whole)
			want := ""
			for _, piece := range c.pieces {
				want += piece
			}
			if err != nil || string(all) != want {
				t.Errorf("then %q and %v are read, want %q", all, err, want)
			}
		})
	}
}

// TestSniffSilence: who says nothing counts as plain after the limit, and the end
// of the context ends the wait.
func TestSniffSilence(t *testing.T) {
	near, far := net.Pipe()
	defer func() { _ = far.Close() }()
	yes, whole, err := sniffWithin(t.Context(), near, time.Millisecond)
	if yes || err != nil {
		t.Fatalf("%v, %v", yes, err)
	}
	go func() { _, _ = far.Write([]byte("x")) }()
	if _, err := io.ReadFull(whole, make([]byte, 1)); err != nil {
		t.Errorf("the limit of the wait is still there: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, _, err := sniffWithin(ctx, near, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the end of the context", err)
	}
}
