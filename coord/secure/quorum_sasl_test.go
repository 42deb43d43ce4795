package secure

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
)

// quorumSASL reads a configuration in which this server knows the given users and
// is the given one itself.
func quorumSASL(t *testing.T, users, username, password string, lines ...string) *QuorumSASL {
	t.Helper()
	jaas := digestSection("QuorumServer", users) + digestSection("QuorumLearner", fmt.Sprintf("username=%q password=%q", username, password))
	lines = append(lines, "quorum.auth.enableSasl=true", jaasKey+"="+writeFile(t, t.TempDir(), "jaas.conf", jaas))
	s, err := ReadQuorumSASL(parseConfig(t, lines...), func() []string { return []string{"host1.example.com"} })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const bothRequire = "quorum.auth.learnerRequireSasl=true\nquorum.auth.serverRequireSasl=true"

// introduceBy has from authenticate to to; then each side says hello, of which
// the exchange must not take a byte.
func introduceBy(t *testing.T, from, to *QuorumSASL) (name string, reason, acceptErr, dialErr error) {
	t.Helper()
	near, far := connected(t)
	type result struct {
		name        string
		reason, err error
	}
	accepted := make(chan result, 1)
	go func() {
		r := bufio.NewReader(far)
		name, reason, err := to.Accept(r, far)
		if err != nil {
			_ = far.Close()
			accepted <- result{name, reason, err}
			return
		}
		if _, err = far.Write([]byte("hello")); err == nil {
			err = hello(r)
		}
		accepted <- result{name, reason, err}
	}()
	if dialErr = from.Initiate(near, "host1.example.com"); dialErr == nil {
		if _, dialErr = near.Write([]byte("hello hello")); dialErr == nil {
			dialErr = hello(near)
		}
	} else {
		_, _ = near.Write([]byte("hello hello"))
	}
	a := <-accepted
	return a.name, a.reason, a.err, dialErr
}

func hello(r io.Reader) error {
	got := make([]byte, 5)
	if _, err := io.ReadFull(r, got); err != nil {
		return err
	}
	if string(got) != "hello" {
		return errors.New("other bytes arrived")
	}
	return nil
}

func TestQuorumDigest(t *testing.T) {
	required := quorumSASL(t, `user_one="1" user_two="2"`, "one", "1", bothRequire)
	optional := quorumSASL(t, `user_one="1"`, "one", "1", "quorum.auth.learnerRequireSasl=true")
	silent := quorumSASL(t, `user_one="1"`, "one", "1")
	stranger := quorumSASL(t, `user_one="1"`, "one", "wrong", bothRequire)
	for _, c := range []struct {
		name            string
		from, to        *QuorumSASL
		proved          string
		reason, refused bool
	}{
		{"both require", required, required, "one", false, false},
		{"only the dialler", required, optional, "one", false, false},
		{"nobody", silent, silent, "", true, false},
		{"without, to one that requires", silent, required, "", false, true},
		{"wrong password", stranger, required, "", false, true},
		{"wrong password, to one that lets in", stranger, optional, "", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, reason, acceptErr, dialErr := introduceBy(t, c.from, c.to)
			if name != c.proved || (reason != nil) != c.reason || (acceptErr != nil) != c.refused {
				t.Errorf("proved %q, reason %v, acceptor %v, dialler %v", name, reason, acceptErr, dialErr)
			}
			if c.from == stranger && !errors.Is(dialErr, ErrAuthentication) {
				t.Errorf("the dialler hears %v", dialErr)
			}
			if c.proved != "" && dialErr != nil {
				t.Errorf("the dialler hears %v", dialErr)
			}
		})
	}
}

// TestQuorumPackets is the exchange in bytes.
func TestQuorumPackets(t *testing.T) {
	for _, c := range []struct {
		status saslStatus
		token  []byte
		want   string
	}{
		{saslProgress, []byte{}, "\x5f\x24\x35\x01\x35\x01\xed\xcc\x00\x00\x00\x00\x00\x00\x00\x00"},
		{saslSuccess, []byte("ab"), "\x5f\x24\x35\x01\x35\x01\xed\xcc\x00\x00\x00\x01\x00\x00\x00\x02ab"},
		{saslError, nil, "\x5f\x24\x35\x01\x35\x01\xed\xcc\xff\xff\xff\xff\xff\xff\xff\xff"},
	} {
		got := appendSASLPacket(nil, c.status, c.token)
		if string(got) != c.want {
			t.Errorf("%x, want %x", got, c.want)
		}
		rest := bytes.NewReader(append(got, "rest"...))
		status, token, err := readSASLPacket(rest)
		if err != nil || status != c.status || !bytes.Equal(token, c.token) || (token == nil) != (c.token == nil) || rest.Len() != 4 {
			t.Errorf("read back as %d, %q, %v, %d bytes left", status, token, err, rest.Len())
		}
	}
	for _, packet := range []string{
		"", "\x5f\x24\x35\x01", "\x00\x00\x00\x01\x35\x01\xed\xcc\x00\x00\x00\x00\x00\x00\x00\x00",
		"\x5f\x24\x35\x01\x35\x01\xed\xcc\x00\x00\x00\x02\x00\x00\x00\x00",
		"\x5f\x24\x35\x01\x35\x01\xed\xcc\x00\x00\x00\x00\x7f\xff\xff\xff",
		"\x5f\x24\x35\x01\x35\x01\xed\xcc\x00\x00\x00\x00\xff\xff\xff\xfe",
		"\x5f\x24\x35\x01\x35\x01\xed\xcc\x00\x00\x00\x00\x00\x00\x00\x02a",
	} {
		if status, token, err := readSASLPacket(strings.NewReader(packet)); err == nil {
			t.Errorf("%x reads as %d, %q", packet, status, token)
		}
	}
}

