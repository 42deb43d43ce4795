package zab

import (
	"slices"

	"kafkacoord/coord/wire"
)

// Membership is a list of servers with its quorum rule. It is immutable. The
// zero value is the list of nobody, in which there is no quorum.
type Membership struct {
	Servers []Member // in the order of their ids
	// Groups are the lists of group.N lines, each in the order of the ids, in the
	// order of their first servers; nil for a plain majority.
	Groups [][]wire.PeerID
	// Text is the list in ZooKeeper's canonical form, as it travels in
	// notifications and NEWLEADER.
	Text    string
	Version int64
}

// Member is one server of a list.
type Member struct {
	ID       wire.PeerID
	Observer bool
	Weight   int64 // 1 unless a weight.N line says otherwise
	// Address is the server's line without role and client part: two lists are
	// equal when members, roles, weights, groups and addresses are.
	Address string
	// Client is the rest of the line, behind the first semicolon: "host:port" of
	// the client port, possibly with ";host:port" of the secure one; "" when the
	// line does not name them.
	Client string
}

// Equal tells whether two lists have the same servers at the same addresses, with
// the same roles, weights and groups. The version and the client ports do not
// count, unlike in ZooKeeper, where lists of the same version are equal: lists
// from files that operators edit all have version 0.
func (m *Membership) Equal(other *Membership) bool {
	return slices.EqualFunc(m.Servers, other.Servers, func(x, y Member) bool {
		x.Client, y.Client = "", ""
		return x == y
	}) && slices.EqualFunc(m.Groups, other.Groups, slices.Equal[[]wire.PeerID])
}

// Member returns the server with the id.
func (m *Membership) Member(id wire.PeerID) (Member, bool) {
	if i, found := slices.BinarySearchFunc(m.Servers, id, compareMember); found {
		return m.Servers[i], true
	}
	return Member{}, false
}

// Observer tells whether the list has the server as an observer.
func (m *Membership) Observer(id wire.PeerID) bool {
	member, found := m.Member(id)
	return found && member.Observer
}

// Voter tells whether the list has the server as a participant.
func (m *Membership) Voter(id wire.PeerID) bool {
	member, found := m.Member(id)
	return found && !member.Observer
}

// Voters are the participants, in the order of their ids.
func (m *Membership) Voters() []wire.PeerID {
	var voters []wire.PeerID
	for _, s := range m.Servers {
		if !s.Observer {
			voters = append(voters, s.ID)
		}
	}
	return voters
}

// Weight is what a server counts in its group, and 0 for one that the list does
// not have. A server of weight 0 is not elected.
func (m *Membership) Weight(id wire.PeerID) int64 {
	member, _ := m.Member(id)
	return member.Weight
}

// Quorum tells whether the servers for which in returns true are a quorum: more
// than half of the participants, or with groups, more than half of the weight in
// more than half of the groups that have any weight. It does not allocate.
//
// ZooKeeper: QuorumMaj.java, QuorumHierarchical.java.
func (m *Membership) Quorum(in func(wire.PeerID) bool) bool {
	if m.Groups != nil {
		return m.groupQuorum(in)
	}
	voters, present := m.count(in)
	return present > voters/2
}

// count returns how many participants there are and for how many of them in
// returns true.
func (m *Membership) count(in func(wire.PeerID) bool) (voters, present int) {
	for i := range m.Servers {
		if s := &m.Servers[i]; !s.Observer {
			voters++
			if in(s.ID) {
				present++
			}
		}
	}
	return voters, present
}

func (m *Membership) groupQuorum(in func(wire.PeerID) bool) bool {
	groups, won := 0, 0
	for _, g := range m.Groups {
		total, present := m.groupWeight(g, in)
		if total > 0 {
			groups++
		}
		if present > total/2 {
			won++
		}
	}
	return won > groups/2
}

// groupWeight sums the weights in a group. An observer in a group adds to the
// total, as in ZooKeeper, although it never votes.
func (m *Membership) groupWeight(group []wire.PeerID, in func(wire.PeerID) bool) (total, present int64) {
	for _, id := range group {
		member, _ := m.Member(id)
		total += member.Weight
		if !member.Observer && in(id) {
			present += member.Weight
		}
	}
	return total, present
}
