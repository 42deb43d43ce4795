package secure

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

const (
	testRealm   = "EXAMPLE.COM"
	testService = "zookeeper/host1.example.com"
)

// realm stands in for a key distribution centre: it has the keys of the service.
type realm struct {
	keytab *keytab.Keytab
	path   string // of the keytab
}

func newRealm(t *testing.T, service string) *realm {
	t.Helper()
	r := &realm{keytab: keytab.New(), path: filepath.Join(t.TempDir(), "zk.keytab")}
	for _, etype := range []int32{etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA256_128, etypeID.RC4_HMAC} {
		if err := r.keytab.AddEntry(service, testRealm, "service secret", time.Unix(0, 0), 1, etype); err != nil {
			t.Fatal(err)
		}
	}
	data, err := r.keytab.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Dir(r.path), filepath.Base(r.path), string(data))
	return r
}

func (r *realm) login() *Login {
	return &Login{Section: "Server", Mechanism: GSSAPI, Keytab: r.path, Principal: testService + "@" + testRealm}
}

// client has a ticket for a service that is valid for the given time from now.
func (r *realm) client(t testing.TB, user, service string, etype int32, valid time.Duration) *gssClient {
	t.Helper()
	name := types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, user)
	now := time.Now().UTC().Truncate(time.Second)
	ticket, key, err := messages.NewTicket(name, testRealm, types.NewPrincipalName(nametype.KRB_NT_SRV_INST, service), testRealm,
		types.NewKrbFlags(), r.keytab, etype, 1, now.Add(-time.Hour), now.Add(-time.Hour), now.Add(valid), now.Add(valid))
	if err != nil {
		t.Fatal(err)
	}
	return &gssClient{ticket: ticket, key: key, name: name, realm: testRealm}
}