// TestQuorumEarlyEnd: an initiator that closes before eight bytes is let through,
// to end like any other, unless authentication is required.
func TestQuorumEarlyEnd(t *testing.T) {
	for _, c := range []struct {
		s       *QuorumSASL
		refused bool
	}{{quorumSASL(t, `user_one="1"`, "one", "1"), false}, {quorumSASL(t, `user_one="1"`, "one", "1", bothRequire), true}} {
		r := bufio.NewReader(strings.NewReader("\xff\xff"))
		name, reason, err := c.s.Accept(r, io.Discard)
		if name != "" || (err != nil) != c.refused || (reason != nil) == c.refused || r.Buffered() != 2 {
			t.Errorf("%q, %v, %v, %d bytes left", name, reason, err, r.Buffered())
		}
	}
}

// TestQuorumServerWithoutProof: a server that claims success without the proof of
// its password, or goes on for ever, is not believed.
func TestQuorumServerWithoutProof(t *testing.T) {
	s := quorumSASL(t, `user_one="1"`, "one", "1", bothRequire)
	challenge := []byte(`realm="r",nonce="n",charset=utf-8,algorithm=md5-sess`)
	for name, packets := range map[string][][]byte{
		"success at once":    {appendSASLPacket(nil, saslSuccess, challenge)},
		"success, no proof":  {appendSASLPacket(nil, saslProgress, challenge), appendSASLPacket(nil, saslSuccess, nil)},
		"endless challenges": slices.Repeat([][]byte{appendSASLPacket(nil, saslProgress, challenge)}, 20),
		"refusal":            {appendSASLPacket(nil, saslError, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			go func() {
				for _, packet := range packets {
					if _, _, err := readSASLPacket(far); err != nil {
						break
					}
					_, _ = far.Write(packet)
				}
				_ = far.Close()
			}()
			if err := s.Initiate(near, "host1"); !errors.Is(err, ErrAuthentication) {
				t.Errorf("%v", err)
			}
			_ = near.Close()
		})
	}
}

func TestQuorumKerberos(t *testing.T) {
	r := newRealm(t, testService)
	s := &QuorumSASL{
		Require: true, server: r.login(), keys: acceptorOf(t, r),
		Hosts: func() []string { return []string{"host1.example.com", "host2.example.com"} },
	}
	for principal, want := range map[string]bool{
		"zkquorum/host2.example.com": true, "zkquorum/HOST1.example.com": true,
		"zkquorum/host3.example.com": false, "zkquorum": false,
	} {
		near, far := connected(t)
		accepted := make(chan error, 1)
		go func() {
			name, _, err := s.Accept(bufio.NewReader(far), far)
			if err == nil && name != principal+"@"+testRealm {
				err = fmt.Errorf("proved %q", name)
			}
			accepted <- err
		}()
		client := r.client(t, principal, testService, etypeID.AES256_CTS_HMAC_SHA1_96, time.Hour)
		dialErr := exchange(near, "host1.example.com", client)
		if err := <-accepted; (err == nil) != want || (dialErr == nil) != want {
			t.Errorf("%s: acceptor %v, dialler %v", principal, err, dialErr)
		}
	}
	if err := s.authorize("a/host1.example.com@X", "b/host1.example.com@X"); !errors.Is(err, ErrAuthentication) {
		t.Errorf("one principal acts as another: %v", err)
	}
}

func TestQuorumSASLSettings(t *testing.T) {
	if s, err := ReadQuorumSASL(parseConfig(t), nil); s != nil || err != nil {
		t.Errorf("switched off: %v, %v", s, err)
	}
	if _, err := ReadQuorumSASL(parseConfig(t, "quorum.auth.enableSasl=true"), nil); err == nil || !strings.Contains(err.Error(), jaasKey) {
		t.Errorf("without a JAAS file: %v", err)
	}
	server, learner := digestSection("QuorumServer", `user_a="a"`), digestSection("QuorumLearner", `username="a" password="a"`)
	for jaas, want := range map[string]string{
		server:  "'QuorumLearner'",
		learner: "'QuorumServer'",
		server + digestSection("QuorumLearner", `password="a"`):   "has no username",
		digestSection("QuorumServer", `username="a"`) + learner:   "user_<name>",
		server + "QuorumLearner { Krb5LoginModule required; };":   "no login module that is known",
		server + "QuorumLearner { x.Krb5LoginModule required; };": "useKeyTab",
	} {
		path := writeFile(t, t.TempDir(), "jaas.conf", jaas)
		if _, err := ReadQuorumSASL(parseConfig(t, "quorum.auth.enableSasl=true", jaasKey+"="+path), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", jaas, err, want)
		}
	}
}

func FuzzQuorumSASL(f *testing.F) {
	f.Add(appendSASLPacket(nil, saslProgress, []byte{}))
	f.Add(appendSASLPacket(appendSASLPacket(nil, saslProgress, nil), saslProgress, []byte(`username="one"`)))
	s := &QuorumSASL{Require: true, server: &Login{Mechanism: DigestMD5, Users: map[string]Secret{"one": "1"}}}
	f.Fuzz(func(t *testing.T, sent []byte) {
		if name, _, err := s.Accept(bufio.NewReader(bytes.NewReader(sent)), io.Discard); err == nil {
			t.Errorf("%q was let in", name)
		}
	})
}
