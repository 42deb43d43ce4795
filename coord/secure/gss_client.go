package secure

import (
	"fmt"
	"os"
	"strings"

	"github.com/jcmturner/gokrb5/v8/client"
	krb5config "github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/chksumtype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ticketSource gets tickets for services, from the principal's keytab and the
// key distribution centre that krb5.conf names.
type ticketSource struct {
	keytab   *keytab.Keytab
	user     string // without realm
	realm    string
	settings *krb5config.Config
}

// defaultKrb5Config is where the settings of Kerberos are unless KRB5_CONFIG says
// otherwise.
const defaultKrb5Config = "/etc/krb5.conf"

// openTickets reads the keytab of a login and the settings of Kerberos.
func openTickets(l *Login) (*ticketSource, error) {
	keys, err := readKeytab(l)
	if err != nil {
		return nil, err
	}
	path := defaultKrb5Config
	if set := os.Getenv("KRB5_CONFIG"); set != "" {
		path = set
	}
	text, err := readBounded(path, storeBytesMax)
	if err != nil {
		return nil, fmt.Errorf("secure: settings of Kerberos %s (KRB5_CONFIG): %w", path, err)
	}
	settings, err := krb5config.NewFromString(string(text))
	if err != nil {
		return nil, fmt.Errorf("secure: settings of Kerberos %s (KRB5_CONFIG): %w", path, err)
	}
	user, realm, found := strings.Cut(l.Principal, "@")
	if !found {
		realm = settings.LibDefaults.DefaultRealm
	}
	return &ticketSource{keytab: keys, user: user, realm: realm, settings: settings}, nil
}

// get asks for a ticket of its own for each conversation.
func (t *ticketSource) get(service string) (*gssClient, error) {
	c := client.NewWithKeytab(t.user, t.realm, t.keytab, t.settings, client.DisablePAFXFAST(true))
	defer c.Destroy()
	if err := c.Login(); err != nil {
		return nil, denied("GSSAPI: log in as %s of realm %s: %w", t.user, t.realm, err)
	}
	ticket, key, err := c.GetServiceTicket(service)
	if err != nil {
		return nil, denied("GSSAPI: get a ticket for %s: %w", service, err)
	}
	return &gssClient{ticket: ticket, key: key, name: c.Credentials.CName(), realm: t.realm}, nil
}

// gssClient is the client's side of GSSAPI over Kerberos. It asks for no proof of
// the server beyond its use of the session key, as Java's does.
type gssClient struct {
	ticket messages.Ticket
	key    types.EncryptionKey // of the session
	name   types.PrincipalName
	realm  string

	sequence uint64
	chosen   bool
}

// gssChecksumType marks the checksum field of an authenticator as that of GSSAPI
// (RFC 4121, 4.1.1): length of the bindings, the bindings (none), flags.
const gssChecksumType = chksumtype.GSSAPI

// gssFlags ask for replay and sequence detection and integrity.
const gssFlags = 4 | 8 | 32

func (c *gssClient) first() ([]byte, error) {
	authenticator, err := types.NewAuthenticator(c.realm, c.name)
	if err != nil {
		return nil, denied("GSSAPI: make a request: %w", err)
	}
	checksum := make([]byte, 24)
	checksum[0], checksum[20] = 16, gssFlags
	authenticator.Cksum = types.Checksum{CksumType: gssChecksumType, Checksum: checksum}
	c.sequence = uint64(uint32(authenticator.SeqNumber))
	request, err := messages.NewAPReq(c.ticket, c.key, authenticator)
	if err != nil {
		return nil, denied("GSSAPI: make a request: %w", err)
	}
	message, err := request.Marshal()
	if err != nil {
		return nil, denied("GSSAPI: make a request: %w", err)
	}
	return wrapGSS(gssRequest, message)
}

func (c *gssClient) next(token []byte) (reply []byte, done bool, err error) {
	if c.chosen {
		if len(token) > 0 {
			return nil, false, denied("GSSAPI: a token after the end")
		}
		return nil, true, nil
	}
	offer, err := openMessage(token, c.key, true)
	if err != nil {
		return nil, false, denied("GSSAPI: the offer of the server: %w", err)
	}
	if len(offer) != 4 || offer[0]&layerNone == 0 {
		return nil, false, denied("GSSAPI: the server demands a security layer")
	}
	c.chosen = true
	act := strings.Join(c.name.NameString, "/") + "@" + c.realm
	reply, err = sealMessage(append([]byte{layerNone, 0, 0, 0}, act...), c.key, c.sequence, false)
	return reply, false, err
}
