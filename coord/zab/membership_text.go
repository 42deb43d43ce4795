package zab

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"kafkacoord/coord/wire"
)

// Limits of a list. A frame of the election, which carries the text of one, has
// at most 512 KiB (ZooKeeper: QuorumCnxManager.java).
const (
	membershipBytesMax = 512 << 10
	membersMax         = 1024
	memberAddressesMax = 32
	hostBytesMax       = 255
	weightMax          = 1 << 40 // the sum of all fits into 63 bits
)

// NewMembership makes a list of servers in any order; it keeps none of its
// arguments. Address and Client are checked and brought into canonical form. The
// groups are those of the group.N lines, by N; without any, the quorum is a
// majority and each server has weight 1, whatever its field says.
func NewMembership(servers []Member, groups map[int64][]wire.PeerID, version int64) (Membership, error) {
	if len(servers) > membersMax {
		return Membership{}, fmt.Errorf("list of servers: %d servers are more than %d", len(servers), membersMax)
	}
	m := Membership{Servers: slices.Clone(servers), Version: version}
	slices.SortStableFunc(m.Servers, func(x, y Member) int { return cmp.Compare(x.ID, y.ID) })
	for i := range m.Servers {
		s := &m.Servers[i]
		if len(groups) == 0 {
			s.Weight = 1
		}
		if i > 0 && s.ID == m.Servers[i-1].ID {
			return Membership{}, fmt.Errorf("list of servers: server.%d occurs twice", s.ID)
		}
		if err := s.canonical(); err != nil {
			return Membership{}, fmt.Errorf("list of servers: server.%d: %w", s.ID, err)
		}
	}
	if err := m.setGroups(groups); err != nil {
		return Membership{}, fmt.Errorf("list of servers: %w", err)
	}
	m.Text = m.text(groups)
	if len(m.Text) > membershipBytesMax {
		return Membership{}, fmt.Errorf("list of servers: its text has %d bytes, more than %d", len(m.Text), membershipBytesMax)
	}
	return m, nil
}

// setGroups checks that each participant is in one group and none is in two.
func (m *Membership) setGroups(groups map[int64][]wire.PeerID) error {
	if len(groups) == 0 {
		return nil
	}
	groupOf := make(map[wire.PeerID]int64)
	for _, number := range slices.Sorted(maps.Keys(groups)) {
		group := slices.Sorted(slices.Values(groups[number]))
		if len(group) == 0 {
			return fmt.Errorf("group.%d has no server", number)
		}
		for _, id := range group {
			if _, found := m.Member(id); !found {
				return fmt.Errorf("group.%d has server %d, which has no server.%d line", number, id, id)
			}
			if former, twice := groupOf[id]; twice {
				return fmt.Errorf("server %d is in multiple groups: %d and %d", id, former, number)
			}
			groupOf[id] = number
		}
		m.Groups = append(m.Groups, group)
	}
	for _, id := range m.Voters() {
		if _, found := groupOf[id]; !found {
			return fmt.Errorf("server.%d is in no group; list it in one group.N line", id)
		}
	}
	slices.SortFunc(m.Groups, slices.Compare[[]wire.PeerID])
	return nil
}

// text is the canonical form, in the order of the ids so that equal lists have
// equal texts; ZooKeeper's own order is that of a hash table.
func (m *Membership) text(groups map[int64][]wire.PeerID) string {
	var b strings.Builder
	for _, s := range m.Servers {
		role := "participant"
		if s.Observer {
			role = "observer"
		}
		fmt.Fprintf(&b, "server.%d=%s:%s", s.ID, s.Address, role)
		if s.Client != "" {
			b.WriteString(";" + s.Client)
		}
		b.WriteByte('\n')
	}
	for _, number := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&b, "group.%d=", number)
		for i, id := range slices.Sorted(slices.Values(groups[number])) {
			if i > 0 {
				b.WriteByte(':')
			}
			b.WriteString(strconv.FormatInt(int64(id), 10))
		}
		b.WriteByte('\n')
	}
	if len(groups) > 0 {
		for _, s := range m.Servers {
			fmt.Fprintf(&b, "weight.%d=%d\n", s.ID, s.Weight)
		}
	}
	b.WriteString("version=" + strconv.FormatUint(uint64(m.Version), 16))
	return b.String()
}

