package secure

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

const (
	// clockSkewMax is how far the clocks of two sides may be apart.
	clockSkewMax = 5 * time.Minute
	// replaysMax bounds the authenticators that are remembered; more in ten
	// minutes are refused.
	replaysMax = 1 << 18
)

// acceptorKeys are the keys of one service principal. Conversations share it.
type acceptorKeys struct {
	keytab    *keytab.Keytab
	principal string // "*" is any of the keytab
	now       func() time.Time

	mu   sync.Mutex // guards seen
	seen map[[sha256.Size]byte]time.Time
}

// openAcceptor reads the keytab of a login.
func openAcceptor(l *Login) (*acceptorKeys, error) {
	keys, err := readKeytab(l)
	if err != nil {
		return nil, err
	}
	return &acceptorKeys{keytab: keys, principal: l.Principal, now: time.Now, seen: make(map[[sha256.Size]byte]time.Time)}, nil
}

// readKeytab reads the keytab of a login, and looks for the principal in it.
func readKeytab(l *Login) (*keytab.Keytab, error) {
	data, err := readBounded(l.Keytab, storeBytesMax)
	if err != nil {
		return nil, fmt.Errorf("secure: keytab %s (keyTab of section %s): %w", l.Keytab, l.Section, err)
	}
	keys := keytab.New()
	if err := guarded(func() error { return keys.Unmarshal(data) }); err != nil {
		return nil, fmt.Errorf("secure: keytab %s (keyTab of section %s): it is broken", l.Keytab, l.Section)
	}
	for _, entry := range keys.Entries {
		name := strings.Join(entry.Principal.Components, "/") + "@" + entry.Principal.Realm
		if strongEtypes[entry.Key.KeyType] && (l.Principal == "*" || name == l.Principal || strings.HasPrefix(name, l.Principal+"@")) {
			return keys, nil
		}
	}
	return nil, fmt.Errorf("secure: keytab %s (keyTab of section %s): it has no AES key of principal %s", l.Keytab, l.Section, l.Principal)
}

// guarded turns a panic in the reading of foreign bytes into an error.
func guarded(read func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errBrokenToken
		}
	}()
	return read()
}

// fresh remembers an authenticator; false when it was seen before.
func (k *acceptorKeys) fresh(authenticator []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if len(k.seen) >= replaysMax {
		for sum, until := range k.seen {
			if now.After(until) {
				delete(k.seen, sum)
			}
		}
	}
	sum := sha256.Sum256(authenticator)
	until, known := k.seen[sum]
	if known && !now.After(until) || len(k.seen) >= replaysMax {
		return false
	}
	k.seen[sum] = now.Add(2 * clockSkewMax)
	return true
}

// gssServer is the server's side of GSSAPI over Kerberos (RFC 4752): context
// token, maybe our proof, the offer of no security layer, the client's choice.
type gssServer struct {
	keys *acceptorKeys

	state     gssState
	key       types.EncryptionKey
	sequence  uint64
	principal string
	act       string
}

type gssState uint8

const (
	gssStart   gssState = iota
	gssProved           // our proof was sent; an empty token is to come
	gssOffered          // the offer was sent; the choice is to come
	gssEnd
)

func (s *gssServer) proved() (authentication, authorization string) { return s.principal, s.act }

func (s *gssServer) next(token []byte) (Answer, error) {
	state := s.state
	s.state = gssEnd // until something better is known
	switch state {
	case gssStart:
		var reply []byte
		err := guarded(func() (err error) { reply, err = s.accept(token); return err })
		if err != nil {
			return Answer{}, denied("GSSAPI: %w", err)
		}
		if reply != nil {
			s.state = gssProved
			return Answer{Token: reply}, nil
		}
		return s.offer()
	case gssProved:
		if len(token) > 0 {
			return Answer{}, denied("GSSAPI: a token where none was due")
		}
		return s.offer()
	case gssOffered:
		return s.choice(token)
	default:
		return Answer{}, denied("GSSAPI: a token after the end")
	}
}