func acceptorOf(t *testing.T, r *realm) *acceptorKeys {
	t.Helper()
	keys, err := openAcceptor(r.login())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestGSSAPI(t *testing.T) {
	r := newRealm(t, testService)
	keys := acceptorOf(t, r)
	for _, etype := range []int32{etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA256_128} {
		client, server := r.client(t, "kafka/broker1", testService, etype, time.Hour), &gssServer{keys: keys}
		token, err := client.first()
		if err != nil {
			t.Fatal(err)
		}
		offer, err := server.next(token)
		if err != nil || offer.Done || offer.Token == nil {
			t.Fatalf("offer %+v, %v", offer, err)
		}
		choice, done, err := client.next(offer.Token)
		if err != nil || done {
			t.Fatal(done, err)
		}
		end, err := server.next(choice)
		if err != nil || !end.Done || end.Token != nil {
			t.Fatalf("end %+v, %v, want a null token", end, err)
		}
		if _, done, err = client.next(nil); err != nil || !done {
			t.Fatal(done, err)
		}
		if name, act := server.proved(); name != "kafka/broker1@EXAMPLE.COM" || act != name {
			t.Errorf("proved %q acting as %q", name, act)
		}
		if _, err := server.next(choice); !errors.Is(err, ErrAuthentication) {
			t.Errorf("a token after the end: %v", err)
		}
		if _, err := (&gssServer{keys: keys}).next(token); !errors.Is(err, ErrAuthentication) || !strings.Contains(err.Error(), "replay") {
			t.Errorf("a replay: %v", err)
		}
	}
}

// TestMutual has the server prove itself, as clients with the MIT library ask.
func TestMutual(t *testing.T) {
	r := newRealm(t, testService)
	client := r.client(t, "bob", testService, etypeID.AES256_CTS_HMAC_SHA1_96, time.Hour)
	authenticator, err := types.NewAuthenticator(testRealm, client.name)
	if err != nil {
		t.Fatal(err)
	}
	etype, err := crypto.GetEtype(client.key.KeyType)
	if err != nil {
		t.Fatal(err)
	}
	if err := authenticator.GenerateSeqNumberAndSubKey(client.key.KeyType, etype.GetKeyByteSize()); err != nil {
		t.Fatal(err)
	}
	request, err := messages.NewAPReq(client.ticket, client.key, authenticator)
	if err != nil {
		t.Fatal(err)
	}
	types.SetFlag(&request.APOptions, flags.APOptionMutualRequired)
	message, err := request.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	token, err := wrapGSS(gssRequest, message)
	if err != nil {
		t.Fatal(err)
	}
	server := &gssServer{keys: acceptorOf(t, r)}
	answer, err := server.next(token)
	if err != nil {
		t.Fatal(err)
	}
	message, err = unwrapGSS(gssReply, answer.Token)
	if err != nil {
		t.Fatal(err)
	}
	var reply messages.APRep
	if err := reply.Unmarshal(message); err != nil {
		t.Fatal(err)
	}
	plain, err := crypto.DecryptEncPart(reply.EncPart, client.key, keyusage.AP_REP_ENCPART)
	if err != nil {
		t.Fatal(err)
	}
	var part messages.EncAPRepPart
	if err := part.Unmarshal(plain); err != nil {
		t.Fatal(err)
	}
	if !part.CTime.Equal(authenticator.CTime.Truncate(time.Second)) || part.Cusec != authenticator.Cusec {
		t.Errorf("proof of %v and %d µs, want %v and %d", part.CTime, part.Cusec, authenticator.CTime, authenticator.Cusec)
	}
	if answer, err = server.next(nil); err != nil {
		t.Fatal(err)
	}
	client.key = authenticator.SubKey // which the client chose for what follows
	choice, _, err := client.next(answer.Token)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err = server.next(choice); err != nil || !answer.Done {
		t.Fatalf("%+v, %v", answer, err)
	}
}

func TestGSSAPIRefuses(t *testing.T) {
	r := newRealm(t, testService)
	const aes = etypeID.AES256_CTS_HMAC_SHA1_96
	for name, c := range map[string]struct {
		change func(*gssClient)
		client *gssClient
		want   string
	}{
		"expired ticket":         {client: r.client(t, "bob", testService, aes, -10*time.Minute), want: "clocks"},
		"weak ticket":            {client: r.client(t, "bob", testService, etypeID.RC4_HMAC, time.Hour), want: "AES"},
		"ticket for another":     {client: newRealm(t, "kafka/host1").client(t, "bob", "kafka/host1", aes, time.Hour), want: "kafka/host1"},
		"ticket of another key":  {client: r.client(t, "bob", testService, aes, time.Hour), change: func(c *gssClient) { c.ticket.EncPart.Cipher[20] ^= 1 }, want: "not accepted"},
		"another's session key":  {client: r.client(t, "bob", testService, aes, time.Hour), change: func(c *gssClient) { c.key.KeyValue[0] ^= 1 }, want: "not accepted"},
		"another's name":         {client: r.client(t, "bob", testService, aes, time.Hour), change: func(c *gssClient) { c.name.NameString = []string{"eve"} }, want: "not accepted"},
		"ticket without service": {client: r.client(t, "bob", testService, aes, time.Hour), change: func(c *gssClient) { c.ticket.SName.NameString[0] = "" }, want: "ticket is for"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.change != nil {
				c.change(c.client)
			}
			token, err := c.client.first()
			if err != nil {
				t.Fatal(err)
			}
			answer, err := (&gssServer{keys: acceptorOf(t, r)}).next(token)
			if !errors.Is(err, ErrAuthentication) || !strings.Contains(err.Error(), c.want) || answer.Token != nil {
				t.Errorf("%+v, %v, want %s", answer, err, c.want)
			}
		})
	}
}

