package secure

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"io"
	"strings"
	"unicode/utf8"
)

// digestService is what a DIGEST-MD5 exchange is bound to: protocol and server
// name make the digest-uri, and the server name is the realm as well.
type digestService struct{ protocol, server string }

// The services of ZooKeeper (ZooKeeper: SecurityUtils.java, QuorumAuth.java).
var (
	clientService = digestService{protocol: "zookeeper", server: "zk-sasl-md5"}
	quorumService = digestService{protocol: "zookeeper-quorum", server: "zk-quorum-sasl-md5"}
)

func (s digestService) uri() string { return s.protocol + "/" + s.server }

const (
	digestCount = "00000001" // of the only response: nothing is re-authenticated
	digestQOP   = "auth"
	nonceBytes  = 30
)

// newNonce is a random text without characters that need quoting.
func newNonce(random io.Reader) (string, error) {
	raw := make([]byte, nonceBytes)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(raw), nil
}

// digestProof is what goes into both proofs of an exchange.
type digestProof struct {
	user, realm, authorization string
	password                   Secret
	nonce, cnonce, uri         string
}

// response is the proof of the client, with the method AUTHENTICATE, or of the
// server, with an empty one (RFC 2831, 2.1.2.1 and 2.1.3; algorithm md5-sess).
func (p *digestProof) response(method string) string {
	secret := md5.Sum([]byte(latin1(p.user) + ":" + latin1(p.realm) + ":" + latin1(string(p.password))))
	a1 := string(secret[:]) + ":" + p.nonce + ":" + p.cnonce
	if p.authorization != "" {
		a1 += ":" + p.authorization
	}
	return hexMD5(strings.Join([]string{hexMD5(a1), p.nonce, digestCount, p.cnonce, digestQOP, hexMD5(method + ":" + p.uri)}, ":"))
}

const clientMethod = "AUTHENTICATE"

func hexMD5(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// latin1 turns UTF-8 text into ISO 8859-1 when every character of it is in that
// set, as RFC 2831 demands of what is hashed for the secret.
func latin1(text string) string {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return text
		}
		out = append(out, byte(r))
	}
	return string(out)
}

// digestServer is the server's side: challenge, response, proof of the server.
type digestServer struct {
	service  digestService
	password func(user string) (Secret, bool)
	random   io.Reader

	nonce     string
	user, act string // of the client
	finished  bool
}

func newDigestServer(service digestService, password func(user string) (Secret, bool)) *digestServer {
	return &digestServer{service: service, password: password, random: rand.Reader}
}

func (s *digestServer) proved() (authentication, authorization string) { return s.user, s.act }

func (s *digestServer) next(token []byte) (Answer, error) {
	switch {
	case s.finished:
		return Answer{}, denied("DIGEST-MD5: a token after the end")
	case s.nonce == "":
		return s.challenge(token)
	}
	s.finished = true
	return s.verify(token)
}

func (s *digestServer) challenge(token []byte) (Answer, error) {
	if len(token) > 0 {
		return Answer{}, denied("DIGEST-MD5: the client spoke first")
	}
	var err error
	if s.nonce, err = newNonce(s.random); err != nil {
		return Answer{}, denied("DIGEST-MD5: make a nonce: %w", err)
	}
	challenge := `realm="` + s.service.server + `",nonce="` + s.nonce + `",charset=utf-8,algorithm=md5-sess`
	return Answer{Token: []byte(challenge)}, nil
}

