package secure

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"kafkacoord/coord/config"
	"kafkacoord/coord/wire"
)

// saslMagic begins every packet of an authentication between servers
// (ZooKeeper: QuorumAuth.java).
const saslMagic int64 = 0x5F2435013501EDCC

// saslStatus tells how an authentication between servers stands.
type saslStatus int32

const (
	saslError    saslStatus = -1
	saslProgress saslStatus = 0
	saslSuccess  saslStatus = 1
)

// saslHeaderBytes is what stands before a packet's token: magic, status and the
// length of the token, -1 for the null token.
const saslHeaderBytes = 8 + 4 + 4

// saslRoundsMax bounds the challenges of one authentication.
const saslRoundsMax = 5

// appendSASLPacket appends a packet:
//
//	i64 magic, i32 status, buffer token
func appendSASLPacket(dst []byte, status saslStatus, token []byte) []byte {
	dst = wire.AppendLong(dst, saslMagic)
	dst = wire.AppendInt(dst, int32(status))
	return wire.AppendBuffer(dst, token)
}

var errNoSASLPacket = errors.New("secure: this is no packet of a SASL authentication between servers; the other side does not authenticate")

// readSASLPacket reads one packet and not a byte more.
func readSASLPacket(r io.Reader) (saslStatus, []byte, error) {
	var header [saslHeaderBytes]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, fmt.Errorf("secure: read a SASL packet: %w", err)
	}
	d := wire.NewDecoder(header[:])
	magic, status, length := d.Long(), saslStatus(d.Int()), d.Int()
	switch {
	case magic != saslMagic:
		return 0, nil, errNoSASLPacket
	case status < saslError || status > saslSuccess:
		return 0, nil, denied("a packet of status %d", status)
	case length == -1:
		return status, nil, nil
	case length < 0 || length > tokenBytesMax:
		return 0, nil, denied("a token of %d bytes; the limit is %d", length, tokenBytesMax)
	}
	token := make([]byte, length)
	if _, err := io.ReadFull(r, token); err != nil {
		return 0, nil, fmt.Errorf("secure: read a SASL packet: %w", err)
	}
	return status, token, nil
}

// QuorumSASL authenticates servers to each other (ZooKeeper:
// SaslQuorumAuthLearner.java, SaslQuorumAuthServer.java). On the election port the
// exchange stands right behind the handshake, on the quorum and observer master
// ports it comes first. Both run within the deadlines of the connection.
type QuorumSASL struct {
	// Require refuses whoever does not authenticate (serverRequireSasl).
	Require bool
	// Offer makes this server authenticate where it dials (learnerRequireSasl).
	Offer bool
	// Hosts are the names of all servers of the list, one of which a Kerberos
	// principal must have as its host.
	Hosts func() []string

	server  *Login
	keys    *acceptorKeys
	learner *Login
	tickets *ticketSource
	service string // principal of a dialled server, with _HOST
}

// hostPlaceholder stands in a service principal for the host that is dialled.
const hostPlaceholder = "_HOST"

// ReadQuorumSASL reads the JAAS file of a configuration for the keys quorum.auth.*;
// nil when quorum.auth.enableSasl is off. hosts is for QuorumSASL.Hosts.
func ReadQuorumSASL(c *config.Config, hosts func() []string) (*QuorumSASL, error) {
	q := &c.Quorum
	if !q.SASL {
		return nil, nil
	}
	path, _ := c.Property(jaasKey)
	if path == "" {
		return nil, fmt.Errorf("secure: quorum.auth.enableSasl=true needs a JAAS file: set %s", jaasKey)
	}
	file, err := ReadJAAS(path)
	if err != nil {
		return nil, err
	}
	s := &QuorumSASL{Require: q.ServerRequireSASL, Offer: q.LearnerRequireSASL, Hosts: hosts, service: q.ServicePrincipal}
	if s.server, err = file.Login(q.ServerLoginContext); err != nil {
		return nil, err
	}
	if s.learner, err = file.Login(q.LearnerLoginContext); err != nil {
		return nil, err
	}
	switch {
	case s.server.Mechanism == GSSAPI:
		s.keys, err = openAcceptor(s.server)
	case len(s.server.Users) == 0:
		err = fmt.Errorf("secure: JAAS file %s: section %s has no user_<name>=\"password\" entry", s.server.Where, s.server.Section)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case s.learner.Mechanism == GSSAPI:
		s.tickets, err = openTickets(s.learner)
	case s.learner.Username == "":
		err = fmt.Errorf("secure: JAAS file %s: section %s has no username", s.learner.Where, s.learner.Section)
	}
	return s, err
}

// Initiate is what a server that dialled host does; nothing unless Offer is set.
// Not a byte behind the exchange is read.
func (s *QuorumSASL) Initiate(rw io.ReadWriter, host string) error {
	if !s.Offer {
		return nil
	}
	client, err := s.initiator(host)
	if err != nil {
		return err
	}
	return exchange(rw, host, client)
}

