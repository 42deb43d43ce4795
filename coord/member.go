package coord

import (
	"fmt"
	"time"

	"kafkacoord/coord/admin"
	"kafkacoord/coord/core"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// fillMember says what a member of an ensemble does. mono is the loop's clock.
//
// ZooKeeper: QuorumPeer.getServerState, QuorumPeer.getDetailedPeerState.
func fillMember(st *admin.Status, c *core.Core, mono wire.Millis, detail admin.Detail) {
	role, member := c.Role()
	if !member {
		return
	}
	switch role.Role {
	case zab.Leading:
		st.Mode = admin.ModeLeader
		stats := c.Stats()
		st.Proposals = admin.ProposalSizes{
			Last: int64(stats.LastProposal), Min: int64(stats.MinProposal), Max: int64(stats.MaxProposal),
		}
	case zab.Observing:
		st.Mode = admin.ModeObserver
	default:
		st.Mode = admin.ModeFollower
	}
	st.Sessions.Learner = role.Role != zab.Leading
	if detail&admin.DetailMember == 0 {
		return
	}
	s, _ := c.Member()
	st.PeerState = s.PeerState()
	st.Member = memberStatus(&s, mono)
	st.Uptime = time.Duration(st.Member.StateMillis) * time.Millisecond
}

// memberStatus puts what the protocol tells into the words of the operator.
func memberStatus(s *core.MemberStatus, mono wire.Millis) *admin.MemberStatus {
	m := &admin.MemberStatus{
		ID: int64(s.Self), PeerState: s.PeerState(), Leader: int64(s.Leader), Epoch: s.Epoch,
		AcceptedEpoch: s.Accepted, CurrentEpoch: s.Current, LogEnd: zxidText(s.Last), Applied: zxidText(s.Applied),
		Unapplied: int64(s.Unapplied), Awaits: s.Awaits, StateMillis: int64(mono - s.Since),
		Configured: s.Configured.Text, QuorumSize: int64(len(s.Configured.Voters())),
		Elections: s.Counts.Elections, LastElectionMillis: int64(s.Counts.Took),
		Differing: []int64{}, Learners: []admin.LearnerStatus{}, Peers: []admin.PeerStatus{},
	}
	// Equal lists may be written differently; shown is then the configured one.
	shown := func(list *zab.Membership) string {
		switch {
		case list == nil:
			return ""
		case list.Equal(s.Configured):
			return s.Configured.Text
		}
		return list.Text
	}
	m.Agreed, m.Pending = shown(s.Agreed), shown(s.Pending)
	for _, id := range s.Differing {
		m.Differing = append(m.Differing, int64(id))
	}
	for i := range s.Learners {
		l := &s.Learners[i]
		if l.Peer == 0 {
			continue
		}
		status := admin.LearnerStatus{
			ID: int64(l.Peer), Observer: l.Observer, Voter: l.Voter, Stage: l.Stage, Serving: l.Serving, Lag: l.Lag,
			SilentMillis: int64(l.Silent), PendingSyncs: int64(l.PendingSyncs),
		}
		if l.Lag >= 0 {
			status.Acknowledged = zxidText(l.Acknowledged)
		}
		m.Learners = append(m.Learners, status)
	}
	return m
}

func zxidText(z wire.Zxid) string { return fmt.Sprintf("0x%x", uint64(z)) }

// fillStatus adds what the connections with other servers tell: those for election
// messages, with the servers of the list, and what waits for learners.
func (p *peers) fillStatus(m *admin.MemberStatus) {
	for _, s := range p.election.Status() {
		if len(s.Addresses) == 0 {
			continue // a stranger
		}
		status := admin.PeerStatus{ID: int64(s.Peer), Connected: s.Connected, Remote: s.Remote}
		if !s.Connected {
			status.Error = s.LastError
		}
		m.Peers = append(m.Peers, status)
	}
	queued := make(map[int64]int64)
	for _, s := range p.links.Status() {
		queued[int64(s.Peer)] += int64(s.QueueBytes)
	}
	for i := range m.Learners {
		m.Learners[i].QueuedBytes = queued[m.Learners[i].ID]
	}
}
