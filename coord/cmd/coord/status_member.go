package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"kafkacoord/coord/admin"
)

// memberStatus is one server as status shows it, by its own words.
type memberStatus struct {
	ID        int64  `json:"id"` // 0: not known, or stands alone
	Address   string `json:"address"`
	Reachable bool   `json:"reachable"`
	Serving   bool   `json:"serving"`
	Role      string `json:"role"`  // leader, follower, observer, standalone, read-only; "" when it does not serve
	State     string `json:"state"` // as zk_peer_state; "" when not known
	Leader    int64  `json:"leader"`
	Epoch     int64  `json:"epoch"` // of the ensemble; 0 when not known
	Zxid      string `json:"zxid"`
	// Lag is the number of transactions behind the leader, -1 when not known.
	Lag         int64 `json:"lag"`
	Connections int   `json:"connections"`
	// FsyncMillis is the 99th percentile of the last minutes, or, of a Java server,
	// the mean; null when not known.
	FsyncMillis *float64 `json:"fsync_ms"`
	Version     string   `json:"version"`
	// Problems say what is wrong, Notes what could not be asked.
	Problems []string `json:"problems"`
	Notes    []string `json:"notes"`

	servers  string // its list of servers, "" when not known
	learners []admin.LearnerStatus
	zxid     int64
}

// wordBytesMax bounds an answer.
const wordBytesMax = 4 << 20

// errNoAnswer: the server closed the connection. A Java server does so with words
// that it does not know.
var errNoAnswer = errors.New("it closed the connection without an answer")

// word sends a four-letter word and returns the answer.
func word(ctx context.Context, server, word string, within time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", server)
	if err != nil {
		return "", fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", fmt.Errorf("ask %s: %w", server, err)
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return "", fmt.Errorf("ask %s: %w", server, err)
	}
	reply, err := io.ReadAll(io.LimitReader(conn, wordBytesMax))
	switch {
	case err != nil && len(reply) == 0:
		return "", fmt.Errorf("ask %s: %w", server, err)
	case len(reply) == 0:
		return "", fmt.Errorf("ask %s: %w", server, errNoAnswer)
	}
	return string(reply), nil
}

// askMember asks one server. srvr is answered by every server; what the others
// tell comes on top.
func askMember(ctx context.Context, t target, within time.Duration) memberStatus {
	m := memberStatus{ID: t.id, Address: t.address, Lag: -1, Problems: []string{}, Notes: []string{}}
	text, err := word(ctx, t.address, "srvr", within)
	if err != nil {
		m.problem("unreachable: %v", err)
		return m
	}
	m.Reachable = true
	m.readServer(text)
	report, refused := "", false
	if report, err = word(ctx, t.address, "memb", within); err == nil {
		refused = isRefusal(report)
		if !refused && m.readReport(report) {
			return m
		}
	}
	m.askOthers(ctx, within)
	if refused {
		m.Notes = append(m.Notes, "the reasons are not shown: add memb to 4lw.commands.whitelist")
	}
	if !m.Serving {
		m.problem("does not serve")
	}
	return m
}

// isRefusal tells whether a word is not in the whitelist.
func isRefusal(text string) bool { return strings.Contains(text, "is not in the whitelist") }

// readServer takes the answer to srvr.
func (m *memberStatus) readServer(text string) {
	f := fields(text, ": ")
	m.Role, m.Zxid = f["Mode"], f["Zxid"]
	m.Serving = m.Role != ""
	m.Version, _, _ = strings.Cut(f["Zookeeper version"], ",")
	m.Connections, _ = strconv.Atoi(f["Connections"])
	m.takeZxid()
}

func (m *memberStatus) takeZxid() {
	if z, err := strconv.ParseUint(strings.TrimPrefix(m.Zxid, "0x"), 16, 64); err == nil {
		m.zxid = int64(z)
	}
}

// readReport takes the answer to memb; false when it is something else.
func (m *memberStatus) readReport(text string) bool {
	var r admin.Report
	if json.Unmarshal([]byte(text), &r) != nil {
		return false
	}
	m.Serving, m.Role, m.Zxid, m.Connections = r.Serving, string(r.Mode), r.Zxid, r.Connections
	m.takeZxid()
	m.Version, _, _ = strings.Cut(r.Version, ",")
	m.Version = "coord " + r.ProductVersion + " (" + strings.SplitN(m.Version, "-", 2)[0] + ")"
	m.Problems = append(m.Problems, r.Problems...)
	if r.Disk.Syncs > 0 {
		m.FsyncMillis = &r.Disk.P99Millis
	}
	if p := r.Member; p != nil {
		m.ID, m.State, m.Leader, m.Epoch = p.ID, p.PeerState, p.Leader, p.Epoch
		m.servers, m.learners = p.Configured, p.Learners
	}
	return true
}

// askOthers asks what ZooKeeper's own words tell.
func (m *memberStatus) askOthers(ctx context.Context, within time.Duration) {
	var unanswered []string
	ask := func(w string) map[string]string {
		text, err := word(ctx, m.Address, w, within)
		if err != nil || isRefusal(text) {
			unanswered = append(unanswered, w)
			return nil
		}
		if w == "conf" {
			m.readList(text)
			return fields(text, "=")
		}
		return fields(text, "\t")
	}
	if !m.Serving {
		return // neither is answered then
	}
	monitor := ask("mntr")
	m.State = monitor["zk_peer_state"]
	if count := monitor["zk_cnt_fsynctime"]; count != "" && count != "0" {
		if mean, err := strconv.ParseFloat(monitor["zk_avg_fsynctime"], 64); err == nil {
			m.FsyncMillis = &mean
		}
	}
	if n := monitor["zk_digest_mismatches_count"]; n != "" && n != "0" {
		m.problem("%s digests of its data do not match those of the log", n)
	}
	if id, err := strconv.ParseInt(ask("conf")["serverId"], 10, 64); err == nil && id != 0 {
		m.ID = id
	}
	if m.Role != string(admin.ModeStandalone) {
		m.Epoch = m.zxid >> 32
	}
	if len(unanswered) > 0 {
		m.Notes = append(m.Notes, "not all is shown: add "+strings.Join(unanswered, " and ")+" to 4lw.commands.whitelist")
	}
}

// readList takes the list of servers at the end of conf.
func (m *memberStatus) readList(text string) {
	if _, list, found := strings.Cut(text, "membership: \n"); found {
		m.servers = strings.TrimSpace(list)
	}
}

// fields takes lines of a name and a value apart.
func fields(text, separator string) map[string]string {
	found := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), separator); ok {
			found[name] = value
		}
	}
	return found
}
