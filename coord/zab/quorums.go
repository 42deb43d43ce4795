package zab

import (
	"fmt"
	"slices"
	"strings"

	"kafkacoord/coord/wire"
)

// quorums are all the lists in which a majority is needed at present: the one
// that was agreed on last, the configured one, and one that a leader has shown
// and that may have been agreed on without this server's knowing. So no decision
// is taken by the servers of a new list alone while those of the old one can
// still take others (see DESIGN.md).
type quorums struct {
	committed  *Membership // nil: none was ever agreed on
	configured *Membership
	pending    *Membership // nil: none

	lists  []*Membership // the above, equal ones once; never empty
	voters []wire.PeerID // of all lists, in order
}

// newQuorums joins the lists of the configuration; see Config.
func newQuorums(c *Config) *quorums {
	q := &quorums{committed: c.Committed, configured: &c.Members, pending: c.Pending}
	q.join()
	return q
}

func (q *quorums) join() {
	q.lists, q.voters = nil, nil
	for _, list := range []*Membership{q.configured, q.committed, q.pending} {
		if list == nil || slices.ContainsFunc(q.lists, list.Equal) {
			continue
		}
		q.lists = append(q.lists, list)
		q.voters = append(q.voters, list.Voters()...)
	}
	slices.Sort(q.voters)
	q.voters = slices.Compact(q.voters)
}

// seen takes the list that a leader wants to be agreed on, before this server
// says that it knows it. From then on a quorum of it is needed too. It tells
// whether something has changed that must be durable before the answer.
//
// The list replaces one that an earlier leader has shown. An equal list is kept
// even when it is the configured one, because the configuration may be edited
// before the agreement is known.
func (q *quorums) seen(list *Membership) bool {
	if q.committed != nil && q.committed.Equal(list) || q.pending != nil && q.pending.Equal(list) {
		return false
	}
	q.pending = list
	q.join()
	return true
}

// commit takes the list that a quorum of all lists has agreed on; quorums of the
// one before it and of a pending one are no longer needed. It tells whether
// something has changed that should become durable.
func (q *quorums) commit(list *Membership) bool {
	if q.pending == nil && q.committed != nil && q.committed.Equal(list) {
		return false
	}
	q.committed, q.pending = list, nil
	q.join()
	return true
}

// voter tells whether a server votes in one of the lists.
func (q *quorums) voter(id wire.PeerID) bool {
	_, found := slices.BinarySearch(q.voters, id)
	return found
}

// known tells whether a server is in one of the lists, in any role.
func (q *quorums) known(id wire.PeerID) bool {
	return slices.ContainsFunc(q.lists, func(m *Membership) bool {
		_, found := m.Member(id)
		return found
	})
}

// electable tells whether a server has weight as a voter of one of the lists.
func (q *quorums) electable(id wire.PeerID) bool {
	return slices.ContainsFunc(q.lists, func(m *Membership) bool { return m.Voter(id) && m.Weight(id) > 0 })
}

// has tells whether the servers for which in returns true are a quorum of every
// list; servers that do not vote count for nothing. It does not allocate.
func (q *quorums) has(in func(wire.PeerID) bool) bool {
	for _, list := range q.lists {
		if !list.Quorum(in) {
			return false
		}
	}
	return true
}

// missing says which servers the ones for which in returns true need for a quorum
// of every list, for the operator: "one of server.2, server.3 (list agreed on
// before)". It is "" when they are a quorum.
func (q *quorums) missing(in func(wire.PeerID) bool) string {
	var parts []string
	for _, list := range q.lists {
		if list.Quorum(in) {
			continue
		}
		text := list.missing(in)
		if len(q.lists) > 1 {
			text += " (" + q.name(list) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " and ")
}

func (q *quorums) name(list *Membership) string {
	switch list {
	case q.configured:
		return "configured list"
	case q.committed:
		return "list agreed on before"
	}
	return "list of the last leader"
}

// missing is the part of quorums.missing for one list without a quorum.
func (m *Membership) missing(in func(wire.PeerID) bool) string {
	var absent []wire.PeerID
	for _, id := range m.Voters() {
		if !in(id) && m.Weight(id) > 0 {
			absent = append(absent, id)
		}
	}
	voters, present := m.count(in)
	switch needed := voters/2 + 1 - present; {
	case len(absent) == 0:
		return "a list with voters"
	case m.Groups != nil:
		return "a majority of weight in most groups, from " + serverNames(absent)
	case needed == len(absent):
		return serverNames(absent)
	case needed == 1:
		return "one of " + serverNames(absent)
	default:
		return fmt.Sprintf("%d of %s", needed, serverNames(absent))
	}
}

// serverNames lists servers as their lines in the configuration name them.
func serverNames(ids []wire.PeerID) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "server.%d", id)
	}
	return b.String()
}
