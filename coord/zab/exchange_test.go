package zab

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"kafkacoord/coord/wire"
)

// TestExchange plays the other side of one node by hand. Each command shows all
// that the node does in answer. Transactions are written as epoch:counter.
//
//	node id=1 [voters=3] [observer] [log=1:1..1:5,2:1] [accepted=2] [current=2] [option ...]
//	elect leader=2            the other voters vote for that server
//	up link=7 [peer=2], down link=7
//	packet link=7             one packet a line: NAME zxid [data]
//	durable [z], done         the disk: entries up to z, all orders but appends
//	tick ms=100, propose, confirm, sync link=7, history link=7 [entries] [failed]
func TestExchange(t *testing.T) {
	datadriven.Walk(t, "testdata/exchange", func(t *testing.T, path string) {
		var x exchange
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			x.out.Reset()
			x.run(t, d)
			return x.show()
		})
	})
}

// exchange is a node under test.
type exchange struct {
	node   *Node
	now    wire.Millis
	out    Output
	orders int // that are not answered
}

func (x *exchange) run(t *testing.T, d *datadriven.TestData) {
	n, out := x.node, &x.out
	switch d.Cmd {
	case "node":
		x.create(t, d)
	case "elect":
		x.elect(t, d)
	case "up":
		n.LinkUp(link(t, d), wire.PeerID(number(t, d, "peer")), out)
	case "down":
		n.LinkDown(link(t, d), out)
	case "packet":
		for line := range strings.Lines(d.Input) {
			n.Packet(link(t, d), parsePacket(t, line), out)
		}
	case "durable":
		z := n.history.last
		if len(d.CmdArgs) > 0 {
			z = parseZxid(t, d.CmdArgs[0].Key)
		}
		n.Durable(z, out)
	case "done":
		for ; x.orders > 0; x.orders-- {
			n.DiskDone(out)
		}
	case "tick":
		x.now += wire.Millis(number(t, d, "ms"))
		n.Tick(x.now, out)
		n.Tick(x.now, out) // begins the limits of what the first has started
	case "propose":
		n.Propose(parseEntries(t, strings.TrimSpace(d.Input)), out)
	case "confirm":
		n.Confirm(out)
	case "sync":
		n.Sync(link(t, d), out)
	case "history":
		n.History(link(t, d), parseEntries(t, strings.TrimSpace(d.Input)), !d.HasArg("failed"), out)
	default:
		d.Fatalf(t, "unknown command")
	}
	for _, o := range out.Disk {
		if o.Kind != DiskAppend {
			x.orders++
		}
	}
}

func (x *exchange) create(t *testing.T, d *datadriven.TestData) {
	*x = exchange{now: 1000}
	var servers []Member
	for id := range wire.PeerID(max(number(t, d, "voters"), 3)) {
		servers = append(servers, Member{ID: id + 1})
	}
	servers = append(servers, Member{ID: 9, Observer: true})
	c := Config{
		Self: wire.PeerID(number(t, d, "id")), Members: members(t, servers, nil, 0),
		Tick: 100, InitLimit: 10, SyncLimit: 5, ConnectLimit: 10,
		MinNotification: 200, MaxNotification: 1000, FinalizeWait: 0, Bootstrap: true,
		LogSync: d.HasArg("logsync"), SnapshotSync: d.HasArg("snapsync"), WindowEntries: 100, ObserverSnapshots: 1,
	}
	if d.HasArg("agreed") {
		c.Committed = &c.Members
	}
	s := State{Accepted: int64(number(t, d, "accepted")), Current: int64(number(t, d, "current"))}
	if d.HasArg("log") {
		var text string
		d.ScanArgs(t, "log", &text)
		s.Recent = parseEntries(t, text)
		s.Last = s.Recent[len(s.Recent)-1].Zxid
		if d.HasArg("window") {
			s.Recent = s.Recent[len(s.Recent)-number(t, d, "window"):]
		}
	}
	x.node = New(c, s)
	x.node.Start(x.now, &x.out)
}

// elect lets the other voters follow the leader already, or vote for this server.
func (x *exchange) elect(t *testing.T, d *datadriven.TestData) {
	n := x.node
	leader := wire.PeerID(number(t, d, "leader"))
	own := n.election.proposal
	for _, id := range n.quorums.voters {
		if id == n.config.Self || n.role != Looking {
			continue
		}
		m := wire.Notification{
			State: wire.PeerFollowing, Leader: leader, Zxid: own.zxid, Round: own.round, PeerEpoch: own.epoch,
			Version: wire.NotificationVersion,
		}
		switch {
		case leader == n.config.Self:
			m.State = wire.PeerLooking
		case leader == id:
			m.State = wire.PeerLeading
		}
		n.Notification(id, &m, &x.out)
	}
	n.Tick(x.now, &x.out)
	if n.role == Looking {
		d.Fatalf(t, "there is no leader")
	}
}

