package certify_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"kafkacoord/compat/certify"
	"kafkacoord/coord/wire"
)

// outcomes says at which step each script fails, "" when it works all the same.
type outcomes map[string]string

// A server that does one thing wrong fails the scripts that need it, at the
// step that needs it, and no others of those played.
func TestBrokenServersFail(t *testing.T) {
	server := startCoord(t)
	failing := make(map[string]bool)
	for _, c := range []struct {
		name   string
		broken breakage
		want   outcomes
		// patience is the step timeout where a script waits for what never comes.
		patience time.Duration
	}{
		{"replies in the wrong order", breakage{reply: swapReads}, outcomes{
			"controller-reload": "read all states with ten requests in flight",
			"watch-semantics":   "",
		}, 0},
		{"drops the events of creations", breakage{event: dropCreations}, outcomes{
			"controller-election":       "hear of the winner",
			"controller-election-plain": "hear of the winner",
			"session-reconnect":         "hear of all that was missed when they are",
			"watch-semantics":           "hear of the creation of a znode that exists did not find",
			"config-changes":            "",
		}, waitInVain},
		{"sends events after the reply", breakage{event: holdEvent, reply: thenEvents}, outcomes{
			"watch-semantics":     "hear of the own write before its reply",
			"broker-registration": "",
		}, 0},
		{"fires watches twice", breakage{event: fireTwice}, outcomes{
			"watch-semantics": "hear of the own write before its reply",
			"watch-storm":     "hear of every change once, in the order of the changes",
			"session-close":   "hear of each, of all in one transaction",
			"broker-start":    "",
		}, 0},
		{"forgets to set watches again", breakage{request: swallow(wire.OpSetWatches)}, outcomes{
			"session-reconnect": "hear of all that was missed when they are",
			"watch-storm":       "set the watches again in several requests and hear of what was missed",
			"watch-semantics":   "",
		}, 0},
		{"replies with the version before the write", breakage{reply: versionBefore}, outcomes{
			"broker-registration":   "change the listeners",
			"isr-changes":           "write the state with the version that was read",
			"isr-changes-plain":     "write the state with the version that was read",
			"topic-lifecycle":       "add partitions to the assignment",
			"topic-lifecycle-plain": "add partitions to the assignment",
			"producer-ids":          "write the first block, and be refused with the same version",
			"kraft-dual-writes":     "learn the version of /migration by writing it",
			"controller-reload":     "",
		}, 0},
		{"lets a stale check pass", breakage{reply: passChecks}, outcomes{
			"controller-fencing":  "refuse a write of the old controller",
			"kraft-claim":         "fence the old controller",
			"kraft-dual-writes":   "refuse every write of a controller with an old epoch",
			"broker-registration": "",
			"isr-changes":         "",
		}, 0},
		{"lets every candidate win", breakage{reply: passElections}, outcomes{
			"controller-election":       "race for /controller in a new cluster",
			"controller-election-plain": "",
			"kraft-claim":               "refuse a broker's election",
		}, 0},
		{"refuses a multi in the header", breakage{reply: refuseInHeader}, outcomes{
			"broker-registration": "send the registration again after a lost reply",
			"controller-election": "race for /controller in a new cluster",
			"controller-fencing":  "refuse a write of the old controller",
			"topic-lifecycle":     "be refused to delete what still has children",
			"kraft-claim":         "be refused the claim with an epoch version that has passed",
			"kraft-dual-writes":   "refuse every write of a controller with an old version of /migration",
			"acl-set":             "refuse a multi for the part that is not allowed",
			"config-changes":      "",
		}, 0},
		{"blames the operation before the failing one", breakage{reply: blameFirst}, outcomes{
			"controller-election": "refuse a candidate that read the epoch before the last election",
			"controller-fencing":  "tell a failing second operation from a failing check",
			"topic-lifecycle":     "be refused to delete what still has children",
			"broker-registration": "",
		}, 0},
		{"keeps ephemerals by ignoring closeSession", breakage{request: swallow(wire.OpCloseSession)}, outcomes{
			"session-close":             "find its znodes gone once the reply has come",
			"broker-registration-plain": "wait for it to vanish",
			"controller-election":       "hear of the controller's end",
			"broker-registration":       "",
		}, waitInVain},
		{"takes expired sessions back", breakage{connected: takeBack}, outcomes{
			"session-handshake": "be refused a session with a wrong password",
			"session-expiry":    "be refused the expired session",
			"session-close":     "be refused the ended session",
			"session-reconnect": "",
		}, 0},
		{"changes the session id", breakage{connected: changeID}, outcomes{
			"session-handshake":         "resume the session on a new connection, with another timeout",
			"session-reconnect":         "resume the session with its registration",
			"broker-registration":       "register with a multi of create and setData",
			"broker-registration-plain": "register with a create",
			"controller-election":       "race for /controller in a new cluster",
			"config-changes":            "",
		}, 0},
		{"skips a sequence number", breakage{reply: renumber(func(n int) int { return n + 1 })}, outcomes{
			"config-changes":    "number the first notification 0",
			"isr-changes":       "queue a notification",
			"kraft-dual-writes": "notify of a config outside the multi",
			"topic-lifecycle":   "",
		}, 0},
		{"repeats a sequence number", breakage{reply: renumber(func(n int) int { return max(n-1, 0) })}, outcomes{
			"config-changes": "number those after it 1 and 2",
			"isr-changes":    "",
		}, 0},
		{"cuts long child lists", breakage{reply: cutLists}, outcomes{
			"large-child-lists": "list them in one reply of more than 1 MiB",
			"topic-lifecycle":   "",
		}, 0},
		{"replies to null data with empty data", breakage{reply: emptyForNull}, outcomes{
			"broker-start":    "read null data back as null",
			"chroot-creation": "read the chroot as /",
			"producer-ids":    "find the znode with null data",
			"config-changes":  "",
		}, 0},
		{"ignores ACLs", breakage{request: openACLs}, outcomes{
			"acl-set":         "read the creator's identity in the ACLs",
			"chroot-creation": "",
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			report := run(t, certify.Options{
				Server:      startProxy(t, server, c.broken),
				Scripts:     slices.Collect(maps.Keys(c.want)),
				StepTimeout: c.patience,
			})
			got := make(outcomes)
			for _, r := range report.Results {
				got[r.Script] = r.Step
				failing[r.Script] = failing[r.Script] || r.Status == certify.Fails
				if (r.Status == certify.Works) != (r.Step == "") || r.Status == certify.Unknown {
					t.Errorf("%s: %s at step %q", r.Script, r.Status, r.Step)
				}
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("scripts fail at\n%v\nwant\n%v", got, c.want)
			}
			if report.ExitCode() != certify.ExitFails {
				t.Errorf("exit code %d, want %d", report.ExitCode(), certify.ExitFails)
			}
		})
	}
	for _, s := range certify.Scripts() {
		if !failing[s.Name] {
			t.Errorf("no breakage fails %s", s.Name)
		}
	}
}