// verify checks a digest-response. Unknown users take the same way as wrong
// passwords, so that neither the answer nor its time tells them apart.
func (s *digestServer) verify(token []byte) (Answer, error) {
	d, err := parseDirectives(token)
	if err != nil {
		return Answer{}, err
	}
	proof := digestProof{
		user: d["username"], realm: d["realm"], authorization: d["authzid"],
		nonce: s.nonce, cnonce: d["cnonce"], uri: d["digest-uri"],
	}
	switch {
	case !validText(proof.user) || proof.user == "":
		return Answer{}, denied("DIGEST-MD5: the response has no valid user name")
	case d["nonce"] != s.nonce:
		return Answer{}, denied("DIGEST-MD5: the response of user %q is to another challenge", proof.user)
	case proof.cnonce == "":
		return Answer{}, denied("DIGEST-MD5: the response of user %q has no cnonce", proof.user)
	case d["nc"] != digestCount:
		return Answer{}, denied("DIGEST-MD5: the response of user %q has nonce count %q, not 1", proof.user, d["nc"])
	case d["qop"] != "" && d["qop"] != digestQOP:
		return Answer{}, denied("DIGEST-MD5: user %q asks for protection %q; only auth is served", proof.user, d["qop"])
	case !s.addressed(proof.uri):
		return Answer{}, denied("DIGEST-MD5: the response of user %q is for %q, not for %s", proof.user, proof.uri, s.service.uri())
	case d["charset"] != "" && !strings.EqualFold(d["charset"], "utf-8"):
		return Answer{}, denied("DIGEST-MD5: the response of user %q has an unknown charset", proof.user)
	}
	known := false
	proof.password, known = s.password(proof.user)
	right := hmac.Equal([]byte(proof.response(clientMethod)), []byte(d["response"]))
	if !known || !right {
		reason := "wrong password"
		if !known {
			reason = "no such user"
		}
		return Answer{}, denied("DIGEST-MD5: %s: user %q; the JAAS section has its user_ entries", reason, proof.user)
	}
	s.user, s.act = proof.user, proof.user
	if proof.authorization != "" {
		s.act = proof.authorization
	}
	return Answer{Token: []byte("rspauth=" + proof.response("")), Done: true}, nil
}

// addressed tells whether a digest-uri is that of this service. Some clients add
// a service name behind it.
func (s *digestServer) addressed(uri string) bool {
	own := s.service.uri()
	return strings.EqualFold(uri, own) || strings.EqualFold(uri, own+"/"+s.service.server)
}

// validText tells whether a name can go into identities and logs.
func validText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// digestClient is the client's side.
type digestClient struct {
	service  digestService
	user     string
	password Secret
	random   io.Reader

	proof *digestProof // after the challenge
}

func newDigestClient(service digestService, user string, password Secret) *digestClient {
	return &digestClient{service: service, user: user, password: password, random: rand.Reader}
}

func (c *digestClient) first() ([]byte, error) { return []byte{}, nil }

func (c *digestClient) next(token []byte) (reply []byte, done bool, err error) {
	d, err := parseDirectives(token)
	if err != nil {
		return nil, false, err
	}
	if c.proof == nil {
		reply, err = c.respond(d)
		return reply, false, err
	}
	if !hmac.Equal([]byte(d["rspauth"]), []byte(c.proof.response(""))) {
		return nil, false, denied("DIGEST-MD5: the server does not know the password of user %q", c.user)
	}
	return nil, true, nil
}

func (c *digestClient) respond(d directives) ([]byte, error) {
	switch {
	case d["nonce"] == "":
		return nil, denied("DIGEST-MD5: the challenge has no nonce")
	case d["algorithm"] != "md5-sess":
		return nil, denied("DIGEST-MD5: the challenge is for algorithm %q, not md5-sess", d["algorithm"])
	case d["qop"] != "" && !containsWord(d["qop"], digestQOP):
		return nil, denied("DIGEST-MD5: the server demands protection %q; only auth is spoken", d["qop"])
	}
	cnonce, err := newNonce(c.random)
	if err != nil {
		return nil, denied("DIGEST-MD5: make a nonce: %w", err)
	}
	realm := c.service.server
	if d["realm"] != "" {
		realm = d["realm"]
	}
	c.proof = &digestProof{
		user: c.user, realm: realm, authorization: c.user, password: c.password,
		nonce: d["nonce"], cnonce: cnonce, uri: c.service.uri(),
	}
	var b strings.Builder
	b.WriteString("charset=utf-8")
	for _, pair := range [][2]string{{"username", c.user}, {"realm", realm}, {"nonce", d["nonce"]}} {
		b.WriteString("," + pair[0] + "=" + quoted(pair[1]))
	}
	b.WriteString(",nc=" + digestCount + ",cnonce=" + quoted(cnonce) + ",digest-uri=" + quoted(c.proof.uri) +
		",maxbuf=65536,response=" + c.proof.response(clientMethod) + ",qop=" + digestQOP + ",authzid=" + quoted(c.user))
	return []byte(b.String()), nil
}

func containsWord(list, word string) bool {
	for _, w := range commaWords(list) {
		if w == word {
			return true
		}
	}
	return false
}
