package admin

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"kafkacoord/coord/metrics"
)

// MemberStatus is a server as part of an ensemble. Zxids are texts like those of
// srvr ("0x100000003"), lists of servers are in ZooKeeper's canonical form.
type MemberStatus struct {
	ID int64 `json:"id"`
	// PeerState is what mntr shows: "looking", "leading - broadcast",
	// "following - synchronization - diff".
	PeerState string `json:"peer_state"`
	Leader    int64  `json:"leader"` // 0: none
	Epoch     int64  `json:"epoch"`  // of the leader; 0: none
	// AcceptedEpoch and CurrentEpoch are those of the files of the same names.
	AcceptedEpoch int64  `json:"accepted_epoch"`
	CurrentEpoch  int64  `json:"current_epoch"`
	LogEnd        string `json:"log_end"`
	Applied       string `json:"applied"`
	// Unapplied is how many transactions of the log wait to be committed and applied.
	Unapplied int64 `json:"unapplied"`
	// Awaits says what has to happen before the server serves; "" when it does.
	Awaits string `json:"awaits"`
	// StateMillis is how long the server has served, or has not.
	StateMillis int64 `json:"state_ms"`

	// Configured is the list of the configuration file, Agreed the one that a quorum
	// agreed on last, Pending one that may have been; "": none.
	Configured string `json:"configured_list"`
	Agreed     string `json:"agreed_list"`
	Pending    string `json:"pending_list"`
	// Differing are the servers known to have another list.
	Differing []int64 `json:"servers_with_other_list"`
	// QuorumSize is the number of voters in the configured list.
	QuorumSize int64 `json:"voters"`

	Elections          int64 `json:"elections"`
	LastElectionMillis int64 `json:"last_election_ms"`

	// Learners are the servers that a leader serves.
	Learners []LearnerStatus `json:"learners"`
	// Peers are the connections for election messages.
	Peers []PeerStatus `json:"peers"`
	// Refused counts connections and frames refused on the ports for other servers
	// since the start, by reason (peernet).
	Refused map[string]int64 `json:"refused"`
}

// LearnerStatus is a learner as its leader sees it.
type LearnerStatus struct {
	ID       int64  `json:"id"`
	Observer bool   `json:"observer"`
	Voter    bool   `json:"voter"`
	Stage    string `json:"stage"`
	Serving  bool   `json:"serving"`
	// Acknowledged is "" when not known; Lag is then -1, else the number of
	// transactions behind the leader's log.
	Acknowledged string `json:"acknowledged"`
	Lag          int64  `json:"lag"`
	// SilentMillis is how long ago it was heard of.
	SilentMillis int64 `json:"silent_ms"`
	PendingSyncs int64 `json:"pending_syncs"`
	// QueuedBytes wait to be sent to it.
	QueuedBytes int64 `json:"queued_bytes"`
}

// PeerStatus is the connection for election messages with another server.
type PeerStatus struct {
	ID        int64  `json:"id"`
	Connected bool   `json:"connected"`
	Remote    string `json:"remote"`
	Error     string `json:"error"` // why there is none; "" when not known
}

// RefusedOwnID is the reason in MemberStatus.Refused of a server that says that
// it has the number of this one.
const RefusedOwnID = "own_id"

// DiskStatus is how the disk of the log does.
type DiskStatus struct {
	// Syncs since the start; the medians and percentiles are those of the last
	// minutes, in ms.
	Syncs     int64   `json:"syncs"`
	P50Millis float64 `json:"fsync_p50_ms"`
	P99Millis float64 `json:"fsync_p99_ms"`
	// SlowAbove is fsync.warningthresholdms; 0: off.
	SlowAbove int64 `json:"fsync_warning_ms"`
	// Free is in bytes; 0: not watched.
	Free int64 `json:"free_bytes"`
	// Refusing is set while writes are refused because the disk is nearly full.
	Refusing bool `json:"refusing_writes"`
}

// Report is the answer of the word memb: a JSON object for programs and for
// coord status. Fields are only ever added.
type Report struct {
	Version        string        `json:"version"`
	ProductVersion string        `json:"product_version"`
	Serving        bool          `json:"serving"`
	Mode           Mode          `json:"mode"` // "" while a member does not serve
	Zxid           string        `json:"zxid"`
	Connections    int           `json:"connections"`
	Outstanding    int64         `json:"outstanding_requests"`
	UptimeMillis   int64         `json:"uptime_ms"`
	Disk           DiskStatus    `json:"disk"`
	Mismatches     int64         `json:"digest_mismatches"`
	Member         *MemberStatus `json:"member"` // null: stands alone
	// Problems say in words what is wrong; empty when all is well.
	Problems []string `json:"problems"`
}

// memberReport answers memb, a word of our own, whether the server serves or not.
func memberReport(r *request) {
	s := r.status
	report := Report{
		Version: Version(), ProductVersion: ProductVersion(), Serving: s.Serving, Mode: s.Mode, Zxid: zxidText(s.Zxid),
		Connections: s.ConnectionCount, Outstanding: s.Outstanding, UptimeMillis: s.Uptime.Milliseconds(),
		Disk: s.Disk, Member: s.Member, Mismatches: r.source.Metrics().Counter(metrics.DigestMismatchesCount).Value(),
		Problems: []string{},
	}
	if s.Member != nil && !s.Serving {
		report.Mode = ""
	}
	report.Problems = append(report.Problems, problems(&report)...)
	text, err := json.MarshalIndent(&report, "", "  ")
	if err != nil {
		r.line("cannot tell: " + err.Error())
		return
	}
	r.reply = append(append(r.reply, text...), '\n')
}

