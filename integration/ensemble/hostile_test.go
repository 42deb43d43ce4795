package ensemble_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/coordproc"
	"kafkacoord/integration/ensemble"
	"kafkacoord/integration/process"
	"kafkacoord/integration/server"
)

// attackInterval spaces the repetitions of an attack. The log has a line for each
// kind of refusal every five seconds only, so one that comes too soon after its
// like is repeated until it is named.
const attackInterval = 200 * time.Millisecond

// holdInterval is the same for attacks that wait: longer than members wait for
// a word of a server, or for it to read.
const holdInterval = 5 * time.Second

// attackPatience is how long an attack may go unnamed.
const attackPatience = 30 * time.Second

// stranger is a number that no member has, nor the one after it.
const stranger wire.PeerID = 77

// attack is something that reaches a port for the other members and should not.
type attack struct {
	name string
	// learnerPort: it is for the leader's quorum port, else for the election port
	// of every member.
	learnerPort bool
	act         func(a *attacker)
	// named is the line of the log that tells of it.
	named string
}

// attacker is one connection of an attack.
type attacker struct {
	net.Conn
	target *ensemble.Member
	hold   bool // the connection stays open until the test ends
}

// says sends bytes. That the member has closed the connection already is no error:
// the log is what counts.
func (a *attacker) says(b []byte) { _, _ = a.Write(b) }

func bytesOf(text string) func(*attacker) {
	return func(a *attacker) { a.says([]byte(text)) }
}

func (a *attacker) saysHello() {
	_ = a.SetDeadline(time.Now().Add(attackInterval))
	_ = tls.Client(a.Conn, &tls.Config{InsecureSkipVerify: true}).Handshake()
}

func garbage(a *attacker) {
	b := make([]byte, 4096)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	b[0] = 0x7b // neither a handshake nor a packet begins so
	a.says(b)
}

// handshake introduces a server on an election port.
func handshake(id wire.PeerID) []byte {
	return wire.AppendElectionHandshake(nil, &wire.ElectionHandshake{
		Version: wire.HandshakeOneAddress, Server: id, Addresses: []string{"127.0.0.1:1"},
	})
}

func framed(payload []byte) []byte {
	return append(wire.AppendInt(nil, int32(len(payload))), payload...)
}

// hello introduces a learner on a quorum port.
func hello(id wire.PeerID) []byte {
	info := wire.LearnerInfo{Server: id, ProtocolVersion: wire.LearnerProtocol}
	return wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketFollowerInfo, Data: wire.AppendLearnerInfo(nil, &info)})
}