// exchange speaks to the server host to the end.
func exchange(rw io.ReadWriter, host string, client initiator) error {
	token, err := client.first()
	if err != nil {
		return err
	}
	for range saslRoundsMax + 1 {
		if _, err := rw.Write(appendSASLPacket(nil, saslProgress, token)); err != nil {
			return fmt.Errorf("secure: authenticate to %s: %w", host, err)
		}
		status, challenge, err := readSASLPacket(rw)
		if err != nil {
			return fmt.Errorf("authenticate to %s: %w", host, err)
		}
		if status == saslError {
			return denied("the server %s refused; its log says why", host)
		}
		if status == saslSuccess && challenge == nil {
			challenge = []byte{}
		}
		reply, done, err := client.next(challenge)
		switch {
		case err != nil:
			return fmt.Errorf("authenticate to %s: %w", host, err)
		case status == saslSuccess && done:
			return nil
		case status == saslSuccess:
			return denied("the server %s says that it is content too early", host)
		}
		token = reply
	}
	return denied("the server %s goes on after %d challenges", host, saslRoundsMax)
}

func (s *QuorumSASL) initiator(host string) (initiator, error) {
	if s.learner.Mechanism == GSSAPI {
		service, _, _ := strings.Cut(s.service, "@")
		return s.tickets.get(strings.ReplaceAll(service, hostPlaceholder, strings.ToLower(host)))
	}
	return newDigestClient(quorumService, s.learner.Username, s.learner.Password), nil
}

// Accept is what a server that was dialled does. r is read up to the end of the
// exchange; when the other side begins none, nothing is taken out of r. The
// result is the name that was proved, empty where somebody may go on without: no
// exchange or a failed one, while Require is off. err is then nil, and reason says
// what happened, for the log; it is nil after a success. An error means that the
// connection must be closed.
func (s *QuorumSASL) Accept(r *bufio.Reader, w io.Writer) (name string, reason, err error) {
	first, err := r.Peek(8)
	d := wire.NewDecoder(first)
	if err != nil || d.Long() != saslMagic {
		reason = errNoSASLPacket
		if err != nil {
			reason = fmt.Errorf("secure: read a SASL packet: %w", err)
		}
		if s.Require {
			return "", nil, reason
		}
		return "", reason, nil
	}
	name, reason = s.converse(r, w)
	if reason == nil {
		return name, nil, nil
	}
	if !errors.Is(reason, ErrAuthentication) {
		return "", nil, reason
	}
	if _, err := w.Write(appendSASLPacket(nil, saslError, []byte{})); err != nil {
		return "", nil, fmt.Errorf("secure: refuse a server: %w", err)
	}
	if s.Require {
		return "", nil, reason
	}
	return "", reason, nil
}

// converse runs the exchange to its end.
func (s *QuorumSASL) converse(r io.Reader, w io.Writer) (string, error) {
	server := s.acceptor()
	for range saslRoundsMax + 1 {
		_, token, err := readSASLPacket(r)
		if err != nil {
			return "", err
		}
		answer, err := server.next(token)
		if err != nil {
			return "", err
		}
		status := saslProgress
		if answer.Done {
			status = saslSuccess
			if err := s.authorize(server.proved()); err != nil {
				return "", err
			}
		}
		if _, err := w.Write(appendSASLPacket(nil, status, answer.Token)); err != nil {
			return "", fmt.Errorf("secure: answer a SASL packet: %w", err)
		}
		if answer.Done {
			name, _ := server.proved()
			return name, nil
		}
	}
	return "", denied("more than %d challenges", saslRoundsMax)
}

func (s *QuorumSASL) acceptor() acceptor {
	if s.server.Mechanism == GSSAPI {
		return &gssServer{keys: s.keys}
	}
	return newDigestServer(quorumService, func(user string) (Secret, bool) {
		password, ok := s.server.Users[user]
		return password, ok
	})
}

// authorize tells whether who was proved may be a server: it acts as itself, and
// a Kerberos principal is on a host of the list (ZooKeeper:
// SaslQuorumServerCallbackHandler.java).
func (s *QuorumSASL) authorize(authentication, authorization string) error {
	if authentication != authorization {
		return denied("%q asks to act as %q", authentication, authorization)
	}
	if s.server.Mechanism != GSSAPI {
		return nil
	}
	name, err := parseKerberosName(authentication)
	if err != nil {
		return denied("%w", err)
	}
	if s.Hosts == nil || !slices.ContainsFunc(s.Hosts(), func(host string) bool { return strings.EqualFold(host, name.host) }) {
		return denied("the host of principal %q is not in the list of servers", authentication)
	}
	return nil
}
