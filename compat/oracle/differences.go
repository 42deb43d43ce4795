package oracle

import (
	"regexp"
	"strings"

	"kafkacoord/coord/wire"
)

// Difference is one way in which kafkacoord is meant to differ from ZooKeeper.
type Difference struct {
	Name   string
	Reason string
	// Unseen says why no sequence shows the difference; "" when some do.
	Unseen string

	// is tells whether two answers to a request differ in this way. The first
	// server is ZooKeeper.
	is func(r *request, a, b string) bool
}

// Differences lists all wanted differences between Java ZooKeeper 3.9.4 (the
// first server) and kafkacoord (the second). A difference that is not listed is
// a bug.
var Differences = []Difference{
	{
		Name:   "createSession (-10) from a client is refused",
		Reason: "ZooKeeper lets any connected client send its internal operation and answers with a connect response in mid-stream; no client library does. coord treats it as unknown: -6, zxid -1, close.",
		is:     func(r *request, a, b string) bool { return r.rec.Op == wire.OpCreateSession && isUnknownOp(b) },
	},
	{
		Name:   "deleteContainer (20) from a client is refused",
		Reason: "ZooKeeper lets any client delete any childless znode with it, without a look at ACLs or the session. coord treats it as unknown: -6, zxid -1, close.",
		is:     func(r *request, a, b string) bool { return r.rec.Op == wire.OpDeleteContainer && isUnknownOp(b) },
	},
	{
		Name:   "a null path, list or id in a request is refused at once, mostly with -5",
		Reason: "No client library sends one. ZooKeeper runs into it at some later point, so that the answer (-5, -8, -114, -121 or OK), the zxid it costs and what is done before depend on the operation; half of a setWatches may have taken effect.",
		is: func(r *request, a, b string) bool {
			return r.null && (isMalformed(b) || isRefusal(a) && isRefusal(b))
		},
	},
	{
		Name:   "a multiRead that is refused as a whole has no body",
		Reason: "ZooKeeper appends the results that it had so far to the reply with -5; clients do not read them.",
		is: func(r *request, a, b string) bool {
			return r.rec.Op == wire.OpMultiRead && isMalformed(b) && strings.HasPrefix(a, b+":")
		},
	},
	{
		Name:   "zookeeper_limits cannot be created directly under /zookeeper/quota (-8)",
		Reason: "Creating it stops a ZooKeeper server: the empty prefix throws while the transaction is applied, and again when the log is read.",
		Unseen: "the sequences never create it, since it would end the Java server",
	},
	{
		Name:   "createTTL (21) with a flag that is not one for TTL and a negative ttl is an ordinary create",
		Reason: "ZooKeeper does that in a multi. Alone it logs a TTL create and throws while applying it: the server stops, and cannot start again from that log.",
		Unseen: "the sequences never send it outside a multi, since it would end the Java server",
	},
	{
		Name:   "createContainer (19) with an ephemeral flag makes a container like any other",
		Reason: "ZooKeeper makes a container too, but takes it for an ephemeral as long as its transaction is under way: whether a child can be created in it, or the session's end deletes it, depends on timing. No client library sends the flag.",
		Unseen: "the sequences never send it, since the outcome is not defined",
	},
	{
		Name:   "a session that comes back always closes its older connection",
		Reason: "ZooKeeper forgets which connection a session has when the one before it is torn down late, and then leaves an older one open beside the new one.",
		Unseen: "it depends on timing in ZooKeeper; where a sequence meets it, that connection is closed on both sides and counted apart",
	},
}

func isUnknownOp(text string) bool { return strings.HasSuffix(text, " zxid -1 err -6") }

// isRefusal tells whether a reply has an error and no body.
func isRefusal(text string) bool { return refusal.MatchString(text) }

var refusal = regexp.MustCompile(` err -\d+$`)

func isMalformed(text string) bool { return strings.HasSuffix(text, " err -5") }

// wanted returns the index of the listed difference that explains two answers,
// or -1.
func wanted(r *request, a, b string) int {
	for i := range Differences {
		if d := &Differences[i]; d.is != nil && d.is(r, a, b) {
			return i
		}
	}
	return -1
}