var attacks = []attack{
	{"HTTP at the election port", false, bytesOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), `closing election connection: .*looks_like=HTTP `},
	{"TLS at the election port", false, (*attacker).saysHello, `closing election connection: .*looks_like="a TLS hello`},
	{"garbage at the election port", false, garbage, `closing election connection: this is no handshake of a server.*looks_like="nothing known"`},
	{"silence at the election port", false, func(a *attacker) { a.hold = true }, `closing election connection: it did not say who it is in time`},
	{"a probe of the election port", false, func(*attacker) {}, `closing election connection: it sent nothing and went`},
	{"half a handshake", false, func(a *attacker) { a.says(handshake(stranger)[:15]) }, `it ended before it had said who it is`},
	{"the member's own number", false, func(a *attacker) { a.says(handshake(wire.PeerID(a.target.ID))) }, `does another server have the same myid`},
	{"a ballot of a stranger", false, func(a *attacker) {
		a.says(append(handshake(stranger), framed(wire.AppendNotification(nil, &wire.Notification{
			State: wire.PeerLooking, Leader: stranger, Zxid: math.MaxInt64, Round: math.MaxInt64, PeerEpoch: math.MaxInt32,
		}))...))
	}, `a message with a round that no election reaches is ignored.*from=77`},
	{"a frame of 2 GiB", false, func(a *attacker) { a.says(append(handshake(stranger), 0x7f, 0xff, 0xff, 0xff)) }, `server=77.*(frame|length|long|bytes)`},
	{"a broken ballot", false, func(a *attacker) { a.says(append(handshake(stranger), framed([]byte{1, 2, 3})...)) }, `server=77|from=77`},
	{"a ballot flood that reads nothing", false, func(a *attacker) {
		a.says(handshake(stranger + 1))
		ballot := framed(wire.AppendNotification(nil, &wire.Notification{State: wire.PeerLooking, Leader: stranger, Round: 1}))
		a.says(bytes.Repeat(ballot, 20_000))
	}, `a server that is not in the list looks for a leader.*from=78`},
	{"a negative number", false, func(a *attacker) { a.says(handshake(-5)) }, `closing election connection: this is no handshake of a server`},

	{"HTTP at the quorum port", true, bytesOf("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), `closing link: this is no learner.*looks_like=HTTP `},
	{"TLS at the quorum port", true, (*attacker).saysHello, `closing link: this is no learner.*looks_like="a TLS hello`},
	{"garbage at the quorum port", true, garbage, `closing link: this is no learner.*looks_like="nothing known"`},
	{"silence at the quorum port", true, func(a *attacker) { a.hold = true }, `closing link: it did not say who it is in time`},
	{"a probe of the quorum port", true, func(*attacker) {}, `closing link: it sent nothing and went`},
	{"half a packet", true, func(a *attacker) { a.says(hello(stranger)[:12]) }, `closing link: its first packet`},
	{"an introduction of 2 GiB", true, func(a *attacker) {
		packet := hello(stranger)
		copy(packet[12:], []byte{0x7f, 0xff, 0xff, 0xff})
		a.says(packet)
	}, `closing link: its first packet`},
	{"an introduction without sense", true, func(a *attacker) {
		a.says(wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketFollowerInfo, Data: []byte{1}}))
	}, `closing link: its first packet makes no sense`},
	{"the leader's own number", true, func(a *attacker) { a.says(hello(wire.PeerID(a.target.ID))) }, `it has no id of its own; check its myid file`},
	{"a member with an epoch of its own invention", true, func(a *attacker) {
		info := wire.LearnerInfo{Server: wire.PeerID(a.target.ID%3 + 1), ProtocolVersion: wire.LearnerProtocol}
		a.says(wire.AppendPacket(nil, &wire.Packet{
			Type: wire.PacketFollowerInfo, Zxid: (math.MaxInt32 - 1) << 32, Data: wire.AppendLearnerInfo(nil, &info),
		}))
	}, `the link of a learner is closed.*its accepted epoch is out of range`},
	{"a packet out of turn", true, func(a *attacker) {
		a.says(append(hello(stranger), wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketRequest, Data: []byte("x")})...))
		a.hold = true
	}, `learner=77 .*out of turn`},
	{"a packet of 2 GiB", true, func(a *attacker) {
		packet := wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketAckEpoch, Data: wire.AppendAckEpoch(nil, 0)})
		copy(packet[12:], []byte{0x7f, 0xff, 0xff, 0xff})
		a.says(append(hello(stranger), packet...))
		a.hold = true
	}, `closing link.*server=77`},
	{"a learner that reads nothing", true, func(a *attacker) {
		ack := wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketAckEpoch, Data: wire.AppendAckEpoch(nil, wire.EpochAccepted)})
		a.says(append(hello(stranger), ack...))
		a.hold = true
	}, `learner=77 .*it was silent for too long`},
}

// TestHostilePeers lets all kinds of nonsense reach the ports that members have
// for each other, under load: writes go on, and the log names what came.
func TestHostilePeers(t *testing.T) {
	s := startTight(t)
	w := s.load(3, 2*time.Millisecond)
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			s := s.within(t)
			targets := s.Members
			if a.learnerPort {
				targets = []*ensemble.Member{s.leader()}
			}
			for _, m := range targets {
				s.attack(&a, m)
			}
			s.awaitWrites(w, 20)
		})
	}
	s.endLoad(w)
	s.equal()
}

// startTight starts three coord members that lose patience soon.
func startTight(t *testing.T) *scenario {
	t.Helper()
	kinds := []ensemble.Kind{ensemble.Coord, ensemble.Coord, ensemble.Coord}
	e := ensemble.StartTest(t, ensemble.Options{Kinds: kinds, Config: []string{"initLimit=4", "syncLimit=2"}})
	return &scenario{t: t, ctx: t.Context(), Ensemble: e}
}

// attack repeats an attack until the member's log names it.
func (s *scenario) attack(a *attack, m *ensemble.Member) {
	s.t.Helper()
	mark, address := m.Mark(), m.ElectionAddress()
	if a.learnerPort {
		address = m.QuorumAddress()
	}
	var next time.Time
	ctx, cancel := context.WithTimeout(s.ctx, attackPatience)
	defer cancel()
	err := ensemble.Await(ctx, fmt.Sprintf("member %v names %s", m, a.name), func() error {
		if time.Now().After(next) {
			next = time.Now().Add(attackInterval)
			c, err := net.Dial("tcp", address)
			if err != nil {
				return err
			}
			one := &attacker{Conn: c, target: m}
			_ = c.SetWriteDeadline(time.Now().Add(attackInterval))
			a.act(one)
			if one.hold {
				next = time.Now().Add(holdInterval)
				s.t.Cleanup(func() { _ = c.Close() })
			} else {
				_ = c.Close()
			}
		}
		return m.Logged(mark, a.named)
	})
	s.must(err)
}