func zxidText(zxid int64) string { return "0x" + strconv.FormatUint(uint64(zxid), 16) }

// problems names what an operator should look at, worst first.
func problems(r *Report) []string {
	var list []string
	say := func(format string, arguments ...any) { list = append(list, fmt.Sprintf(format, arguments...)) }
	switch {
	case r.Serving:
	case r.Member != nil && r.Member.Awaits != "":
		say("does not serve (%s): waits for %s", r.Member.PeerState, r.Member.Awaits)
	default:
		say("does not serve")
	}
	if r.Mismatches > 0 {
		say("%d digests of the data do not match: its data differs from that of the servers that wrote the log; move its data directory away and start it again, it then copies everything", r.Mismatches)
	}
	if d := &r.Disk; d.Refusing {
		say("the disk of the log is nearly full (%d bytes free): writes are refused", d.Free)
	}
	if d := &r.Disk; d.SlowAbove > 0 && d.P99Millis > float64(d.SlowAbove) {
		say("the disk is slow: one sync of the log in a hundred takes more than %.0f ms", d.P99Millis)
	}
	if r.Member != nil {
		list = append(list, r.Member.problems(r.Serving)...)
	}
	return list
}

func (m *MemberStatus) problems(serving bool) []string {
	var list []string
	say := func(format string, arguments ...any) { list = append(list, fmt.Sprintf(format, arguments...)) }
	for _, id := range m.Differing {
		say("server.%d has another list of servers: make the server lines of both configurations equal", id)
	}
	if m.Refused[RefusedOwnID] > 0 {
		say("a server with the number of this one, %d, has connected: two myid files are the same", m.ID)
	}
	switch {
	case m.Pending != "":
		say("a list of servers is not agreed on yet; a majority of the old and of the new list is needed")
	case serving && m.Agreed != "" && m.Agreed != m.Configured:
		say("its list of servers is not the one agreed on; restart the servers with equal lists")
	}
	linked := make(map[int64]bool)
	for i := range m.Learners {
		l := &m.Learners[i]
		linked[l.ID] = true
		if !l.Serving {
			say("server.%d is not in sync: %s", l.ID, l.Stage)
		}
	}
	for i := range m.Peers {
		if p := &m.Peers[i]; !p.Connected && !linked[p.ID] {
			text := fmt.Sprintf("no connection with server.%d", p.ID)
			if p.Error != "" {
				text += ": " + p.Error
			}
			list = append(list, text)
		}
	}
	return list
}

// publishMember copies the numbers of a member into the gauges of the same
// meaning. What a leader only shows exists while it leads.
func publishMember(m *MemberStatus, leads bool, set *metrics.Set) {
	var followers, synced, others, observers, syncs int64
	lags, queued := make(map[string]int64), make(map[string]int64)
	for i := range m.Learners {
		l := &m.Learners[i]
		syncs += l.PendingSyncs
		if !l.Observer {
			followers++
		}
		switch {
		case !l.Serving:
		case l.Observer:
			observers++
		case l.Voter:
			synced++
		default:
			others++
		}
		id := strconv.FormatInt(l.ID, 10)
		queued[id] = l.QueuedBytes
		if l.Lag >= 0 {
			lags[id] = l.Lag
		}
	}
	uptime := int64(0)
	if leads {
		uptime = m.StateMillis
	}
	for id, value := range map[metrics.GaugeID]int64{
		metrics.QuorumSize: m.QuorumSize, metrics.Learners: int64(len(m.Learners)), metrics.Followers: followers,
		metrics.SyncedFollowers: synced, metrics.SyncedNonVotingFollowers: others, metrics.SyncedObservers: observers,
		metrics.PendingSyncs: syncs, metrics.LeaderUptime: uptime,
	} {
		set.Gauge(id).Set(value)
	}
	connected := make(map[string]int64)
	for i := range m.Peers {
		value := int64(0)
		if m.Peers[i].Connected {
			value = 1
		}
		connected[strconv.FormatInt(m.Peers[i].ID, 10)] = value
	}
	set.ReplaceKeyedGauge(metrics.LearnerLag, lags)
	set.ReplaceKeyedGauge(metrics.LearnerQueueBytes, queued)
	set.ReplaceKeyedGauge(metrics.PeerConnected, connected)
}

// DiskStatusOf takes the numbers of the disk from the metrics.
func DiskStatusOf(set *metrics.Set, warning time.Duration, refusing bool, now time.Time) DiskStatus {
	const millisecond = 1000 // in microseconds
	p50, _ := set.RecentQuantile(metrics.FsyncMicros, 0.5, now)
	p99, _ := set.RecentQuantile(metrics.FsyncMicros, 0.99, now)
	return DiskStatus{
		Syncs: set.Counter(metrics.Fsyncs).Value(), P50Millis: float64(p50) / millisecond, P99Millis: float64(p99) / millisecond,
		SlowAbove: max(warning, 0).Milliseconds(), Free: set.Gauge(metrics.DiskFreeBytes).Value(), Refusing: refusing,
	}
}
