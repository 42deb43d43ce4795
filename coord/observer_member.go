package coord

import (
	"strconv"

	"kafkacoord/coord/core"
	"kafkacoord/coord/metrics"
	"kafkacoord/coord/zab"
)

// memberObserver is what an observer remembers of a member of an ensemble. Who
// has the turn owns it.
type memberObserver struct {
	role   zab.Change
	counts zab.Counts
}

// countHistory adds what a turn did to the history of transactions. As in
// ZooKeeper a leader, and a server that stands alone, counts proposals and
// commits; a learner counts those that it hears of.
func (o *observer) countHistory(c *core.Core, now *core.Stats) {
	role, member := c.Role()
	if !member || role.Role == zab.Leading {
		o.set.Counter(metrics.ProposalCount).Add(now.Proposals - o.last.Proposals)
		o.set.Counter(metrics.CommitCount).Add(now.Commits - o.last.Commits)
	}
	if member {
		o.countMember(c, role)
	}
}

func (o *observer) countMember(c *core.Core, role zab.Change) {
	m := &o.member
	if role != m.role {
		m.role = role
		o.set.SetRole(metricsRole(role))
	}
	if counts := c.MemberCounts(); counts != m.counts {
		o.countProtocol(&counts)
		m.counts = counts
	}
	c.TakeMemberSamples(o.memberSamples)
}

func metricsRole(role zab.Change) metrics.Role {
	switch {
	case !role.Serving:
		return metrics.RoleNone
	case role.Role == zab.Leading:
		return metrics.RoleLeader
	case role.Role == zab.Observing:
		return metrics.RoleObserver
	}
	return metrics.RoleFollower
}

func (o *observer) countProtocol(now *zab.Counts) {
	before := &o.member.counts
	o.set.Counter(metrics.LookingCount).Add(now.Elections - before.Elections)
	o.set.Counter(metrics.DiffCount).Add(now.Diffs - before.Diffs)
	o.set.Counter(metrics.SnapCount).Add(now.Snaps - before.Snaps)
	o.set.Counter(metrics.LearnerProposalReceivedCount).Add(now.Proposals - before.Proposals)
	o.set.Counter(metrics.LearnerCommitReceivedCount).Add(now.Commits - before.Commits)
	if decided := now.Decided - before.Decided; decided > 0 {
		o.set.Counter(metrics.Elections).Add(decided)
		o.set.Summary(metrics.ElectionTime).Observe(int64(now.Took))
	}
}

func (o *observer) memberSamples(s *core.MemberSamples) {
	for _, took := range s.Unavailable {
		o.set.Summary(metrics.UnavailableTime).Observe(int64(took))
	}
	for _, took := range s.LeaderUnavailable {
		o.set.Summary(metrics.LeaderUnavailableTime).Observe(int64(took))
	}
	for _, took := range s.Synced {
		o.set.Summary(metrics.FollowerSyncTime).Observe(int64(took))
	}
	for _, took := range s.ObserverSynced {
		o.set.Summary(metrics.ObserverSyncTime).Observe(int64(took))
	}
	for _, took := range s.Quorum {
		o.set.Summary(metrics.QuorumAckLatency).Observe(int64(took))
	}
	for _, ack := range s.Acks {
		o.set.KeyedSummary(metrics.AckLatency).With(strconv.FormatInt(int64(ack.Peer), 10)).Observe(int64(ack.Took))
	}
}

// PeerRefused counts a connection or frame that was refused on a port for other
// servers.
func (o *observer) PeerRefused(kind string) {
	o.set.KeyedCounter(metrics.PeerRefusals).With(kind).Inc()
}
