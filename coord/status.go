package coord

import (
	"net"
	"time"

	"kafkacoord/coord/admin"
	"kafkacoord/coord/clientnet"
	"kafkacoord/coord/core"
	"kafkacoord/coord/metrics"
	"kafkacoord/coord/replica"
	"kafkacoord/coord/wire"
)

func isWord(first [4]byte) bool { return admin.IsWord(first) }

// Word answers a four-letter word. Like any request it counts as a packet.
func (h host) Word(id clientnet.ConnID, word string) []byte {
	n := h.n
	n.replica.Inspect(func(c *core.Core) { c.CountWord(core.ConnID(id)) })
	defer n.replica.Inspect(func(c *core.Core) { c.Stats().Sent++ })
	if known := word[:4]; n.whitelist.Allows(known) {
		n.observer.set.KeyedCounter(metrics.FourLetterWords).With(known).Inc()
	}
	return admin.Answer(word, source{n}, n.whitelist)
}

// source answers the questions of package admin about a node.
type source struct{ n *Node }

func (s source) Metrics() *metrics.Set { return s.n.observer.set }

func (s source) ResetServerStats() {
	s.n.replica.Inspect(func(c *core.Core) { c.ResetStats() })
}

func (s source) ResetConnectionStats() {
	s.n.replica.Inspect(func(c *core.Core) { c.ResetConnectionStats() })
}

// Status gathers the present state between two turns of the loop.
func (s source) Status(detail admin.Detail) admin.Status {
	n := s.n
	st := admin.Status{Mode: admin.ModeStandalone, Uptime: time.Since(n.started), Settings: n.settings()}
	st.Proposals = admin.ProposalSizes{Last: -1, Min: -1, Max: -1}
	if detail&admin.DetailDirectories != 0 {
		if sizes, err := n.store.Sizes(); err == nil {
			st.DataDirSize, st.LogDirSize = sizes.Data, sizes.Log
		}
	}
	serving := false
	running := n.replica.Inspect(func(c *core.Core) {
		serving = c.Serving()
		fillMember(&st, c, replica.Clock{Start: n.started}.Mono(), detail)
		fillCounts(&st, c)
		fillDetails(&st, c, detail, n.started)
	})
	st.Serving = running && serving
	if detail&admin.DetailMember != 0 {
		st.Disk = admin.DiskStatusOf(n.observer.set, n.config.FsyncWarning, n.observer.refusing.Load(), time.Now())
		if st.Member != nil {
			n.peers.fillStatus(st.Member)
			st.Member.Refused = n.observer.set.KeyedCounts(metrics.PeerRefusals)
		}
	}
	return st
}

func (n *Node) settings() admin.Settings {
	settings := admin.SettingsOf(n.config)
	if n.listener != nil {
		if a, ok := n.listener.Addr().(*net.TCPAddr); ok {
			settings.ClientPort = a.Port
		}
	}
	if n.peers != nil {
		settings.ServerID = int64(n.self)
		settings.Quorum = admin.QuorumSettingsOf(n.config, int64(n.self), n.peers.membership)
	}
	return settings
}

func fillCounts(st *admin.Status, c *core.Core) {
	stats := c.Stats()
	st.LatencyMin, st.LatencyMax = stats.All.Min, stats.All.Max
	if stats.All.Count > 0 {
		st.LatencyAverage = float64(stats.All.Sum) / float64(stats.All.Count)
	}
	st.Received, st.Sent = stats.Received, stats.Sent
	st.ConnectionCount = stats.Connections
	st.Outstanding = int64(c.Outstanding())
	st.Zxid = int64(c.Zxid())
	st.NodeCount = int64(c.Tree().NumNodes()) + 1 // ZooKeeper counts the root twice: as "" and "/"
	st.EphemeralCount = int64(c.Tree().NumEphemerals())
	st.ApproximateDataSize = c.Tree().ApproximateDataSize()
	st.GlobalSessions = int64(c.Sessions().Len())
	st.WatchCount = int64(c.Watches().Counts().Total())
	st.ResponseSizes = admin.ProposalSizes{
		Last: int64(stats.LastResponse), Min: int64(stats.MinResponse), Max: int64(stats.MaxResponse),
	}
}

// fillDetails fills what costs more than a few numbers. monotonic is the origin
// of the core's monotonic clock.
func fillDetails(st *admin.Status, c *core.Core, detail admin.Detail, monotonic time.Time) {
	counts := c.Watches().Counts()
	if detail&admin.DetailWatchSummary != 0 {
		st.WatchSummary = admin.WatchSummary{
			Connections: int64(counts.DataConns), Paths: int64(counts.DataPaths), Total: int64(counts.DataWatches),
		}
	}
	at := func(mono wire.Millis) time.Time { return monotonic.Add(time.Duration(mono) * time.Millisecond) }
	if detail&admin.DetailDigests != 0 {
		for _, d := range c.Tree().Digests() {
			st.Digests = append(st.Digests, admin.DigestStatus{Zxid: int64(d.Zxid), Digest: d.Digest})
		}
	}
	if detail&admin.DetailConnections != 0 {
		for _, info := range c.Connections() {
			st.Connections = append(st.Connections, connectionStatus(&info))
		}
	}
	if detail&admin.DetailWatches != 0 {
		for id := range c.Watches().Conns() {
			w := admin.SessionWatches{SessionID: int64(c.SessionOf(id))}
			for path := range c.Watches().PathsOf(id) {
				w.Paths = append(w.Paths, path)
			}
			st.Watches = append(st.Watches, w)
		}
	}
	if detail&admin.DetailSessions != 0 {
		for s := range c.Sessions().All() {
			st.Sessions.Expiries = append(st.Sessions.Expiries, admin.SessionExpiry{
				SessionID: int64(s.ID), ExpireAt: at(s.Deadline()), Timeout: time.Duration(s.Timeout) * time.Millisecond,
			})
		}
		for owner := range c.Tree().EphemeralOwners() {
			w := admin.SessionWatches{SessionID: int64(owner)}
			for r := range c.Tree().Ephemerals(owner) {
				w.Paths = append(w.Paths, c.Tree().Path(r))
			}
			st.Sessions.Ephemerals = append(st.Sessions.Ephemerals, w)
		}
	}
}

func connectionStatus(info *core.ConnInfo) admin.ConnectionStatus {
	s := &info.Stats
	out := admin.ConnectionStatus{
		Remote: info.Remote, InterestOps: 1, Queued: int64(info.Outstanding), Received: s.Received, Sent: s.Sent,
		SessionID: int64(info.Session), LastOperation: "NA", Established: time.UnixMilli(int64(s.Established)),
		Timeout: time.Duration(info.Timeout) * time.Millisecond, LastCxid: int64(s.LastCxid),
		LastZxid: int64(s.LastZxid), LastResponse: int64(s.LastResponse), LastLatency: s.LastLatency,
		MinLatency: s.MinLatency, AverageLatency: s.AverageLatency(), MaxLatency: s.MaxLatency,
	}
	if info.Asking {
		out.InterestOps = 0
	}
	if s.HasOp {
		out.LastOperation = s.LastOp.Short()
	}
	return out
}
