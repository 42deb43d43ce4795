package secure

import (
	"bytes"
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// transcript is one exchange between the JDK's own two sides.
type transcript struct {
	service                              digestService
	user, password                       string
	challenge, response, proof           []byte
	serverRandom, clientRandom           []byte
	challengeDirectives, responseMembers directives
}

func transcripts(t testing.TB) []transcript {
	t.Helper()
	lines := goldenLines(t, "testdata/digest.txt")
	var all []transcript
	for group := range slices.Chunk(lines, 6) {
		x := transcript{
			service: clientService, user: string(group[1][0]), password: string(group[2][0]),
			challenge: group[3][0], response: group[4][0], proof: group[5][0],
		}
		if string(group[0][0]) == quorumService.protocol {
			x.service = quorumService
		}
		var errs [4]error
		x.challengeDirectives, errs[0] = parseDirectives(x.challenge)
		x.responseMembers, errs[1] = parseDirectives(x.response)
		x.serverRandom, errs[2] = base64.StdEncoding.DecodeString(x.challengeDirectives["nonce"])
		x.clientRandom, errs[3] = base64.StdEncoding.DecodeString(x.responseMembers["cnonce"])
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}

func (x *transcript) server() *digestServer {
	s := newDigestServer(x.service, func(user string) (Secret, bool) { return Secret(x.password), user == x.user })
	s.random = bytes.NewReader(x.serverRandom)
	return s
}

// TestDigestAsJavaServer plays the server of Java's transcripts: the same bytes.
func TestDigestAsJavaServer(t *testing.T) {
	for _, x := range transcripts(t) {
		s := x.server()
		answer, err := s.next([]byte{})
		if err != nil || answer.Done || !bytes.Equal(answer.Token, x.challenge) {
			t.Fatalf("%s: challenge %q, %v; Java says %q", x.user, answer.Token, err, x.challenge)
		}
		answer, err = s.next(x.response)
		if err != nil || !answer.Done || !bytes.Equal(answer.Token, x.proof) {
			t.Fatalf("%s: proof %q, %v; Java says %q", x.user, answer.Token, err, x.proof)
		}
		if name, act := s.proved(); name != x.user || act != x.user {
			t.Errorf("proved %q acting as %q, want %q", name, act, x.user)
		}
		if _, err := s.next([]byte{}); !errors.Is(err, ErrAuthentication) {
			t.Errorf("a token after the end: %v", err)
		}
	}
}

// TestDigestAsJavaClient plays the client: the same bytes, but for maxbuf's place
// and the like, so members are compared.
func TestDigestAsJavaClient(t *testing.T) {
	for _, x := range transcripts(t) {
		c := newDigestClient(x.service, x.user, Secret(x.password))
		c.random = bytes.NewReader(x.clientRandom)
		if first, err := c.first(); err != nil || first == nil || len(first) > 0 {
			t.Fatalf("first token %v, %v, want an empty one", first, err)
		}
		reply, done, err := c.next(x.challenge)
		if err != nil || done {
			t.Fatal(done, err)
		}
		got, err := parseDirectives(reply)
		if err != nil || !maps.Equal(got, x.responseMembers) {
			t.Errorf("response %q, %v; Java says %q", reply, err, x.response)
		}
		if _, done, err = c.next(x.proof); err != nil || !done {
			t.Errorf("the proof of the server: %v, %v", done, err)
		}
	}
}

func TestDigestRefuses(t *testing.T) {
	x := transcripts(t)[0]
	response := string(x.response)
	change := func(from, to string) string {
		t.Helper()
		if !strings.Contains(response, from) {
			t.Fatalf("%q is not in %q", from, response)
		}
		return strings.Replace(response, from, to, 1)
	}
	proof := "response=" + x.responseMembers["response"]
	for name, token := range map[string]string{
		"wrong password":       change(proof, "response=00000000000000000000000000000000"),
		"no proof":             change(proof+",", ""),
		"unknown user":         change(`username="bob"`, `username="eve"`),
		"no user":              change(`username="bob",`, ""),
		"user with a new line": change(`username="bob"`, "username=\"b\nb\""),
		"user is not UTF-8":    change(`username="bob"`, "username=\"b\xffb\""),
		"another challenge":    change(`nonce="`, `nonce="x`),
		"no nonce":             change(`nonce="`+x.challengeDirectives["nonce"]+`",`, ""),
		"replayed count":       change("nc=00000001", "nc=00000002"),
		"no cnonce":            change(`cnonce="`+x.responseMembers["cnonce"]+`"`, `cnonce=""`),
		"other protection":     change("qop=auth", "qop=auth-conf"),
		"other service":        change("zookeeper/zk-sasl-md5", "zookeeper-quorum/zk-quorum-sasl-md5"),
		"other charset":        change("charset=utf-8", "charset=utf-7"),
		"user twice":           response + `,username="bob"`,
		"open quote":           response + `,x="`,
		"no directive":         "hello",
		"empty":                "",
		"too long":             response + ",x=" + strings.Repeat("x", digestBytesMax),
	} {
		t.Run(name, func(t *testing.T) {
			s := x.server()
			if _, err := s.next(nil); err != nil {
				t.Fatal(err)
			}
			answer, err := s.next([]byte(token))
			if !errors.Is(err, ErrAuthentication) || answer.Done || answer.Token != nil {
				t.Fatalf("%+v, %v", answer, err)
			}
			if strings.Contains(err.Error(), x.password) {
				t.Errorf("the error %q holds the password", err)
			}
			if _, err := s.next(x.response); !errors.Is(err, ErrAuthentication) {
				t.Errorf("a second try in one conversation: %v", err)
			}
		})
	}
	if _, err := x.server().next([]byte("hello")); !errors.Is(err, ErrAuthentication) {
		t.Errorf("a client that speaks first: %v", err)
	}
}

func TestDigestClientRefuses(t *testing.T) {
	for name, challenge := range map[string]string{
		"no nonce":         `realm="r",algorithm=md5-sess`,
		"other algorithm":  `nonce="n",algorithm=md5`,
		"other protection": `nonce="n",algorithm=md5-sess,qop="auth-int,auth-conf"`,
		"broken":           `nonce`,
	} {
		if _, _, err := newDigestClient(clientService, "u", "p").next([]byte(challenge)); !errors.Is(err, ErrAuthentication) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := newDigestClient(clientService, "u", "p")
	if _, _, err := c.next([]byte(`nonce="n",algorithm=md5-sess,qop="auth-int, auth"`)); err != nil {
		t.Fatal(err)
	}
	if _, done, err := c.next([]byte("rspauth=00000000000000000000000000000000")); done || !errors.Is(err, ErrAuthentication) {
		t.Errorf("a server without the password: %v, %v", done, err)
	}
}

// TestNoncesDiffer: two conversations must not accept each other's responses.
func TestNoncesDiffer(t *testing.T) {
	a, b := newDigestServer(clientService, nil), newDigestServer(clientService, nil)
	first, errA := a.next(nil)
	second, errB := b.next(nil)
	if errA != nil || errB != nil || bytes.Equal(first.Token, second.Token) {
		t.Errorf("%q and %q; %v, %v", first.Token, second.Token, errA, errB)
	}
}

func TestDirectives(t *testing.T) {
	got, err := parseDirectives([]byte(" A = b ,, c=\"d,\\\"e\\\\\" ,f=\"\" , g=h"))
	want := directives{"a": "b", "c": `d,"e\`, "f": "", "g": "h"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func FuzzDirectives(f *testing.F) {
	for _, x := range transcripts(f) {
		f.Add(x.challenge)
		f.Add(x.response)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		d, err := parseDirectives(message)
		if err != nil {
			return
		}
		var again []string
		for name, value := range d {
			again = append(again, name+"="+quoted(value))
		}
		if second, err := parseDirectives([]byte(strings.Join(again, ","))); len(strings.Join(again, ",")) <= digestBytesMax && (err != nil || !maps.Equal(d, second)) {
			t.Errorf("%q reads as %v, then as %v, %v", message, d, second, err)
		}
	})
}
