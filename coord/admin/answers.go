package admin

import (
	"fmt"
	"path/filepath"
	"strconv"

	"kafkacoord/coord/metrics"
)

func (r *request) format(format string, arguments ...any) {
	r.reply = fmt.Appendf(r.reply, format, arguments...)
}

func (r *request) number(n int64) { r.reply = strconv.AppendInt(r.reply, n, 10) }

func areYouOK(r *request) { r.text("imok") }

func isReadOnly(r *request) {
	if r.status.ReadOnly {
		r.text("ro")
	} else {
		r.text("rw")
	}
}

func resetConnections(r *request) {
	r.source.ResetConnectionStats()
	r.line("Connection stats reset.")
}

func resetServer(r *request) {
	r.source.ResetServerStats()
	r.source.Metrics().Reset()
	r.line("Server stats reset.")
}

func dirs(r *request) {
	r.format("datadir_size: %d\nlogdir_size: %d\n", r.status.DataDirSize, r.status.LogDirSize)
}

func hash(r *request) {
	for _, d := range r.status.Digests {
		r.format("%x: %d\n", uint64(d.Zxid), d.Digest)
	}
}

// dataVersionDirectory is where the files of a data directory stand.
const dataVersionDirectory = "version-2"

// ZooKeeper: ConfCommand.java, ZooKeeperServerConf.java.
func conf(r *request) {
	s := &r.status.Settings
	r.format("clientPort=%d\nsecureClientPort=%d\n", s.ClientPort, s.SecureClientPort)
	r.format("dataDir=%s\ndataDirSize=%d\n", absolute(s.DataDir), r.status.DataDirSize)
	r.format("dataLogDir=%s\ndataLogSize=%d\n", absolute(s.DataLogDir), r.status.LogDirSize)
	r.format("tickTime=%d\nmaxClientCnxns=%d\n", s.TickTime.Milliseconds(), s.MaxClientConnections)
	r.format("minSessionTimeout=%d\nmaxSessionTimeout=%d\n", s.MinSessionTimeout.Milliseconds(), s.MaxSessionTimeout.Milliseconds())
	r.format("clientPortListenBacklog=%d\nserverId=%d\n", s.ListenBacklog, s.ServerID)
	q := s.Quorum
	if q == nil {
		return
	}
	r.format("initLimit=%d\nsyncLimit=%d\nelectionAlg=%d\n", q.InitLimit, q.SyncLimit, q.ElectionAlgorithm)
	r.format("electionPort=%d\nquorumPort=%d\npeerType=%d\n", q.ElectionPort, q.QuorumPort, q.PeerType)
	if r.status.ReadOnly {
		return
	}
	r.line("membership: ")
	for at, line := range q.Membership {
		if at > 0 {
			r.text("\n")
		}
		r.text(line)
	}
}

func absolute(directory string) string {
	path := filepath.Join(directory, dataVersionDirectory)
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

func serverStat(r *request) {
	r.line("Zookeeper version: " + Version())
	if r.status.ReadOnly {
		r.line("READ-ONLY mode; serving only read-only clients")
	}
	serverNumbers(r)
}

// stat is srvr with the clients between its first line and the rest.
// ZooKeeper: StatCommand.java.
func stat(r *request) {
	r.line("Zookeeper version: " + Version())
	if r.status.ReadOnly {
		r.line("READ-ONLY mode; serving only read-only clients")
	}
	r.line("Clients:")
	for at := range r.status.Connections {
		appendConnection(r, &r.status.Connections[at], false)
	}
	r.line("")
	serverNumbers(r)
}

// ZooKeeper: ServerStats.toString.
func serverNumbers(r *request) {
	s := r.status
	r.format("Latency min/avg/max: %d/", s.LatencyMin)
	r.reply = metrics.AppendDouble(r.reply, metrics.RoundAverage(s.LatencyAverage))
	r.format("/%d\nReceived: %d\nSent: %d\nConnections: %d\n", s.LatencyMax, s.Received, s.Sent, s.ConnectionCount)
	r.format("Outstanding: %d\nZxid: 0x%x\nMode: %s\nNode count: %d\n", s.Outstanding, uint64(s.Zxid), s.Mode, s.NodeCount)
	if s.Mode == ModeLeader {
		r.format("Proposal sizes last/min/max: %d/%d/%d\n", s.Proposals.Last, s.Proposals.Min, s.Proposals.Max)
	}
}

func cons(r *request) {
	for at := range r.status.Connections {
		appendConnection(r, &r.status.Connections[at], true)
	}
	r.line("")
}

// appendConnection writes one line; the full form only for connections with a
// session. ZooKeeper: ServerCnxn.dumpConnectionInfo.
func appendConnection(r *request, c *ConnectionStatus, full bool) {
	r.format(" /%s[%x](queued=%d,recved=%d,sent=%d", c.Remote, c.InterestOps, c.Queued, c.Received, c.Sent)
	if full && c.SessionID != 0 {
		r.format(",sid=0x%x,lop=%s,est=%d,to=%d", uint64(c.SessionID), c.LastOperation, c.Established.UnixMilli(), c.Timeout.Milliseconds())
		if c.LastCxid >= 0 {
			r.format(",lcxid=0x%x", c.LastCxid)
		}
		r.format(",lzxid=0x%x,lresp=%d,llat=%d,minlat=%d,avglat=%d,maxlat=%d",
			uint64(c.LastZxid), c.LastResponse, c.LastLatency, c.MinLatency, c.AverageLatency, c.MaxLatency)
	}
	r.line(")")
}

// monitor brings the gauges up to date first. The lines in front of the
// metrics come in ZooKeeper's order; agents look at the first.
// ZooKeeper: MonitorCommand.java.
func monitor(r *request) {
	r.line("zk_version\t" + Version())
	r.line("zk_server_state\t" + string(r.status.Mode))
	if r.status.PeerState != "" {
		r.line("zk_peer_state\t" + r.status.PeerState)
	}
	set := r.source.Metrics()
	Publish(r.status, set)
	r.reply = set.AppendMntr(r.reply)
}

func watchSummary(r *request) {
	w := r.status.WatchSummary
	r.format("%d connections watching %d paths\nTotal watches:%d\n", w.Connections, w.Paths, w.Total)
}