func TestGSSAPIChoices(t *testing.T) {
	r := newRealm(t, testService)
	keys := acceptorOf(t, r)
	for name, c := range map[string]struct {
		payload string
		spoil   func(token []byte)
		act     string
		fails   bool
	}{
		"nobody else":   {payload: "\x01\x00\x00\x00", act: "bob@EXAMPLE.COM"},
		"somebody else": {payload: "\x01\x00\x00\x00alice", act: "alice"},
		"a layer":       {payload: "\x02\x00\x00\x00", fails: true},
		"short":         {payload: "\x01\x00", fails: true},
		"no UTF-8":      {payload: "\x01\x00\x00\x00\xff", fails: true},
		"changed":       {payload: "\x01\x00\x00\x00", spoil: func(token []byte) { token[wrapHeaderBytes] ^= 2 }, fails: true},
		"encrypted":     {payload: "\x01\x00\x00\x00", spoil: func(token []byte) { token[2] |= wrapSealed }, fails: true},
		"of ours":       {payload: "\x01\x00\x00\x00", spoil: func(token []byte) { token[2] |= wrapFromAcceptor }, fails: true},
		"rotated": {payload: "\x01\x00\x00\x00", act: "bob@EXAMPLE.COM", spoil: func(token []byte) {
			body := append([]byte(nil), token[wrapHeaderBytes:]...)
			token[7] = 5
			copy(token[wrapHeaderBytes:], body[len(body)-5:])
			copy(token[wrapHeaderBytes+5:], body[:len(body)-5])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := r.client(t, "bob", testService, etypeID.AES256_CTS_HMAC_SHA1_96, time.Hour), &gssServer{keys: keys}
			token, err := client.first()
			if err != nil {
				t.Fatal(err)
			}
			if _, err = server.next(token); err != nil {
				t.Fatal(err)
			}
			choice, err := sealMessage([]byte(c.payload), client.key, client.sequence, false)
			if err != nil {
				t.Fatal(err)
			}
			if c.spoil != nil {
				c.spoil(choice)
			}
			answer, err := server.next(choice)
			if c.fails {
				if !errors.Is(err, ErrAuthentication) || answer.Done {
					t.Errorf("%+v, %v", answer, err)
				}
				return
			}
			if _, act := server.proved(); err != nil || !answer.Done || act != c.act {
				t.Errorf("%+v, %v, acting as %q, want %q", answer, err, act, c.act)
			}
		})
	}
}

func TestKeytabFaults(t *testing.T) {
	r := newRealm(t, testService)
	dir := t.TempDir()
	for name, c := range map[string]struct {
		change func(*Login)
		want   string
	}{
		"missing":           {func(l *Login) { l.Keytab = filepath.Join(dir, "missing") }, "missing"},
		"broken":            {func(l *Login) { l.Keytab = writeFile(t, dir, "broken", "\x05\x02\x00\x00") }, "broken"},
		"another principal": {func(l *Login) { l.Principal = "zookeeper/host2@EXAMPLE.COM" }, "zookeeper/host2"},
	} {
		l := r.login()
		c.change(l)
		if _, err := openAcceptor(l); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), l.Keytab) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, principal := range []string{"*", testService} {
		l := r.login()
		l.Principal = principal
		if _, err := openAcceptor(l); err != nil {
			t.Errorf("principal %s: %v", principal, err)
		}
	}
}

// TestReplaysAreBounded: authenticators are forgotten when they are too old to be
// accepted anyway, and a full memory refuses instead of growing.
func TestReplaysAreBounded(t *testing.T) {
	now := testNow
	keys := acceptorOf(t, newRealm(t, testService))
	keys.now = func() time.Time { return now }
	for i := range replaysMax {
		if !keys.fresh([]byte{byte(i), byte(i >> 8), byte(i >> 16)}) {
			t.Fatalf("authenticator %d is refused", i)
		}
	}
	if keys.fresh([]byte("one more")) {
		t.Error("more than the limit is remembered")
	}
	now = now.Add(2*clockSkewMax + time.Second)
	if !keys.fresh([]byte("one more")) || len(keys.seen) != 1 {
		t.Errorf("%d authenticators are remembered after they are too old", len(keys.seen))
	}
}

func FuzzGSSAPI(f *testing.F) {
	keys := &acceptorKeys{keytab: keytab.New(), principal: "*", now: time.Now, seen: make(map[[32]byte]time.Time)}
	if err := keys.keytab.AddEntry(testService, testRealm, "secret", time.Unix(0, 0), 1, etypeID.AES128_CTS_HMAC_SHA1_96); err != nil {
		f.Fatal(err)
	}
	r := &realm{keytab: keys.keytab}
	token, err := r.client(f, "bob", testService, etypeID.AES128_CTS_HMAC_SHA1_96, time.Hour).first()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token, []byte{})
	f.Add([]byte("\x60\x00"), []byte("\x05\x04\x00\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		s := &gssServer{keys: keys}
		if _, err := s.next(first); err != nil && !errors.Is(err, ErrAuthentication) {
			t.Errorf("the error %v is of another kind", err)
		}
		if answer, _ := s.next(second); answer.Done {
			t.Error("somebody was let in")
		}
	})
}