// waitInVain is far longer than any step of the small scripts it is used with.
const waitInVain = 5 * time.Second

// one is what replaces a frame by one other.
func one(frame []byte) [][]byte { return [][]byte{frame} }

// swapReads sends the reply to a read behind the next one.
func swapReads(l *link, r *wire.Request, reply *reply) [][]byte {
	if len(l.held) == 0 && r.Op == wire.OpGetData && !r.Watch && l.waits() {
		l.held = one(reply.frame)
		return nil
	}
	out := append(one(reply.frame), l.held...)
	l.held = nil
	return out
}

func dropCreations(_ *link, e wire.WatcherEvent, frame []byte) [][]byte {
	if e.Type == wire.EventNodeCreated {
		return nil
	}
	return one(frame)
}

// holdEvent keeps an event for thenEvents while a reply is awaited.
func holdEvent(l *link, _ wire.WatcherEvent, frame []byte) [][]byte {
	if l.waits() {
		l.held = append(l.held, frame)
		return nil
	}
	return one(frame)
}

func thenEvents(l *link, _ *wire.Request, reply *reply) [][]byte {
	out := append(one(reply.frame), l.held...)
	l.held = nil
	return out
}

func fireTwice(_ *link, _ wire.WatcherEvent, frame []byte) [][]byte { return [][]byte{frame, frame} }

