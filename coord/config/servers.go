package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
)

// Role is the part a server of the list plays.
type Role uint8

// The roles of a server line.
const (
	RoleParticipant Role = iota
	RoleObserver
)

// String is the word in a server line.
func (r Role) String() string {
	if r == RoleObserver {
		return "observer"
	}
	return "participant"
}

// Server is one server.N line.
type Server struct {
	ID int64
	// Addresses has one entry, or several with multiAddress.enabled.
	Addresses []ServerAddress
	Role      Role
	// ClientHost and ClientPort come behind the semicolon; port 0 = absent.
	// The host is 0.0.0.0 when the line gives only a port.
	ClientHost string
	ClientPort int
	// SecureClientHost and SecureClientPort are the third part of the line.
	SecureClientHost string
	SecureClientPort int
}

// ServerAddress is one address of a server towards its peers.
type ServerAddress struct {
	// Host is a name or an IP address, without brackets.
	Host         string
	QuorumPort   int
	ElectionPort int
}

// Group is one group.N line.
type Group struct {
	ID      int64
	Members []int64
}

// String is the value of the line in ZooKeeper's canonical form, as the
// configuration node and the word conf show it:
// "zk1:2888:3888:participant;0.0.0.0:2181".
func (s *Server) String() string {
	var parts []string
	for _, a := range s.Addresses {
		parts = append(parts, fmt.Sprintf("%s:%d:%d", bracket(a.Host), a.QuorumPort, a.ElectionPort))
	}
	text := strings.Join(parts, "|") + ":" + s.Role.String()
	if s.ClientPort > 0 {
		text += ";" + bracket(s.ClientHost) + ":" + strconv.Itoa(s.ClientPort)
	}
	if s.SecureClientPort > 0 {
		if s.ClientPort == 0 {
			text += ";"
		}
		text += ";" + bracket(s.SecureClientHost) + ":" + strconv.Itoa(s.SecureClientPort)
	}
	return text
}

