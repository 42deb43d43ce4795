package secure

import (
	"fmt"
	"slices"
	"strings"

	"kafkacoord/coord/config"
	"kafkacoord/coord/wire"
)

// The keys that name a JAAS file and its section for clients.
const (
	jaasKey              = "java.security.auth.login.config"
	serverSectionKey     = "sasl.serverconfig"
	defaultServerSection = "Server"
)

// superUser is the user whose password may stand outside of the JAAS file.
const superUser = "super"

// ClientSASL authenticates clients (ZooKeeper: ZooKeeperSaslServer.java,
// SaslServerCallbackHandler.java). The login module of its section decides on the
// one mechanism that it speaks. Any number of goroutines may begin conversations.
type ClientSASL struct {
	login  *Login
	users  map[string]Secret
	keys   *acceptorKeys // GSSAPI
	names  *NameRules
	supers []string
}

// ReadClientSASL reads the JAAS file of a configuration, and the keytab that it
// names. The result is nil when there is no file, or no section Server in it and
// none was asked for: then clients are served without SASL. supers are the values
// of the keys superUser.*, which join that of superUser.
func ReadClientSASL(c *config.Config, supers []string) (*ClientSASL, error) {
	text := func(name string) string {
		value, _ := c.Property(name)
		return strings.TrimSpace(value)
	}
	path := text(jaasKey)
	section := text(serverSectionKey)
	if path == "" {
		if section != "" {
			return nil, fmt.Errorf("secure: %s names section %s of a JAAS file, but %s names no file", serverSectionKey, section, jaasKey)
		}
		return nil, nil
	}
	file, err := ReadJAAS(path)
	if err != nil {
		return nil, err
	}
	if section == "" {
		if section = defaultServerSection; !file.Has(section) {
			return nil, nil
		}
	}
	login, err := file.Login(section)
	if err != nil {
		return nil, err
	}
	s := &ClientSASL{login: login, users: login.Users}
	s.supers = slices.DeleteFunc(append(slices.Clone(supers), text("superUser")), func(name string) bool { return name == "" })
	if s.names, err = ParseNameRules(text("security.auth_to_local")); err != nil {
		return nil, err
	}
	s.names.RemoveHost = text("kerberos.removeHostFromPrincipal") == "true"
	s.names.RemoveRealm = text("kerberos.removeRealmFromPrincipal") == "true"
	if login.Mechanism == GSSAPI {
		_, s.names.DefaultRealm, _ = strings.Cut(login.Principal, "@")
		s.keys, err = openAcceptor(login)
		return s, err
	}
	if password, ok := c.Property("SASLAuthenticationProvider.superPassword"); ok && password != "" {
		s.users = make(map[string]Secret, len(login.Users)+1)
		for user, secret := range login.Users {
			s.users[user] = secret
		}
		s.users[superUser] = Secret(password)
	}
	if len(s.users) == 0 {
		return nil, fmt.Errorf("secure: JAAS file %s: section %s has no user_<name>=\"password\" entry", login.Where, section)
	}
	return s, nil
}

// Mechanism is the one that clients must speak.
func (s *ClientSASL) Mechanism() Mechanism { return s.login.Mechanism }

// Conversation is the server's side of one client's authentication. It belongs
// to one connection; a client that begins anew gets a new one.
type Conversation struct {
	sasl     *ClientSASL
	acceptor acceptor
}

// Begin starts a conversation. Nothing is sent before the client's first token,
// which is empty for DIGEST-MD5.
func (s *ClientSASL) Begin() *Conversation {
	c := &Conversation{sasl: s}
	if s.login.Mechanism == GSSAPI {
		c.acceptor = &gssServer{keys: s.keys}
	} else {
		c.acceptor = newDigestServer(clientService, func(user string) (Secret, bool) {
			password, ok := s.users[user]
			return password, ok
		})
	}
	return c
}

// Next takes the token of a request and gives the token of its reply; nil is the
// null token. With done come the identities that the client has gained. After an
// error, which always has ErrAuthentication and is for the log, the conversation
// is over: the client hears AUTHFAILED and nothing else.
func (c *Conversation) Next(token []byte) (reply []byte, ids []wire.ID, done bool, err error) {
	if len(token) > tokenBytesMax {
		return nil, nil, false, denied("a token of %d bytes; the limit is %d", len(token), tokenBytesMax)
	}
	answer, err := c.acceptor.next(token)
	if err != nil {
		return nil, nil, false, err
	}
	if answer.Done {
		// Whom the client asks to act as is ignored, as in ZooKeeper: it is
		// who it has proved to be.
		principal, _ := c.acceptor.proved()
		if ids, err = c.sasl.identities(principal); err != nil {
			return nil, nil, false, err
		}
	}
	return answer.Token, ids, answer.Done, nil
}

// identities are sasl with the name by the rules, and super besides it for a
// configured super user.
func (s *ClientSASL) identities(principal string) ([]wire.ID, error) {
	name, err := s.names.Identity(principal)
	if err != nil {
		return nil, denied("no identity for %q: %w", principal, err)
	}
	ids := []wire.ID{{Scheme: schemeSASL, ID: name}}
	if slices.Contains(s.supers, name) {
		ids = append(ids, wire.ID{Scheme: schemeSuper})
	}
	return ids, nil
}
