package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"kafkacoord/coord/admin"
)

// ensembleStatus is all that status shows.
type ensembleStatus struct {
	Members []memberStatus `json:"members"`
	// Problems are those that no single member can tell.
	Problems []string `json:"problems"`
}

// judge fills in what follows from all answers together.
func (s *ensembleStatus) judge() {
	s.Problems = []string{}
	var leaders []*memberStatus
	members := 0
	for i := range s.Members {
		m := &s.Members[i]
		if m.Role == string(admin.ModeLeader) {
			leaders = append(leaders, m)
		}
		if m.Role != string(admin.ModeStandalone) {
			members++
		}
	}
	s.compareLists()
	switch {
	case len(leaders) == 1:
		s.measure(leaders[0])
	case len(leaders) > 1:
		var names []string
		for _, m := range leaders {
			names = append(names, m.name())
		}
		s.Problems = append(s.Problems, "several servers say that they lead: "+strings.Join(names, ", ")+
			"; unless one has only just been replaced, they are not of one ensemble")
	case members > 1:
		s.Problems = append(s.Problems, "no server that was asked leads")
	}
}

// measure says how far the members are behind the leader: by its own word, or by
// their last transactions.
func (s *ensembleStatus) measure(leader *memberStatus) {
	leader.Lag = 0
	for i := range s.Members {
		m := &s.Members[i]
		if m == leader || !m.Serving || m.Role == string(admin.ModeStandalone) {
			continue
		}
		if at := slices.IndexFunc(leader.learners, func(l admin.LearnerStatus) bool { return l.ID == m.ID }); at >= 0 && leader.learners[at].Lag >= 0 {
			m.Lag = leader.learners[at].Lag
		} else if m.zxid>>32 == leader.zxid>>32 {
			m.Lag = max(leader.zxid-m.zxid, 0)
		}
		if leader.Epoch != 0 && m.Epoch != 0 && m.Epoch < leader.Epoch && m.Leader != 0 && m.Leader != leader.ID {
			m.problem("follows server.%d in epoch %d, while %s leads in epoch %d", m.Leader, m.Epoch, leader.name(), leader.Epoch)
		}
	}
}

// compareLists tells when members have different lists of servers.
func (s *ensembleStatus) compareLists() {
	var first *memberStatus
	for i := range s.Members {
		m := &s.Members[i]
		switch {
		case m.servers == "":
		case first == nil:
			first = m
		case !sameServers(m.servers, first.servers):
			s.Problems = append(s.Problems, fmt.Sprintf("%s and %s have different lists of servers: make the server lines of all configurations equal",
				first.name(), m.name()))
		}
	}
}

// sameServers compares lists without the client ports: each member may have them
// in its own line only, or nowhere.
func sameServers(a, b string) bool {
	strip := func(list string) string {
		lines := strings.Split(list, "\n")
		for i, line := range lines {
			lines[i], _, _ = strings.Cut(strings.TrimSpace(line), ";")
		}
		slices.Sort(lines)
		return strings.TrimSpace(strings.Join(lines, "\n"))
	}
	return strip(a) == strip(b)
}

// print writes the table for people.
func (s *ensembleStatus) print(out io.Writer) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "SERVER\tADDRESS\tROLE\tEPOCH\tZXID\tLAG\tCONNECTIONS\tFSYNC\tVERSION")
	for i := range s.Members {
		m := &s.Members[i]
		name := "-"
		if m.ID != 0 {
			name = strconv.FormatInt(m.ID, 10)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, m.Address, m.roleText(), known(m.Epoch, m.Epoch > 0),
			orDash(m.Zxid), known(m.Lag, m.Lag >= 0), known(int64(m.Connections), m.Reachable), m.fsyncText(), orDash(m.Version))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, problem := range s.Problems {
		fmt.Fprintf(&text, "! %s\n", problem)
	}
	for i := range s.Members {
		m := &s.Members[i]
		for _, problem := range m.Problems {
			fmt.Fprintf(&text, "! %s: %s\n", m.name(), problem)
		}
		for _, note := range m.Notes {
			fmt.Fprintf(&text, "  %s: %s\n", m.name(), note)
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func (m *memberStatus) roleText() string {
	switch {
	case !m.Reachable:
		return "unreachable"
	case m.Serving:
		return m.Role
	case m.State != "":
		return m.State
	}
	return "not serving"
}

func (m *memberStatus) fsyncText() string {
	if m.FsyncMillis == nil {
		return "-"
	}
	return strconv.FormatFloat(*m.FsyncMillis, 'f', 1, 64) + " ms"
}

func known(n int64, is bool) string {
	if !is {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