// show prints what the node does, but for election messages and what it notes
// about elections.
func (x *exchange) show() string {
	var b strings.Builder
	o := &x.out
	for _, d := range o.Disk {
		fmt.Fprintf(&b, "disk %s\n", showOrder(d))
	}
	if o.Commit != 0 {
		fmt.Fprintf(&b, "commit %s\n", showZxid(o.Commit))
	}
	for _, s := range o.Sends {
		fmt.Fprintf(&b, "send %d %s\n", s.Link, showPacket(&s.Packet))
	}
	if o.Dial != 0 {
		fmt.Fprintf(&b, "dial %d\n", o.Dial)
	}
	for _, l := range o.Close {
		fmt.Fprintf(&b, "close %d\n", l)
	}
	for _, r := range o.ReadLog {
		fmt.Fprintf(&b, "read log for %d after %s through %s\n", r.Link, showZxid(r.After), showZxid(r.Through))
	}
	for _, d := range o.Deliver {
		fmt.Fprintf(&b, "deliver from %d %s\n", d.Peer, showPacket(&d.Packet))
	}
	if o.Confirmed != 0 {
		fmt.Fprintf(&b, "confirmed %d\n", o.Confirmed)
	}
	for _, c := range o.Changes {
		fmt.Fprintf(&b, "%v leader=%d", c.Role, c.Leader)
		if c.Serving {
			fmt.Fprintf(&b, " serving epoch %d", c.Epoch)
		}
		b.WriteByte('\n')
	}
	for _, n := range o.Notes {
		if n.Warn {
			fmt.Fprintf(&b, "%s\n", noteText(n))
		}
	}
	return b.String()
}

func showOrder(o DiskOrder) string {
	switch o.Kind {
	case DiskAppend:
		return "append " + showZxid(o.Entry.Zxid)
	case DiskEpochs:
		return fmt.Sprintf("epochs accepted=%d current=%d", o.Accepted, o.Current)
	case DiskTruncate:
		return "truncate " + showZxid(o.Zxid)
	case DiskInstall:
		return fmt.Sprintf("install %s from %d", showZxid(o.Zxid), o.Link)
	}
	return fmt.Sprintf("membership committed=%t pending=%t", o.Committed != nil, o.Pending != nil)
}

func showZxid(z wire.Zxid) string {
	if z < 0 {
		return fmt.Sprint(int64(z))
	}
	return fmt.Sprintf("%d:%d", z.Epoch(), z.Counter())
}

// showPacket prints data other than transactions and lists of servers in hex.
func showPacket(p *wire.Packet) string {
	text := fmt.Sprintf("%v %s", p.Type, showZxid(p.Zxid))
	switch {
	case p.Data == nil:
		return text
	case p.Type == wire.PacketNewLeader:
		return text + " list of " + fmt.Sprint(strings.Count(string(p.Data), "server."))
	case p.Type == wire.PacketProposal || p.Type == wire.PacketInform:
		return text + " " + string(p.Data)
	}
	return text + fmt.Sprintf(" %x", p.Data)
}

var packetTypes = func() map[string]wire.PacketType {
	types := make(map[string]wire.PacketType)
	for i := wire.PacketRequest; i <= wire.PacketInformAndActivate; i++ {
		types[i.String()] = i
	}
	return types
}()

// parsePacket reads NAME zxid [data]; data that begins with 0x is in hex.
func parsePacket(t *testing.T, line string) *wire.Packet {
	t.Helper()
	fields := strings.Fields(line)
	p := &wire.Packet{Type: packetTypes[fields[0]], Zxid: parseZxid(t, fields[1])}
	if p.Type == 0 {
		t.Fatalf("unknown packet %q", line)
	}
	if len(fields) > 2 {
		p.Data = []byte(fields[2])
		if digits, found := strings.CutPrefix(fields[2], "0x"); found {
			p.Data = []byte{}
			if _, err := fmt.Sscanf(digits, "%x", &p.Data); digits != "" && err != nil {
				t.Fatal(err)
			}
		}
	} else if p.Type == wire.PacketProposal || p.Type == wire.PacketInform {
		p.Data = []byte(fields[1])
	}
	return p
}

func parseZxid(t *testing.T, text string) wire.Zxid {
	t.Helper()
	if text == "-1" {
		return -1
	}
	var epoch, counter int64
	if _, err := fmt.Sscanf(text, "%d:%d", &epoch, &counter); err != nil {
		t.Fatalf("zxid %q: %v", text, err)
	}
	return epochZxid(epoch) + wire.Zxid(counter)
}

// parseEntries reads transactions: 1:1..1:3,2:1.
func parseEntries(t *testing.T, text string) []Entry {
	t.Helper()
	var entries []Entry
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, found := strings.Cut(part, "..")
		if !found {
			last = first
		}
		for z := parseZxid(t, first); z <= parseZxid(t, last); z++ {
			entries = append(entries, Entry{z, []byte(showZxid(z))})
		}
	}
	return entries
}

func number(t *testing.T, d *datadriven.TestData, name string) int {
	t.Helper()
	var value int
	if d.HasArg(name) {
		d.ScanArgs(t, name, &value)
	}
	return value
}

func link(t *testing.T, d *datadriven.TestData) LinkID {
	t.Helper()
	return LinkID(number(t, d, "link"))
}