func bracket(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// serverForm ends the message about a malformed server line.
const serverForm = " does not have the form server_config or server_config;client_config" +
	" where server_config is the pipe separated list of host:port:port or host:port:port:type" +
	" and client_config is port or host:port"

// wildcardHost is bound when a server line gives only the client port.
const wildcardHost = "0.0.0.0"

// serverAddressesMax bounds the pipe separated list of one server.
const serverAddressesMax = 32

// ParseServer decodes the value of a server.N line:
//
//	host:quorumPort:electionPort[:role][|host2:q2:e2…][;[clientHost:]clientPort[;[secureHost:]securePort]]
//
// The role may follow any address of the list and holds for all.
//
// ZooKeeper: QuorumPeer.QuorumServer.
func ParseServer(id int64, text string) (Server, error) {
	s := Server{ID: id}
	malformed := errors.New(text + serverForm)
	parts := strings.Split(text, ";")
	if len(parts) > 3 {
		return s, malformed
	}
	addresses := strings.Split(parts[0], "|")
	if len(addresses) > serverAddressesMax {
		return s, fmt.Errorf("server.%d has more than %d addresses", id, serverAddressesMax)
	}
	for _, part := range addresses {
		if err := s.addAddress(part, malformed); err != nil {
			return s, err
		}
	}
	var err error
	if len(parts) > 1 && (javaTrim(parts[1]) != "" || len(parts) == 2) {
		if s.ClientHost, s.ClientPort, err = clientAddress(parts[1], malformed); err != nil {
			return s, err
		}
	}
	if len(parts) > 2 {
		if s.SecureClientHost, s.SecureClientPort, err = clientAddress(parts[2], malformed); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *Server) addAddress(text string, malformed error) error {
	fields := splitHostFields(javaTrim(text))
	if len(fields) != 3 && len(fields) != 4 {
		return malformed
	}
	a := ServerAddress{Host: fields[0]}
	var err error
	if a.QuorumPort, err = port(fields[1]); err != nil || a.Host == "" {
		return malformed
	}
	if a.ElectionPort, err = port(fields[2]); err != nil {
		return malformed
	}
	if a.QuorumPort == a.ElectionPort {
		return wording(fmt.Sprintf("Client and election port must be different! Please update the configuration file on server.%d", s.ID))
	}
	if len(fields) == 4 {
		role, err := parseRole(fields[3])
		if err != nil {
			return err
		}
		s.Role = role
	}
	s.Addresses = append(s.Addresses, a)
	return nil
}

func clientAddress(text string, malformed error) (host string, number int, err error) {
	fields := splitHostFields(javaTrim(text))
	switch len(fields) {
	case 1:
		host = wildcardHost
	case 2:
		host = cmpOr(fields[0], wildcardHost)
	default:
		return "", 0, malformed
	}
	if number, err = port(fields[len(fields)-1]); err != nil {
		return "", 0, malformed
	}
	return host, number, nil
}

// splitHostFields cuts at colons; a leading [...] is one field, without the
// brackets.
func splitHostFields(text string) []string {
	if rest, ok := strings.CutPrefix(text, "["); ok {
		host, rest, closed := strings.Cut(rest, "]")
		if !closed || net.ParseIP(strings.SplitN(host, "%", 2)[0]) == nil || (rest != "" && rest[0] != ':') {
			return nil
		}
		if rest == "" {
			return []string{host}
		}
		return append([]string{host}, strings.Split(rest[1:], ":")...)
	}
	return strings.Split(text, ":")
}

func port(text string) (int, error) {
	n, err := strconv.ParseUint(javaTrim(text), 10, 16)
	if err == nil && n == 0 {
		err = strconv.ErrRange
	}
	return int(n), err
}

func parseRole(text string) (Role, error) {
	switch strings.ToLower(javaTrim(text)) {
	case "participant":
		return RoleParticipant, nil
	case "observer":
		return RoleObserver, nil
	default:
		return 0, wording("Unrecognised peertype: " + text)
	}
}

func peerType(c *Config, _ *key, text string) error {
	role, err := parseRole(text)
	c.Quorum.PeerType = role
	return err
}

// electionAlgorithm: the older algorithms are gone since ZooKeeper 3.6.
func electionAlgorithm(c *Config, _ *key, text string) error {
	n, err := decimal(text)
	if err != nil {
		return err
	}
	c.Quorum.ElectionAlgorithm = n
	if n != 3 {
		return wording("Invalid electionAlg value. Only 3 is supported.")
	}
	return nil
}

// servers decodes the server, group and weight lines of the static file.
func (b *builder) servers() {
	for _, m := range b.members {
		family, id, found := strings.Cut(m.property.Key, ".")
		if !found || len(m.key.properties) > 0 || !slices.Contains([]string{"server", "group", "weight"}, family) {
			continue
		}
		if b.config.Quorum.DynamicConfigFile != "" {
			b.fail(m.property, fmt.Sprintf("parameter: %s must be in a separate dynamic config file", m.property.Key), nil)
			continue
		}
		if err := b.config.Quorum.addLine(family, id, m.property.Value); err != nil {
			b.fail(m.property, err.Error(), nil)
		}
	}
	b.config.Quorum.sort()
}

func (q *Quorum) sort() {
	slices.SortFunc(q.Servers, func(x, y Server) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(q.Groups, func(x, y Group) int { return cmp.Compare(x.ID, y.ID) })
}

// addLine decodes one server, group or weight line.
func (q *Quorum) addLine(family, idText, value string) error {
	id, err := strconv.ParseInt(idText, 10, 64)
	if err != nil {
		return fmt.Errorf("%s.%s: the id is not a number", family, idText)
	}
	switch family {
	case "server":
		s, err := ParseServer(id, value)
		if err != nil {
			return err
		}
		q.Servers = append(q.Servers, s)
	case "group":
		g := Group{ID: id}
		for text := range strings.SplitSeq(value, ":") {
			member, err := strconv.ParseInt(javaTrim(text), 10, 64)
			if err != nil {
				return fmt.Errorf("'%s' is not a list of server ids like 1:2:3", value)
			}
			g.Members = append(g.Members, member)
		}
		q.Groups = append(q.Groups, g)
	default:
		weight, err := strconv.ParseInt(value, 10, 64)
		if err != nil || weight < 0 {
			return fmt.Errorf("'%s' is not a weight; write a number of 0 or more", value)
		}
		q.Weights[id] = weight
	}
	return nil
}

// parseDynamic reads a dynamic configuration file into the configuration and
// checks the whole again.
func (c *Config) parseDynamic(r io.Reader, name string) ([]Warning, error) {
	list, err := ReadProperties(r, name)
	if err != nil {
		return nil, err
	}
	if at := strings.LastIndex(name, ".dynamic."); at >= 0 {
		// The version is the suffix of the name, in hex.
		if version, err := strconv.ParseInt(name[at+len(".dynamic."):], 16, 64); err == nil {
			c.Quorum.Version = version
		}
	}
	b := builder{config: c, chosen: make(map[*key]Property)}
	for _, p := range list {
		family, id, found := strings.Cut(p.Key, ".")
		switch {
		case p.Key == "version":
			if c.Quorum.Version, err = strconv.ParseInt(p.Value, 16, 64); err != nil {
				b.failIn(name, p, "the version is not a hexadecimal number")
			}
		case found && slices.Contains([]string{"server", "group", "weight"}, family):
			if err := c.Quorum.addLine(family, id, p.Value); err != nil {
				b.failIn(name, p, err.Error())
			}
		default:
			b.failIn(name, p, "Unrecognised parameter: "+p.Key)
		}
	}
	c.Quorum.sort()
	if len(b.faults) == 0 {
		b.validateQuorum()
	}
	return b.warnings, errors.Join(b.faults...)
}

func (b *builder) failIn(name string, p Property, text string) {
	b.faults = append(b.faults, &Error{File: name, Line: p.Line, Key: p.Key, Text: text, Exit: ExitInvalidInvocation})
}