// TestUninvitedServers starts real servers that do not belong into an ensemble
// beside it: a second one with a member's number, and one of another ensemble.
func TestUninvitedServers(t *testing.T) {
	s := startTight(t)
	w := s.load(3, 2*time.Millisecond)
	foreign, err := ensemble.New(s.ctx, ensemble.Options{Dir: t.TempDir(), Kinds: []ensemble.Kind{ensemble.Coord, ensemble.Coord}})
	s.must(err)
	line := func(id int, m *ensemble.Member) string {
		return fmt.Sprintf("server.%d=%s:%s", id, m.QuorumAddress(), m.ElectionAddress()[strings.LastIndexByte(m.ElectionAddress(), ':')+1:])
	}
	for _, c := range []struct {
		name  string
		id    int
		lines []string
		named string
	}{
		{"a second member 3", 3, []string{line(1, s.Member(1)), line(2, s.Member(2)), line(3, foreign.Member(1))}, `a server has another list of servers.*from=3`},
		{"a server of another ensemble", 2, []string{line(1, s.Member(1)), line(2, foreign.Member(1)), line(3, foreign.Member(2))}, `a server has another list of servers.*from=2`},
		{"a server that is not in the list", 9, []string{line(1, s.Member(1)), line(2, s.Member(2)), line(3, s.Member(3)), line(9, foreign.Member(1))}, `a (server|learner) that is .*(from|learner)=9`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.within(t)
			marks := s.marks()
			uninvited := s.uninvited(c.id, c.lines)
			s.eventually("a member names it", func() error {
				return s.loggedBySome(marks, c.named)
			})
			s.awaitWrites(w, 300)
			s.must(uninvited.Kill())
			s.leader()
			s.awaitWrites(w, 50)
		})
	}
	s.endLoad(w)
	s.equal()
}

// uninvited starts a coord server that has the given lines, and its own data.
func (s *scenario) uninvited(id int, lines []string) *server.Server {
	s.t.Helper()
	port, err := process.FreePort()
	s.must(err)
	one, err := coordproc.New(s.ctx, coordproc.Options{
		Port: port, DataDir: filepath.Join(s.t.TempDir(), "uninvited"),
		Config: append([]string{"tickTime=1000", "initLimit=4", "syncLimit=2"}, lines...),
	})
	s.must(err)
	one.EndWith(s.t)
	s.must(ensemble.WriteID(one.DataDir(), id))
	s.must(one.Launch(s.ctx))
	return one
}

// TestPeerThatStopsReading pauses members with SIGSTOP: what is sent to them piles
// up. With a paused follower writes go on, with a paused leader they do as soon as
// there is another, and the paused one comes back without a fault.
func TestPeerThatStopsReading(t *testing.T) {
	s := startTight(t)
	w := s.load(3, 2*time.Millisecond)
	leader := s.leader()
	for _, paused := range []*ensemble.Member{s.Others(leader)[0], leader} {
		marks := s.marks()
		s.must(paused.Pause())
		s.awaitWrites(w, 100)
		big := make([]byte, 900_000)
		c, err := client.Dial(s.ctx, client.Config{Servers: addresses(s.Others(paused)), SessionTimeout: longSession})
		s.must(err)
		s.create(c, fmt.Sprint("/big-", paused.ID))
		for range 30 {
			_, err := c.Set(s.ctx, fmt.Sprint("/big-", paused.ID), big, client.AnyVersion)
			for errors.Is(err, client.ErrConnectionLoss) {
				_, err = c.Set(s.ctx, fmt.Sprint("/big-", paused.ID), big, client.AnyVersion)
			}
			s.must(err)
		}
		s.must(c.Close())
		what := fmt.Sprintf(`the link of a learner is closed" learner=%d `, paused.ID)
		if paused == leader {
			what = fmt.Sprintf(`this server leaves its leader" leader=%d `, paused.ID)
		}
		s.eventually("the others let it go", func() error { return s.loggedBySome(marks, what) })
		s.must(paused.Continue())
		s.leader()
		s.awaitWrites(w, 50)
	}
	s.endLoad(w)
	s.equal()
}

func addresses(members []*ensemble.Member) []string {
	var all []string
	for _, m := range members {
		all = append(all, m.Connect())
	}
	return all
}

// marks are the present ends of the members' logs.
func (s *scenario) marks() []ensemble.Mark {
	var marks []ensemble.Mark
	for _, m := range s.Members {
		marks = append(marks, m.Mark())
	}
	return marks
}

// loggedBySome returns nil when a member has logged a matching line.
func (s *scenario) loggedBySome(marks []ensemble.Mark, expression string) error {
	var err error
	for i, m := range s.Members {
		if err = m.Logged(marks[i], expression); err == nil {
			return nil
		}
	}
	return err
}