func swallow(op wire.Op) func(*wire.Request) bool {
	return func(r *wire.Request) bool { return r.Op == op }
}

func versionBefore(_ *link, r *wire.Request, reply *reply) [][]byte {
	if r.Op == wire.OpSetData {
		reply.Stat.Version--
		return one(reply.encoded(r.Op))
	}
	return one(reply.frame)
}

// refusedAt is the place of the operation that a multi was refused for, -1 when
// it was carried out.
func refusedAt(r *wire.Request, reply *reply) int {
	if r.Op != wire.OpMulti {
		return -1
	}
	return slices.IndexFunc(reply.Results, func(m wire.MultiResult) bool { return m.Err != wire.OK })
}

// pass makes a refused multi look carried out.
func pass(r *wire.Request, reply *reply) [][]byte {
	for i, sub := range r.Subs {
		reply.Results[i] = wire.MultiResult{Op: sub.Op, Reply: wire.Reply{Path: sub.Path, HasStat: sub.Op == wire.OpSetData}}
	}
	return one(reply.encoded(r.Op))
}

func passChecks(_ *link, r *wire.Request, reply *reply) [][]byte {
	if refusedAt(r, reply) == 0 && r.Subs[0].Op == wire.OpCheck && reply.Results[0].Err == wire.BadVersion {
		return pass(r, reply)
	}
	return one(reply.frame)
}

func passElections(_ *link, r *wire.Request, reply *reply) [][]byte {
	if refusedAt(r, reply) == 0 && r.Subs[0].Op == wire.OpCreate && wire.BaseName(r.Subs[0].Path) == "controller" {
		return pass(r, reply)
	}
	return one(reply.frame)
}

func refuseInHeader(_ *link, r *wire.Request, reply *reply) [][]byte {
	if at := refusedAt(r, reply); at >= 0 {
		reply.header.Err = reply.Results[at].Err
		return one(reply.encoded(r.Op))
	}
	return one(reply.frame)
}

func blameFirst(_ *link, r *wire.Request, reply *reply) [][]byte {
	at := refusedAt(r, reply)
	for i := range max(at, 0) {
		reply.Results[i] = wire.MultiResult{Op: wire.OpError, Err: wire.RuntimeInconsistency}
	}
	if at > 0 {
		return one(reply.encoded(r.Op))
	}
	return one(reply.frame)
}

func takeBack(request *wire.ConnectRequest, answer *wire.ConnectResponse) {
	if answer.SessionID == 0 {
		answer.SessionID, answer.Timeout = request.SessionID, max(request.Timeout, 1)
	}
}

func changeID(_ *wire.ConnectRequest, answer *wire.ConnectResponse) { answer.SessionID ^= 1 << 40 }

func renumber(number func(int) int) func(*link, *wire.Request, *reply) [][]byte {
	return func(_ *link, r *wire.Request, reply *reply) [][]byte {
		if r.Op != wire.OpCreate || r.Flags != wire.FlagPersistentSequential || reply.header.Err != wire.OK {
			return one(reply.frame)
		}
		at := len(r.Path)
		n, err := strconv.Atoi(reply.Path[at:])
		if err != nil {
			panic(err)
		}
		reply.Path = reply.Path[:at] + fmt.Sprintf("%010d", number(n))
		return one(reply.encoded(r.Op))
	}
}

func cutLists(_ *link, r *wire.Request, reply *reply) [][]byte {
	const namesMax = 1000
	if r.Op == wire.OpGetChildren2 && len(reply.Children) > namesMax {
		reply.Children = reply.Children[:namesMax]
		return one(reply.encoded(r.Op))
	}
	return one(reply.frame)
}

func emptyForNull(_ *link, r *wire.Request, reply *reply) [][]byte {
	if r.Op == wire.OpGetData && reply.header.Err == wire.OK && reply.Data == nil {
		reply.Data = []byte{}
		return one(reply.encoded(r.Op))
	}
	return one(reply.frame)
}

func openACLs(r *wire.Request) bool {
	if r.Op == wire.OpCreate {
		r.ACL = wire.OpenACL
	}
	return false
}