// ParseMembership decodes the canonical form, with its lines in any order:
//
//	server.<id>=<host>:<quorum port>:<election port>[|...]:<role>[;<host>:<client port>][;<host>:<secure port>]
//	group.<number>=<id>[:<id>...]
//	weight.<id>=<weight>
//	version=<lower-case hex>
//
// The role is a participant's and the version 0 when left out. Unknown and
// repeated keys are errors.
//
// ZooKeeper: QuorumMaj.java, QuorumHierarchical.java.
func ParseMembership(text string) (Membership, error) {
	if len(text) > membershipBytesMax {
		return Membership{}, fmt.Errorf("list of servers: a text of %d bytes is longer than %d", len(text), membershipBytesMax)
	}
	p := membershipParser{weights: make(map[wire.PeerID]int64), groups: make(map[int64][]wire.PeerID)}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, found := strings.Cut(line, "=")
		if !found {
			return Membership{}, fmt.Errorf("list of servers: line %q is not of the form key=value", line)
		}
		if err := p.line(strings.TrimSpace(key), strings.TrimSpace(value)); err != nil {
			return Membership{}, fmt.Errorf("list of servers: %s: %w", key, err)
		}
	}
	return p.membership()
}

// membershipParser gathers the lines of a text.
type membershipParser struct {
	servers   []Member
	weights   map[wire.PeerID]int64
	groups    map[int64][]wire.PeerID
	version   int64
	versioned bool
}

var errRepeated = errors.New("the key occurs twice")

func (p *membershipParser) line(key, value string) error {
	if key == "version" {
		version, err := strconv.ParseUint(value, 16, 64)
		if err != nil {
			return fmt.Errorf("%q is not a hexadecimal number", value)
		}
		if p.versioned {
			return errRepeated
		}
		p.version, p.versioned = int64(version), true
		return nil
	}
	family, number, _ := strings.Cut(key, ".")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return errors.New("unknown key")
	}
	switch family {
	case "server":
		return p.server(wire.PeerID(id), value)
	case "group":
		return p.group(id, value)
	case "weight":
		return p.weight(wire.PeerID(id), value)
	}
	return errors.New("unknown key")
}

func (p *membershipParser) server(id wire.PeerID, value string) error {
	if len(p.servers) == membersMax {
		return fmt.Errorf("there are more than %d servers", membersMax)
	}
	s := Member{ID: id}
	address, client, _ := strings.Cut(value, ";")
	addresses, role, err := canonicalAddresses(address)
	if err != nil {
		return err
	}
	s.Address, s.Client, s.Observer = addresses, client, role == "observer"
	p.servers = append(p.servers, s)
	return nil
}

func (p *membershipParser) group(number int64, value string) error {
	if _, found := p.groups[number]; found {
		return errRepeated
	}
	var group []wire.PeerID
	for text := range strings.SplitSeq(value, ":") {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a list of server ids like 1:2:3", value)
		}
		if len(group) == membersMax {
			return fmt.Errorf("there are more than %d servers", membersMax)
		}
		group = append(group, wire.PeerID(id))
	}
	p.groups[number] = group
	return nil
}

func (p *membershipParser) weight(id wire.PeerID, value string) error {
	if _, found := p.weights[id]; found {
		return errRepeated
	}
	weight, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not a weight", value)
	}
	p.weights[id] = weight
	return nil
}

// membership joins the lines. The weight of a server that has no line of its own
// is ignored: ZooKeeper repeats such weights in its texts.
func (p *membershipParser) membership() (Membership, error) {
	if len(p.weights) > 0 && len(p.groups) == 0 {
		return Membership{}, errors.New("list of servers: there are weights but no groups; list each server in one group.N line")
	}
	for i := range p.servers {
		s := &p.servers[i]
		s.Weight = 1
		if weight, found := p.weights[s.ID]; found {
			s.Weight = weight
		}
	}
	return NewMembership(p.servers, p.groups, p.version)
}

