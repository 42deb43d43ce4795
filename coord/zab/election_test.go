package zab

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"kafkacoord/coord/wire"
)

// The files in testdata/election are runs of some elections. Their commands:
//
//	servers [bootstrap]   the list, a server a line: ID [observer] [weight=N]
//	                      [group=N] [zxid=HEX] [epoch=N] [missing]; of the last,
//	                      an own list: own=ID,ID,… and an agreed one: agreed=ID,ID,…
//	start ID…             begins elections; a server that is down comes up
//	stop ID…
//	connect A B…          A reaches the others and they it; disconnect likewise
//	deliver [from=N] [to=N]   what is under way, in order, until nothing more is;
//	                      with from or to: those messages, once
//	drop [from=N] [to=N]
//	advance MS            lets time pass
//	wake                  lets time pass until a server wants to be called
//	notify to=N from=N state=S leader=N zxid=HEX round=N epoch=N [version=N] [repeat=N]
//	                      [config=same|broken|other]
//	established ID epoch=N
//	flight                what is under way
//	outcome               what each server has decided
//
// Commands answer with what the servers tell the operator.
func TestElection(t *testing.T) {
	datadriven.Walk(t, "testdata/election", func(t *testing.T, file string) {
		n := newElectorate()
		datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "servers" {
				n = newElectorate()
				addServers(t, n, d)
				return ""
			}
			if text, ok := show(n, d); ok {
				return text
			}
			runElection(t, n, d)
			text := strings.Join(n.events, "\n")
			n.events = nil
			return text
		})
	})
}

func addServers(t *testing.T, n *electorate, d *datadriven.TestData) {
	var list []Member
	groups := make(map[int64][]wire.PeerID)
	var configs []Config
	var logs []vote
	for line := range strings.Lines(d.Input) {
		fields := strings.Fields(line)
		member := Member{ID: wire.PeerID(decimal(t, fields[0])), Weight: 1}
		config := Config{Self: member.ID, Bootstrap: d.HasArg("bootstrap")}
		var log vote
		missing := false
		for _, field := range fields[1:] {
			key, value, _ := strings.Cut(field, "=")
			switch key {
			case "observer":
				member.Observer = true
			case "missing":
				missing = true
			case "weight":
				member.Weight = decimal(t, value)
			case "group":
				group := decimal(t, value)
				groups[group] = append(groups[group], member.ID)
			case "zxid":
				log.zxid = hex(t, value)
			case "epoch":
				log.epoch = decimal(t, value)
			case "own":
				config.Members = voters(t, peers(t, value)...)
			case "agreed":
				agreed := voters(t, peers(t, value)...)
				config.Committed = &agreed
			default:
				t.Fatalf("unknown field %q", field)
			}
		}
		if !missing {
			list = append(list, member)
		}
		configs, logs = append(configs, config), append(logs, log)
	}
	common := members(t, list, groups, 0)
	for i, config := range configs {
		if config.Members.Servers == nil {
			config.Members = common
		}
		n.add(config, logs[i].zxid, logs[i].epoch)
	}
}

func runElection(t *testing.T, n *electorate, d *datadriven.TestData) {
	var ids []wire.PeerID
	for _, arg := range d.CmdArgs {
		if len(arg.Vals) == 0 {
			ids = append(ids, wire.PeerID(decimal(t, arg.Key)))
		}
	}
	switch d.Cmd {
	case "start":
		for _, id := range ids {
			n.start(id)
		}
	case "stop":
		for _, id := range ids {
			n.stop(id)
		}
	case "connect", "disconnect":
		for _, id := range ids[1:] {
			n.connect(ids[0], id, d.Cmd == "connect")
		}
	case "deliver":
		if len(d.CmdArgs) == 0 {
			n.settle(t)
		}
		for _, v := range take(t, n, d) {
			n.deliver(v)
		}
	case "drop":
		take(t, n, d)
	case "advance":
		n.advance(wire.Millis(ids[0]))
	case "wake":
		if !n.wake() {
			n.events = append(n.events, "nobody wants to be called")
		}
	case "notify":
		notify(t, n, d)
	case "established":
		n.servers[ids[0]].established(argument(t, d, "epoch"))
	default:
		d.Fatalf(t, "unknown command")
	}
}