// accept checks the client's ticket and authenticator. The reply is our proof,
// nil when the client asks for none.
func (s *gssServer) accept(token []byte) ([]byte, error) {
	message, err := unwrapGSS(gssRequest, token)
	if err != nil {
		return nil, err
	}
	var request messages.APReq
	if err := request.Unmarshal(message); err != nil {
		return nil, errBrokenToken
	}
	service := request.Ticket.SName.PrincipalNameString()
	switch {
	case len(request.Ticket.SName.NameString) == 0:
		return nil, errBrokenToken
	case s.keys.principal != "*" && s.keys.principal != service && s.keys.principal != service+"@"+request.Ticket.Realm:
		return nil, fmt.Errorf("the ticket is for %s of realm %s; this server is %s", service, request.Ticket.Realm, s.keys.principal)
	case !strongEtypes[request.Ticket.EncPart.EType]:
		return nil, fmt.Errorf("the ticket has encryption type %d; only AES is accepted", request.Ticket.EncPart.EType)
	}
	if ok, err := request.Verify(s.keys.keytab, clockSkewMax, types.HostAddress{}, nil); err != nil || !ok {
		return nil, fmt.Errorf("the ticket for %s is not accepted (does the keytab hold the current key, and are the clocks right?): %w", service, err)
	}
	if !s.keys.fresh(request.EncryptedAuthenticator.Cipher) {
		return nil, errors.New("the request was used before (replay), or too many came in ten minutes")
	}
	ticket := &request.Ticket.DecryptedEncPart
	s.principal = ticket.CName.PrincipalNameString() + "@" + ticket.CRealm
	s.key = ticket.Key
	if request.Authenticator.SubKey.KeyType != 0 {
		s.key = request.Authenticator.SubKey
	}
	if !strongEtypes[s.key.KeyType] {
		return nil, fmt.Errorf("the session key of %s has encryption type %d; only AES is accepted", s.principal, s.key.KeyType)
	}
	s.sequence = uint64(uint32(request.Authenticator.SeqNumber))
	if !types.IsFlagSet(&request.APOptions, flags.APOptionMutualRequired) {
		return nil, nil
	}
	return s.proof(&request)
}

// proof is the AP-REP: only who has the service's key can make it.
func (s *gssServer) proof(request *messages.APReq) ([]byte, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	s.sequence = uint64(binary.BigEndian.Uint32(random[:]) >> 2)
	part, err := asn1.Marshal(messages.EncAPRepPart{
		CTime: request.Authenticator.CTime, Cusec: request.Authenticator.Cusec, SequenceNumber: int64(s.sequence),
	})
	if err != nil {
		return nil, err
	}
	part = asn1tools.AddASNAppTag(part, asnAppTag.EncAPRepPart)
	encrypted, err := crypto.GetEncryptedData(part, request.Ticket.DecryptedEncPart.Key, keyusage.AP_REP_ENCPART, 0)
	if err != nil {
		return nil, err
	}
	reply, err := asn1.Marshal(messages.APRep{PVNO: iana.PVNO, MsgType: msgtype.KRB_AP_REP, EncPart: encrypted})
	if err != nil {
		return nil, err
	}
	return wrapGSS(gssReply, asn1tools.AddASNAppTag(reply, asnAppTag.APREP))
}

// layerNone is the only security layer that is offered: none, and then the
// largest message is 0.
const layerNone = 1

func (s *gssServer) offer() (Answer, error) {
	token, err := sealMessage([]byte{layerNone, 0, 0, 0}, s.key, s.sequence, true)
	if err != nil {
		return Answer{}, denied("GSSAPI: make the offer of security layers: %w", err)
	}
	s.state = gssOffered
	return Answer{Token: token}, nil
}

// choice reads the client's security layer, and whom it wants to act as.
func (s *gssServer) choice(token []byte) (Answer, error) {
	payload, err := openMessage(token, s.key, false)
	switch {
	case err != nil:
		return Answer{}, denied("GSSAPI: the choice of %s: %w", s.principal, err)
	case len(payload) < 4 || !utf8.Valid(payload[4:]):
		return Answer{}, denied("GSSAPI: the choice of %s: %w", s.principal, errBrokenToken)
	case payload[0] != layerNone:
		return Answer{}, denied("GSSAPI: %s chose security layer %d, which was not offered", s.principal, payload[0])
	}
	s.act = string(payload[4:])
	if s.act == "" {
		s.act = s.principal
	}
	return Answer{Done: true}, nil
}