// canonical checks a server and brings its addresses into their usual form.
func (s *Member) canonical() error {
	if s.ID <= 0 || s.ID == math.MaxInt64 {
		return errors.New("a server's id is a number from 1 on")
	}
	if s.Weight < 0 || s.Weight > weightMax {
		return fmt.Errorf("the weight %d is not a number from 0 to %d", s.Weight, int64(weightMax))
	}
	addresses, role, err := canonicalAddresses(s.Address)
	if err == nil && role != "" {
		err = fmt.Errorf("the address %q has a role", s.Address)
	}
	if err != nil {
		return err
	}
	s.Address = addresses
	s.Client, err = canonicalClient(s.Client)
	return err
}

// canonicalAddresses sorts the addresses of a server by their hosts, and cuts off
// the role, which any of them may have.
func canonicalAddresses(text string) (addresses, role string, err error) {
	type address struct{ host, text string }
	var list []address
	for part := range strings.SplitSeq(text, "|") {
		fields := addressFields(part)
		if len(fields) == 4 {
			word := strings.ToLower(fields[3])
			if word != "participant" && word != "observer" {
				return "", "", fmt.Errorf("%q is neither participant nor observer", fields[3])
			}
			if role != "" && role != word {
				return "", "", fmt.Errorf("%q names two roles", text)
			}
			role, fields = word, fields[:3]
		}
		if len(fields) != 3 || len(list) == memberAddressesMax || !validHost(fields[0]) {
			return "", "", fmt.Errorf("%q is not a list of host:port:port with at most %d entries", text, memberAddressesMax)
		}
		quorum, quorumErr := port(fields[1])
		election, electionErr := port(fields[2])
		if quorumErr != nil || electionErr != nil || quorum == election {
			return "", "", fmt.Errorf("%q does not have two different ports", part)
		}
		list = append(list, address{fields[0], fields[0] + ":" + quorum + ":" + election})
	}
	slices.SortStableFunc(list, func(x, y address) int { return strings.Compare(x.host, y.host) })
	for i, a := range list {
		if i > 0 {
			addresses += "|"
		}
		addresses += a.text
	}
	return addresses, role, nil
}

// canonicalClient completes the addresses for clients, of which there may be two,
// plain and secure.
func canonicalClient(text string) (string, error) {
	parts := strings.Split(text, ";")
	if len(parts) > 2 {
		return "", fmt.Errorf("%q names more than two client addresses", text)
	}
	for i, part := range parts {
		if part == "" {
			continue
		}
		fields := addressFields(part)
		if len(fields) == 1 {
			fields = []string{"0.0.0.0", fields[0]}
		}
		if len(fields) != 2 || !validHost(fields[0]) {
			return "", fmt.Errorf("%q is not of the form host:port", part)
		}
		number, err := port(fields[1])
		if err != nil {
			return "", fmt.Errorf("%q is not of the form host:port", part)
		}
		parts[i] = fields[0] + ":" + number
	}
	return strings.TrimSuffix(strings.Join(parts, ";"), ";"), nil
}

// addressFields cuts at colons, but not inside the brackets of an IPv6 address.
func addressFields(text string) []string {
	host := 0
	if strings.HasPrefix(text, "[") {
		host = strings.IndexByte(text, ']') + 1
	}
	fields := strings.SplitN(text[host:], ":", 5)
	fields[0] = text[:host] + fields[0]
	return fields
}

// validHost keeps out what would change the meaning of a line for other readers.
func validHost(host string) bool {
	if len(host) > hostBytesMax {
		return false
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		return closed && strings.Contains(inner, ":") && validName(strings.ReplaceAll(inner, ":", ""), true)
	}
	return validName(host, false)
}

func validName(name string, emptyToo bool) bool {
	return (name != "" || emptyToo) && !strings.ContainsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar || strings.ContainsRune(`=:;|\[]#!`, r)
	})
}

// port checks a port and returns it without leading zeros.
func port(text string) (string, error) {
	number, err := strconv.ParseUint(text, 10, 16)
	if err == nil && number == 0 {
		err = strconv.ErrRange
	}
	return strconv.FormatUint(number, 10), err
}

func compareMember(m Member, id wire.PeerID) int { return cmp.Compare(m.ID, id) }
