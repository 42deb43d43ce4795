package certify

// Line is a range of Kafka releases that use ZooKeeper in the same way.
type Line string

// The lines, oldest first. What only a part of a line does counts for the whole
// line: fencing came with 2.1, the migration to KRaft with 3.4.
const (
	Kafka010 Line = "0.10"    // one request at a time, no multi
	Kafka11  Line = "1.1"     // pipelined requests, no multi
	Kafka2   Line = "2.x"     // controller writes fenced by multi and check
	Kafka3   Line = "3.0-3.9" // and the migration to KRaft
)

// Lines are all lines in the order of the report's columns.
func Lines() []Line { return []Line{Kafka010, Kafka11, Kafka2, Kafka3} }

// Script is one thing that Kafka does.
type Script struct {
	// Name is unique, in lower case with dashes.
	Name string
	// About says in one sentence what Kafka does.
	About string
	// Lines are those that do it.
	Lines []Line

	play func(*play)
}

// Scripts are all scripts, in the order of the report.
func Scripts() []Script {
	var (
		all       = Lines()
		pipelined = []Line{Kafka11, Kafka2, Kafka3}
		withMulti = []Line{Kafka2, Kafka3}
		// 2.0 still worked without multi, and 2.1 registered brokers without.
		withoutMulti = []Line{Kafka010, Kafka11, Kafka2}
	)
	return []Script{
		{"session-handshake", "open, resume and be refused a session; negotiate its timeout", all, shakeHands},
		{"session-reconnect", "come back on a new connection and set the watches again", all, reconnect},
		{"session-expiry", "lose the session by silence, then register again with a new one", all, expireSession},
		{"session-close", "stop cleanly: ephemeral znodes are gone when the reply comes", all, closeSession},
		{"chroot-creation", "make a missing chroot with its parents, then work inside it", all, createChroot},
		{"broker-start", "make the top-level paths, agree on a cluster id, read default configs", all, startBroker},
		{"broker-registration-plain", "register with one create; wait for a stale registration to vanish", withoutMulti, registerPlainly},
		{"broker-registration", "register with a multi; replace the registration of the own old session", withMulti, registerWithMulti},
		{"controller-election-plain", "20 brokers race for /controller with a create", withoutMulti, electPlainly},
		{"controller-election", "20 brokers race for /controller with a multi that raises the epoch", withMulti, electWithMulti},
		{"controller-fencing", "refuse the writes of a controller whose epoch has passed", withMulti, fenceController},
		{"controller-reload", "read all partition states with ten requests in flight", pipelined, reloadStates},
		{"watch-semantics", "hear of a change once, before any reply that shows it", all, watchOnce},
		{"watch-storm", "hold thousands of watches, fire them all, set them again", all, stormWatches},
		{"config-changes", "queue change notifications by number and purge them", all, queueConfigChanges},
		{"isr-changes-plain", "write a partition's ISR as its leader and queue a notification", withoutMulti, changeISRPlainly},
		{"isr-changes", "the same, with a controller that removes notifications fenced", withMulti, changeISRFenced},
		{"topic-lifecycle-plain", "create and delete a topic, depth first", withoutMulti, liveTopicPlainly},
		{"topic-lifecycle", "create and delete a topic, every write of the controller fenced", withMulti, liveTopicFenced},
		{"large-child-lists", "list more than 1 MiB of topic names, read a topic of nearly 1 MiB", all, listManyTopics},
		{"producer-ids", "two brokers take blocks of producer ids by version", pipelined, takeProducerIDs},
		{"acl-set", "protect znodes by the creator's identity, migrate the ACLs of others", all, setACLs},
		{"kraft-claim", "a KRaft controller takes /controller from a broker", []Line{Kafka3}, claimController},
		{"kraft-dual-writes", "a KRaft controller writes metadata guarded by the version of /migration", []Line{Kafka3}, writeDually},
	}
}
