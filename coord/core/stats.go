package core

import "kafkacoord/coord/wire"

// Stats counts what a server did. All of it belongs to the core's owner, who
// may read it between steps. Counts only grow but for Connections and what
// ResetStats sets back.
type Stats struct {
	Connections     int
	ConnectRequests int64
	Reattached      int64
	BadPasswords    int64
	AuthFailed      int64
	Expired         int64
	Reaped          int64

	Received, Sent int64 // packets
	BytesReceived  int64
	Forwarded      int64 // writes given to the leader
	ResponseBytes  int64
	Events         int64
	EventBytes     int64
	Proposals      int64
	Commits        int64

	Malformed  int64
	UnknownOps int64
	Throttled  int64 // times that reading from a connection was paused

	Read, Update, All Latency

	LastResponse, MinResponse, MaxResponse int // bytes; -1 before the first
	LastProposal, MinProposal, MaxProposal int // the same, of a leader
}

// Latency sums the times in ms from a request's arrival to its answer.
type Latency struct {
	Count, Sum, Min, Max int64
	// New holds the samples since TakeLatencies, for histograms.
	New []wire.Millis
	// Zero counts those among them that took less than a millisecond and are
	// not in New.
	Zero int64
}

func (l *Latency) add(took wire.Millis) {
	if l.Count == 0 || int64(took) < l.Min {
		l.Min = int64(took)
	}
	l.Count++
	l.Sum += int64(took)
	l.Max = max(l.Max, int64(took))
}

// latencyNewMax bounds the samples kept between two calls of TakeLatencies.
const latencyNewMax = 1 << 14

func (s *Stats) latency(class *Latency, took wire.Millis) {
	class.add(took)
	s.All.add(took)
	if took == 0 {
		class.Zero++
	} else if len(class.New) < latencyNewMax {
		class.New = append(class.New, took)
	}
}

func (s *Stats) response(n int) {
	s.ResponseBytes += int64(n)
	s.LastResponse = n
	s.MaxResponse = max(s.MaxResponse, n)
	if s.MinResponse < 0 || n < s.MinResponse {
		s.MinResponse = n
	}
}

func (s *Stats) proposalSize(n int) {
	s.LastProposal = n
	s.MaxProposal = max(s.MaxProposal, n)
	if s.MinProposal < 0 || n < s.MinProposal {
		s.MinProposal = n
	}
}

// resetProposals forgets the sizes of an earlier term.
func (s *Stats) resetProposals() { s.LastProposal, s.MinProposal, s.MaxProposal = -1, -1, -1 }

// reset sets back what the four-letter word srst sets back.
func (s *Stats) reset() {
	s.Received, s.Sent = 0, 0
	s.All = Latency{}
	s.LastResponse, s.MinResponse, s.MaxResponse = -1, -1, -1
	s.resetProposals()
}

// ConnStats counts what one connection did; the four-letter word cons prints
// it. Times are in ms.
type ConnStats struct {
	Established            wire.Millis // wall clock
	Received, Sent         int64
	LastOp                 wire.Op
	HasOp                  bool
	LastCxid               int32 // -1: none
	LastZxid               wire.Zxid
	LastResponse           wire.Millis // monotonic clock
	LastLatency            int64
	MinLatency, MaxLatency int64
	count, sum             int64
}

func (s *ConnStats) start(now wire.Millis) {
	*s = ConnStats{Established: now, LastCxid: -1, LastZxid: -1}
}

func (s *ConnStats) received(xid int32, op wire.Op) {
	s.Received++
	s.LastOp, s.HasOp = op, true
	if xid >= 0 {
		s.LastCxid = xid
	}
}

func (s *ConnStats) established(op wire.Op) { s.LastOp, s.HasOp = op, true }

func (s *ConnStats) answered(zxid wire.Zxid, mono, took wire.Millis) {
	s.LastZxid, s.LastResponse = zxid, mono
	s.LastLatency = int64(took)
	if s.count == 0 || s.LastLatency < s.MinLatency {
		s.MinLatency = s.LastLatency
	}
	s.MaxLatency = max(s.MaxLatency, s.LastLatency)
	s.count++
	s.sum += s.LastLatency
}

// AverageLatency is the mean time to an answer in whole ms.
func (s *ConnStats) AverageLatency() int64 {
	if s.count == 0 {
		return 0
	}
	return s.sum / s.count
}