// take removes the messages that the arguments from and to choose.
func take(t *testing.T, n *electorate, d *datadriven.TestData) (chosen []envelope) {
	var from, to int
	d.MaybeScanArgs(t, "from", &from)
	d.MaybeScanArgs(t, "to", &to)
	var rest []envelope
	for _, v := range n.flight {
		if (from == 0 || v.from == wire.PeerID(from)) && (to == 0 || v.To == wire.PeerID(to)) {
			chosen = append(chosen, v)
		} else {
			rest = append(rest, v)
		}
	}
	n.flight = rest
	return chosen
}

func notify(t *testing.T, n *electorate, d *datadriven.TestData) {
	to := wire.PeerID(argument(t, d, "to"))
	m := wire.Notification{
		Leader: wire.PeerID(argument(t, d, "leader")), Round: argument(t, d, "round"),
		PeerEpoch: argument(t, d, "epoch"), Version: wire.NotificationVersion,
	}
	repeat := int64(1)
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "state":
			m.State = map[string]wire.PeerState{
				"looking": wire.PeerLooking, "following": wire.PeerFollowing, "leading": wire.PeerLeading, "observing": wire.PeerObserving,
			}[arg.Vals[0]]
		case "zxid":
			m.Zxid = hex(t, arg.Vals[0])
		case "version":
			m.Version = int32(decimal(t, arg.Vals[0]))
		case "repeat":
			repeat = decimal(t, arg.Vals[0])
		case "config":
			own := n.servers[to].config.Members
			lines := strings.Split(own.Text, "\n")
			m.Config = map[string]string{
				"same":   strings.Join(lines[1:], "\n") + "\n" + lines[0],
				"broken": "server.1=", "other": strings.Join(lines[1:], "\n"),
			}[arg.Vals[0]]
		}
	}
	from := wire.PeerID(argument(t, d, "from"))
	for range repeat {
		n.deliver(envelope{from, Ballot{To: to, Notification: m}})
	}
}

// show runs the commands that only look.
func show(n *electorate, d *datadriven.TestData) (string, bool) {
	var b strings.Builder
	switch d.Cmd {
	case "flight":
		for _, v := range n.flight {
			fmt.Fprintln(&b, v)
		}
	case "outcome":
		for _, id := range n.ids() {
			s := n.servers[id]
			if !s.up {
				fmt.Fprintf(&b, "%d down\n", id)
			} else if v, state, ok := s.decided(); ok {
				fmt.Fprintf(&b, "%d %v leader=%d zxid=%v round=%d epoch=%d\n", id, state, v.leader, v.zxid, v.round, v.epoch)
			} else {
				fmt.Fprintf(&b, "%d LOOKING round=%d wake=%d\n", id, s.clock, s.nextWake()-n.now)
			}
		}
	default:
		return "", false
	}
	return b.String(), true
}

func argument(t *testing.T, d *datadriven.TestData, key string) int64 {
	for _, arg := range d.CmdArgs {
		if arg.Key == key {
			return decimal(t, arg.Vals[0])
		}
	}
	d.Fatalf(t, "no argument %s", key)
	return 0
}

func decimal(t *testing.T, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func hex(t *testing.T, text string) wire.Zxid {
	n, err := strconv.ParseInt(text, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return wire.Zxid(n)
}

func peers(t *testing.T, text string) (ids []wire.PeerID) {
	for field := range strings.SplitSeq(text, ",") {
		ids = append(ids, wire.PeerID(decimal(t, field)))
	}
	return ids
}
