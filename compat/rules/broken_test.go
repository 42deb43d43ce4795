package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// brokenCase is a healthy cluster with one thing broken.
type brokenCase struct {
	name  string
	facts Facts
	spoil func(l *layout)
	want  []string // all that is found, by any rule: "KM-01 /path"
}

const (
	orders       = "/brokers/topics/orders"
	orders0      = orders + "/partitions/0"
	orders0State = orders0 + "/state"
)

// TestBrokenClusters breaks one thing at a time.
func TestBrokenClusters(t *testing.T) {
	covered := make(map[string]bool)
	for _, c := range slices.Concat(brokenTopics, brokenControllers, brokenPartitions, brokenBrokers, brokenAdmin, brokenConfigs, brokenACLs, brokenRest) {
		t.Run(c.name, func(t *testing.T) {
			l := healthy()
			c.spoil(l)
			found := l.check(t, c.facts)
			slices.Sort(found)
			want := slices.Sorted(slices.Values(c.want))
			if !slices.Equal(found, want) {
				t.Errorf("found\n  %s\nwant\n  %s", strings.Join(found, "\n  "), strings.Join(want, "\n  "))
			}
		})
		for _, finding := range c.want {
			id, _, _ := strings.Cut(finding, " ")
			covered[id] = true
		}
	}
	for _, rule := range List() {
		if !covered[rule.ID] {
			t.Errorf("no case for %s %s", rule.ID, rule.Title)
		}
	}
}

// set is a case that writes one node.
func set(name, path, data string, want ...string) brokenCase {
	return brokenCase{name: name, spoil: func(l *layout) { l.put(path, data) }, want: want}
}

// edited is a case that changes a part of one node.
func edited(name, path, from, to string, want ...string) brokenCase {
	return brokenCase{name: name, spoil: func(l *layout) { l.edit(path, from, to) }, want: want}
}

// lacking is a case without a node and what is below.
func lacking(name, path string, want ...string) brokenCase {
	return brokenCase{name: name, spoil: func(l *layout) { l.remove(path) }, want: want}
}

// spoiled is any other case.
func spoiled(name string, spoil func(l *layout), want ...string) brokenCase {
	return brokenCase{name: name, spoil: spoil, want: want}
}

// with gives a case that needs facts.
func (c brokenCase) with(facts Facts) brokenCase {
	c.facts = facts
	return c
}

var brokenTopics = []brokenCase{
	spoiled("topic with null data", func(l *layout) { l.null(orders) }, "KM-01 "+orders),
	set("topic with empty data", orders, "", "KM-01 "+orders),
	set("topic that is an array", orders, "[]", "KM-01 "+orders),
	set("topic that is no JSON", orders, "hello", "KM-02 "+orders),
	spoiled("topic that is {}", func(l *layout) {
		l.put(orders, "{}")
		l.remove(orders + "/partitions")
	}, "KM-02 "+orders, "KM-29 "+orders),
	edited("partition key with a zero in front", orders, `"0":`, `"00":`, "KM-03 "+orders),
	edited("replica as a string", orders, `[1,2,3]`, `["1",2,3]`, "KM-03 "+orders),
	edited("bad topic id", orders, ordersID, "short", "KM-03 "+orders),
	edited("unknown topic version", orders, `"version":3`, `"version":9`, "KM-03 "+orders),
	lacking("no cluster id", "/cluster/id", "KM-07 /cluster/id"),
	set("cluster id of the wrong type", "/cluster/id", `{"version":1,"id":5}`, "KM-07 /cluster/id"),
	spoiled("another cluster id", func(*layout) {}, "KM-07 /cluster/id").with(Facts{ClusterID: ordersID}),
	lacking("no producer ids", "/latest_producer_id_block", "KM-08 /latest_producer_id_block"),
	edited("block of numbers", "/latest_producer_id_block", `"2999"`, `2999`, "KM-09 /latest_producer_id_block"),
	edited("short block", "/latest_producer_id_block", `"2999"`, `"2500"`, "KM-09 /latest_producer_id_block"),
	edited("block backwards", "/latest_producer_id_block", `"2999"`, `"1000"`, "KM-09 /latest_producer_id_block"),
	set("last block", "/latest_producer_id_block", `{"version":1,"broker":1,"block_start":"9223372036854774000","block_end":"9223372036854774999"}`,
		"KM-09 /latest_producer_id_block"),
	edited("feature version", "/feature", `"version":2`, `"version":3`, "KM-10 /feature"),
	edited("feature status", "/feature", `"status":1`, `"status":4`, "KM-10 /feature"),
	set("features without data", "/feature", "", "KM-10 /feature"),
	edited("gap in partitions", orders, `"2":`, `"5":`, "KM-24 "+orders, "KM-21 "+orders+"/partitions/5/state", "KM-22 "+orders+"/partitions/2"),
	edited("partition without replicas", orders, `[3,1,2]`, `[]`, "KM-25 "+orders, "KM-26 "+orders, "KM-36 "+orders+"/partitions/2/state", "KM-38 "+orders+"/partitions/2/state"),
	edited("replica twice", orders, `[3,1,2]`, `[3,1,1]`, "KM-25 "+orders, "KM-38 "+orders+"/partitions/2/state"),
	edited("negative replica", orders, `[3,1,2]`, `[3,1,2,-1]`, "KM-25 "+orders, "KM-26 "+orders, "KM-43 "+orders+"/partitions/2/state"),
	spoiled("mixed replication", func(l *layout) {
		l.edit(orders, `[3,1,2]`, `[3,1]`)
		l.put(orders+"/partitions/2/state", stateData(3, "3,1"))
	}, "KM-26 "+orders),
	edited("adding what is not assigned", orders, `"adding_replicas":{}`, `"adding_replicas":{"0":[9]}`, "KM-27 "+orders),
	edited("removing from an unknown partition", orders, `"removing_replicas":{}`, `"removing_replicas":{"7":[1]}`, "KM-27 "+orders),
	edited("adding and removing one broker", orders, `"adding_replicas":{},"removing_replicas":{}`, `"adding_replicas":{"0":[3]},"removing_replicas":{"0":[3]}`, "KM-27 "+orders),
	spoiled("stuck reassignment", func(l *layout) {
		old(l.edit(orders, `"removing_replicas":{}`, `"removing_replicas":{"0":[3]}`))
	}, "KM-28 "+orders),
	edited("topic without id", orders, `"topic_id":"`+ordersID+`",`, ``, "KM-29 "+orders),
	spoiled("shared topic id", func(l *layout) { l.edit("/brokers/topics/payments.eu", paymentsID, ordersID) }, "KM-30 /brokers/topics/payments.eu"),
	edited("zero topic id", orders, ordersID, "AAAAAAAAAAAAAAAAAAAAAA", "KM-30 "+orders),
	lacking("configuration without topic", orders, "KM-31 /config/topics/orders"),
	lacking("topic without configuration", "/config/topics/orders", "KM-32 "+orders),
	spoiled("bad topic name", func(l *layout) { l.topic("a b", "vLNcgVNsSNmYgrtGlXBcJQ", "1,2") }, "KM-33 /brokers/topics/a b"),
	spoiled("colliding names", func(l *layout) { l.topic("payments_eu", "vLNcgVNsSNmYgrtGlXBcJQ", "1,2") }, "KM-34 /brokers/topics/payments_eu"),
	spoiled("long name and old brokers", func(l *layout) {
		for id := 1; id <= 3; id++ {
			l.edit(fmt.Sprintf("/brokers/ids/%d", id), `"version":5`, `"version":4`)
		}
		l.topic(strings.Repeat("n", 214), "vLNcgVNsSNmYgrtGlXBcJQ", "1,2")
	}, "KM-35 /brokers/topics/"+strings.Repeat("n", 214)),
	spoiled("unknown broker", func(l *layout) {
		l.edit(orders, `[3,1,2]`, `[3,1,9]`)
		l.put(orders+"/partitions/2/state", stateData(3, "3,1"))
	}, "KM-48 /brokers/ids/9", "KM-43 "+orders+"/partitions/2/state"),
	spoiled("one rack", func(l *layout) {
		l.edit("/brokers/ids/2", `"rack":"b"`, `"rack":"a"`)
		l.topic("racked", "vLNcgVNsSNmYgrtGlXBcJQ", "1,2", "2,3")
	}, "KM-49 /brokers/topics/racked"),
	spoiled("internal topic of another size", func(*layout) {}, "KM-91 /brokers/topics/__consumer_offsets").with(Facts{OffsetsPartitions: 50}),
	spoiled("internal topic with one replica", func(l *layout) { l.topic("__transaction_state", "vLNcgVNsSNmYgrtGlXBcJQ", "1", "2") }, "KM-91 /brokers/topics/__transaction_state"),
}

var brokenControllers = []brokenCase{
	lacking("no controller epoch", "/controller_epoch", "KM-05 /controller_epoch"),
	set("controller epoch with a space", "/controller_epoch", " 7", "KM-05 /controller_epoch"),
	spoiled("null controller epoch", func(l *layout) { l.null("/controller_epoch") }, "KM-05 /controller_epoch"),
	set("malformed controller", "/controller", `{"version":2}`, "KM-11 /controller"),
	lacking("no controller", "/controller", "KM-12 /controller"),
	edited("controller that is not registered", "/controller", `"brokerid":1`, `"brokerid":4`, "KM-13 /controller"),
	spoiled("persistent controller", func(l *layout) { l.nodes["/controller"].Stat.EphemeralOwner = 0 }, "KM-14 /controller"),
	spoiled("controller of another session", func(l *layout) { l.nodes["/controller"].Stat.EphemeralOwner = 77 }, "KM-15 /controller"),
	edited("future controller epoch", orders0State, `"controller_epoch":7`, `"controller_epoch":8`, "KM-16 "+orders0State),
	spoiled("controller epoch by hand", func(l *layout) { l.nodes["/controller_epoch"].Stat.Version = 3 }, "KM-17 /controller_epoch"),
	spoiled("migration without progress", func(l *layout) { l.kraft().remove("/migration") }, "KM-18 /migration"),
	spoiled("migration that stands still", func(l *layout) { old(l.kraft().edit("/migration", ":500", ":-1")) }, "KM-18 /migration"),
	spoiled("migration of another version", func(l *layout) { l.kraft().edit("/migration", `"version":0`, `"version":5`) }, "KM-18 /migration"),
	spoiled("KRaft controller gone", func(l *layout) { l.kraft() }, "KM-19 /controller").with(Facts{KRaftControllerGone: true}),
	spoiled("migration rolled back", func(l *layout) {
		l.put("/migration", `{"version":0,"kraft_controller_id":3000,"kraft_controller_epoch":12,"kraft_metadata_offset":500,"kraft_metadata_epoch":12}`)
	}, "KM-20 /migration"),
}

var brokenPartitions = []brokenCase{
	spoiled("null state", func(l *layout) { l.null(orders0State) }, "KM-04 "+orders0State),
	set("state that is no JSON", orders0State, "x", "KM-04 "+orders0State),
	set("state without leader", orders0State, `{"controller_epoch":7,"version":1,"leader_epoch":3,"isr":[1]}`, "KM-04 "+orders0State),
	edited("impossible recovery state", orders0State, `"version":1`, `"version":1,"leader_recovery_state":2`, "KM-04 "+orders0State),
	lacking("no partition", orders0, "KM-21 "+orders0State),
	lacking("no state", orders0State, "KM-21 "+orders0State, "KM-23 "+orders0),
	spoiled("orphan partition", func(l *layout) { l.put(orders+"/partitions/3/state", stateData(1, "1,2,3")) }, "KM-22 "+orders+"/partitions/3"),
	spoiled("partition without number", func(l *layout) { l.null(orders + "/partitions/x") }, "KM-22 "+orders+"/partitions/x"),
	set("leader that is no replica", orders0State, stateData(4, "1,2,3"), "KM-36 "+orders0State, "KM-37 "+orders0State, "KM-41 "+orders0State),
	set("leader out of sync", orders0State, stateData(1, "2,3"), "KM-37 "+orders0State, "KM-43 "+orders0State),
	spoiled("strange ISR", func(l *layout) {
		l.broker(4, "a")
		l.put(orders0State, stateData(1, "1,2,3,4"))
	}, "KM-38 "+orders0State),
	set("empty ISR", orders0State, stateData(-1, ""), "KM-39 "+orders0State, "KM-40 "+orders0State, "KM-43 "+orders0State),
	set("ISR with a broker twice", orders0State, stateData(1, "1,2,3,3"), "KM-39 "+orders0State),
	set("offline partition", orders0State, stateData(-1, "1,2,3"), "KM-40 "+orders0State),
	spoiled("dead broker", func(l *layout) {
		l.remove("/brokers/ids/3")
		l.put("/config/brokers/3", `{"version":1,"config":{}}`)
	}, "KM-41 "+orders+"/partitions/2/state", "KM-41 /brokers/topics/__consumer_offsets/partitions/2/state",
		"KM-42 "+orders0State, "KM-42 "+orders+"/partitions/1/state", "KM-42 "+orders+"/partitions/2/state",
		"KM-42 /brokers/topics/__consumer_offsets/partitions/0/state", "KM-42 /brokers/topics/__consumer_offsets/partitions/1/state", "KM-42 /brokers/topics/__consumer_offsets/partitions/2/state",
		"KM-42 /brokers/topics/payments.eu/partitions/0/state", "KM-42 /brokers/topics/payments.eu/partitions/1/state"),
	set("under-replicated", orders0State, stateData(1, "1,2"), "KM-43 "+orders0State),
	set("below min.insync.replicas of the topic", orders0State, stateData(1, "1"), "KM-43 "+orders0State, "KM-44 "+orders0State),
	set("below min.insync.replicas of the brokers", "/brokers/topics/payments.eu/partitions/0/state", stateData(1, "1,2"),
		"KM-43 /brokers/topics/payments.eu/partitions/0/state", "KM-44 /brokers/topics/payments.eu/partitions/0/state").with(Facts{MinInsyncReplicas: 3}),
	set("preferred replica does not lead", orders0State, stateData(2, "1,2,3"), "KM-45 "+orders0State),
	edited("negative epoch", orders0State, `"leader_epoch":3`, `"leader_epoch":-1`, "KM-46 "+orders0State),
	spoiled("unclean election", func(l *layout) { old(l.edit(orders0State, `"version":1`, `"version":1,"leader_recovery_state":1`)) }, "KM-47 "+orders0State),
	spoiled("state older than its topic", func(l *layout) { l.nodes[orders0State].Stat.Czxid = 1 }, "KM-95 "+orders0State),
	spoiled("uneven cluster", func(l *layout) {
		replicas := slices.Repeat([]string{"2"}, 60)
		l.topic("lopsided", "vLNcgVNsSNmYgrtGlXBcJQ", replicas...)
	}, "KM-97 /brokers/ids/2"),
}

var brokenBrokers = []brokenCase{
	spoiled("null registration", func(l *layout) { l.null("/brokers/ids/2") }, "KM-06 /brokers/ids/2"),
	edited("listener without protocol", "/brokers/ids/2", `{"PLAINTEXT":"PLAINTEXT"}`, `{}`, "KM-06 /brokers/ids/2"),
	edited("registration of the future", "/brokers/ids/2", `"version":5`, `"version":9`, "KM-06 /brokers/ids/2", "KM-53 /brokers/ids"),
	edited("broker without rack", "/brokers/ids/2", `"rack":"b",`, ``, "KM-50 /brokers/ids/2"),
	edited("shared address", "/brokers/ids/2", `PLAINTEXT://b2:9092`, `PLAINTEXT://B1:9092`, "KM-51 /brokers/ids/2"),
	edited("listener twice", "/brokers/ids/2", `"PLAINTEXT://b2:9092"`, `"PLAINTEXT://b2:9092","PLAINTEXT://b2:9093"`, "KM-52 /brokers/ids/2"),
	edited("mixed versions", "/brokers/ids/2", `"version":5`, `"version":4`, "KM-53 /brokers/ids"),
	edited("localhost", "/brokers/ids/2", `//b2:`, `//localhost:`, "KM-54 /brokers/ids/2"),
	edited("loopback", "/brokers/ids/2", `//b2:`, `//[::1]:`, "KM-54 /brokers/ids/2"),
	spoiled("strange registration", func(l *layout) { l.ephemeral("/brokers/ids/one", 5, brokerData(4, "a")) }, "KM-55 /brokers/ids/one"),
	spoiled("persistent registration", func(l *layout) { l.nodes["/brokers/ids/2"].Stat.EphemeralOwner = 0 }, "KM-56 /brokers/ids/2"),
	spoiled("generated ids start again", func(l *layout) { l.broker(1005, "a") }, "KM-57 /brokers/seqid"),
	spoiled("registration of an unknown session", func(l *layout) {
		l.sessions = map[wire.SessionID]view.Session{sessionOf(1): {}, sessionOf(2): {}}
	}, "KM-94 /brokers/ids/3"),
	spoiled("registration of the next transaction", func(l *layout) { l.nodes["/brokers/ids/2"].Stat.Czxid = l.zxid + 1 }, "KM-94 /brokers/ids/2"),
	spoiled("broker's clock ahead", func(l *layout) {
		l.edit("/brokers/ids/2", strconv.FormatInt(int64(millisAgo(10*time.Second)), 10), strconv.FormatInt(int64(millisAgo(-time.Hour)), 10))
	}, "KM-96 /brokers/ids/2"),
	spoiled("controller's clock behind", func(l *layout) {
		l.edit("/controller", strconv.FormatInt(int64(millisAgo(10*time.Second)), 10), strconv.FormatInt(int64(millisAgo(time.Hour)), 10))
	}, "KM-96 /controller"),
}

var brokenAdmin = []brokenCase{
	spoiled("marker without topic", func(l *layout) { l.null("/admin/delete_topics/gone") }, "KM-58 /admin/delete_topics/gone"),
	spoiled("slow deletion", func(l *layout) { old(l.null("/admin/delete_topics/orders")) }, "KM-59 /admin/delete_topics/orders"),
	spoiled("deletion is off", func(l *layout) { l.null("/admin/delete_topics/orders") }, "KM-60 /admin/delete_topics/orders").with(Facts{DeletionDisabled: true}),
	set("reassignment of an unknown topic", "/admin/reassign_partitions", `{"version":1,"partitions":[{"topic":"nope","partition":0,"replicas":[1]}]}`, "KM-61 /admin/reassign_partitions"),
	set("reassignment to an unknown broker", "/admin/reassign_partitions", `{"version":1,"partitions":[{"topic":"orders","partition":0,"replicas":[8]}]}`, "KM-61 /admin/reassign_partitions"),
	spoiled("reassignment that nobody takes", func(l *layout) {
		old(l.put("/admin/reassign_partitions", `{"version":1,"partitions":[{"topic":"orders","partition":0,"replicas":[1,2]}]}`))
	}, "KM-61 /admin/reassign_partitions"),
	set("reassignment with log dirs", "/admin/reassign_partitions", `{"version":1,"partitions":[{"topic":"orders","partition":0,"replicas":[1,2],"log_dirs":["any"]}]}`, "KM-62 /admin/reassign_partitions"),
	spoiled("null reassignment", func(l *layout) { l.null("/admin/reassign_partitions") }, "KM-62 /admin/reassign_partitions"),
	spoiled("old election", func(l *layout) {
		old(l.put("/admin/preferred_replica_election", `{"version":1,"partitions":[{"topic":"orders","partition":0}]}`))
	}, "KM-63 /admin/preferred_replica_election"),
	set("malformed election", "/admin/preferred_replica_election", `{"version":1}`, "KM-63 /admin/preferred_replica_election"),
	spoiled("old notifications", func(l *layout) {
		old(l.put("/config/changes/config_change_0000000001", `{"version":2,"entity_path":"topics/orders"}`))
	}, "KM-64 /config/changes"),
	spoiled("long queue", func(l *layout) {
		for i := range queueLengthMax {
			l.put(fmt.Sprintf("/config/changes/config_change_%010d", i+10), `{"version":2,"entity_path":"topics/orders"}`)
		}
	}, "KM-65 /config/changes"),
	spoiled("ISR changes that nobody takes", func(l *layout) {
		old(l.put("/isr_change_notification/isr_change_0000000001", `{"version":1,"partitions":[{"topic":"orders","partition":0}]}`))
	}, "KM-66 /isr_change_notification"),
	set("strange name in a queue", "/config/changes/change_1", "{}", "KM-67 /config/changes/change_1"),
	set("notification of an unknown type", "/config/changes/config_change_0000000004", `{"version":2,"entity_path":"shoes/left"}`, "KM-68 /config/changes/config_change_0000000004"),
	set("malformed log dir event", "/log_dir_event_notification/log_dir_event_0000000001", `{"version":1}`, "KM-68 /log_dir_event_notification/log_dir_event_0000000001"),
}

var brokenConfigs = []brokenCase{
	edited("number as a value", "/config/topics/orders", `"1000"`, `1000`, "KM-69 /config/topics/orders"),
	set("configuration that is an array", "/config/clients/c1", `[]`, "KM-69 /config/clients/c1"),
	edited("misspelt setting", "/config/topics/orders", `retention.ms`, `retentoin.ms`, "KM-70 /config/topics/orders"),
	edited("impossible setting", "/config/topics/orders", `compact,delete`, `compact,shred`, "KM-70 /config/topics/orders"),
	edited("impossible quota", "/config/clients/c1", `"50"`, `"fast"`, "KM-70 /config/clients/c1"),
	edited("setting of a plugin", "/config/brokers/1", `log.cleaner.threads`, `my.plugin`, "KM-70 /config/brokers/1"),
	edited("few iterations", "/config/users/al%20ice", `iterations=4096`, `iterations=10`, "KM-71 /config/users/al%20ice"),
	edited("short keys", "/config/users/al%20ice", scramKey, `YWJj`, "KM-71 /config/users/al%20ice"),
	edited("keys that are no base64", "/config/users/al%20ice", `salt=YWJj`, `salt=?`, "KM-71 /config/users/al%20ice"),
	set("user that is not encoded", "/config/users/al ice", `{"version":1,"config":{"producer_byte_rate":"1"}}`, "KM-72 /config/users/al ice"),
	set("quota node without quotas", "/config/clients/c2", `{"version":1,"config":{}}`, "KM-73 /config/clients/c2"),
	spoiled("user without anything", func(l *layout) { l.null("/config/users/carol/clients") }, "KM-73 /config/users/carol"),
	set("settings of an unknown broker", "/config/brokers/8", `{"version":1,"config":{}}`, "KM-74 /config/brokers/8"),
	set("settings of no broker", "/config/brokers/eight", `{"version":1,"config":{}}`, "KM-69 /config/brokers/eight"),
	set("password in clear", "/config/brokers/1", `{"version":1,"config":{"listener.name.a.ssl.key.password":"secret"}}`, "KM-74 /config/brokers/1"),
}

var brokenACLs = []brokenCase{
	edited("ACL of another version", "/kafka-acl/Topic/orders", `"version":1`, `"version":2`, "KM-75 /kafka-acl/Topic/orders"),
	edited("principal without type", "/kafka-acl/Topic/orders", `User:alice`, `alice`, "KM-75 /kafka-acl/Topic/orders"),
	set("ACL that is no JSON", "/kafka-acl/Topic/orders", `alice`, "KM-75 /kafka-acl/Topic/orders"),
	edited("unknown operation", "/kafka-acl/Topic/orders", `"Read"`, `"Raed"`, "KM-76 /kafka-acl/Topic/orders"),
	edited("unknown permission", "/kafka-acl/Topic/orders", `"Allow"`, `"Alow"`, "KM-76 /kafka-acl/Topic/orders"),
	spoiled("unknown resource type", func(l *layout) { l.null("/kafka-acl/Topics") }, "KM-76 /kafka-acl/Topics"),
	spoiled("unknown pattern type", func(l *layout) { l.null("/kafka-acl-extended/matching") }, "KM-76 /kafka-acl-extended/matching"),
	set("empty ACL", "/kafka-acl/Topic/payments.eu", `{"version":1,"acls":[]}`, "KM-77 /kafka-acl/Topic/payments.eu"),
	set("everybody on everything", "/kafka-acl/Topic/*", `{"version":1,"acls":[{"principal":"User:*","permissionType":"Allow","host":"*","operation":"All"}]}`, "KM-77 /kafka-acl/Topic/*"),
	edited("pointless operation", "/kafka-acl/Topic/orders", `"Read"`, `"IdempotentWrite"`, "KM-77 /kafka-acl/Topic/orders"),
	spoiled("broker before prefixed ACLs", func(l *layout) {
		for id := 1; id <= 3; id++ {
			l.edit(fmt.Sprintf("/brokers/ids/%d", id), `"version":5`, `"version":3`)
		}
	}, "KM-78 /brokers/ids/1", "KM-78 /brokers/ids/2", "KM-78 /brokers/ids/3"),
	spoiled("open node", func(l *layout) { l.secured().nodes[orders0State].ACL = wire.OpenACL }, "KM-79 "+orders0State),
	spoiled("readable secret", func(l *layout) {
		e := l.secured().nodes["/config/users/al%20ice"]
		e.ACL = append(e.ACL, wire.ACL{Perms: wire.PermRead, ID: wire.AnyoneID})
	}, "KM-80 /config/users/al%20ice"),
	spoiled("mixed owners", func(l *layout) {
		e := l.secured().nodes[orders]
		e.ACL = append(e.ACL, wire.ACL{Perms: wire.PermAll, ID: wire.ID{Scheme: "x509", ID: "CN=b"}})
	}, "KM-81 "+orders),
	spoiled("foreign owner", func(l *layout) {
		l.secured().nodes[orders].ACL = []wire.ACL{{Perms: wire.PermAll, ID: wire.ID{Scheme: "sasl", ID: "mallory"}}}
	}, "KM-81 "+orders, "KM-82 "+orders),
	spoiled("open chroot", func(l *layout) { l.secured().nodes["/"].ACL = wire.OpenACL }, "KM-83 /"),
}

var brokenRest = []brokenCase{
	set("malformed token", "/delegation_token/tokens/tok", "{}", "KM-84 /delegation_token/tokens/tok"),
	set("token that ends before it begins", "/delegation_token/tokens/tok", tokenData("tok", time.Hour, -time.Hour, -time.Minute), "KM-84 /delegation_token/tokens/tok"),
	set("token beyond its end", "/delegation_token/tokens/tok", tokenData("tok", -time.Hour, 3*time.Hour, 2*time.Hour), "KM-84 /delegation_token/tokens/tok"),
	set("token of another name", "/delegation_token/tokens/tok", tokenData("other", -time.Hour, time.Hour, 2*time.Hour), "KM-84 /delegation_token/tokens/tok"),
	set("expired token", "/delegation_token/tokens/tok", tokenData("tok", -10*time.Hour, -5*time.Hour, time.Hour), "KM-85 /delegation_token/tokens/tok"),
	lacking("no directory of deletions", "/admin/delete_topics", "KM-86 /admin/delete_topics"),
	spoiled("ephemeral topic", func(l *layout) { l.nodes[orders].Stat.EphemeralOwner = 5 }, "KM-87 "+orders),
	spoiled("huge node", func(l *layout) {
		l.put("/config/clients/c1", `{"version":1,"config":{"request_percentage":"50"}}`+strings.Repeat(" ", 700_000))
	}, "KM-88 /config/clients/c1"),
	spoiled("long listing", func(l *layout) {
		for i := range 120 {
			l.put(fmt.Sprintf("/config/changes/config_change_%010d", i+10), `{"version":2,"entity_path":"topics/orders"}`)
		}
	}, "KM-88 /config/changes").with(Facts{ReplyBytesMax: 4096}),
	spoiled("another application", func(l *layout) { l.null("/hbase/master/x") }, "KM-89 /hbase"),
	spoiled("chroot in a chroot", func(l *layout) { l.ephemeral("/kafka/brokers/ids/1", 5, brokerData(1, "a")) }, "KM-90 /kafka"),
	spoiled("old group", func(l *layout) {
		l.put("/consumers/g/owners/orders/0", "gone-0")
		l.put("/consumers/g/offsets/vanished/0", "7")
	}, "KM-92 /consumers/g/owners/orders/0", "KM-92 /consumers/g/offsets/vanished", "KM-93 /consumers/g"),
	set("malformed offset", "/consumers/g/offsets/orders/0", "many", "KM-92 /consumers/g/offsets/orders/0", "KM-93 /consumers/g"),
}

func TestEpochsAreComparedWithAnEarlierView(t *testing.T) {
	before := healthy()
	before.edit(orders0State, `"leader_epoch":3`, `"leader_epoch":9`)
	earlier := before.view(t)
	for topicID, want := range map[string][]string{ordersID: {"KM-46 " + orders0State}, "wLNcgVNsSNmYgrtGlXBcJQ": nil} {
		l := healthy()
		l.edit(orders, ordersID, topicID)
		if found := l.check(t, Facts{Earlier: earlier}); !slices.Equal(found, want) {
			t.Errorf("topic id %s: found %v, want %v", topicID, found, want)
		}
	}
}

func TestRulesAreComplete(t *testing.T) {
	rules := List()
	if len(rules) != 97 {
		t.Fatalf("%d rules", len(rules))
	}
	for i, rule := range rules {
		if want := fmt.Sprintf("KM-%02d", i+1); rule.ID != want {
			t.Fatalf("rule %d is %s, want %s", i, rule.ID, want)
		}
		if rule.Title == "" || !strings.HasSuffix(rule.Meaning, ".") || !strings.HasSuffix(rule.Fix, ".") || rule.check == nil {
			t.Errorf("incomplete: %+v", rule)
		}
	}
}

func TestForeignTreesAreRefused(t *testing.T) {
	empty := newLayout()
	foreign := newLayout()
	foreign.null("/hbase/master")
	above := newLayout()
	above.ephemeral("/kafka/prod/brokers/ids/1", 5, brokerData(1, "a"))
	for _, c := range []struct {
		l    *layout
		want string
	}{
		{empty, "rules: /: this is no Kafka cluster: none of Kafka's nodes is there; name the chroot of the brokers' zookeeper.connect"},
		{foreign, "rules: /: this is no Kafka cluster: none of Kafka's nodes is there; name the chroot of the brokers' zookeeper.connect"},
		{above, "rules: /: this is no Kafka cluster, but 1 chroots below hold one: /kafka/prod"},
	} {
		if found := c.l.check(t, Facts{}); !slices.Equal(found, []string{c.want}) {
			t.Errorf("found %v, want %s", found, c.want)
		}
	}
}

func TestPathsHaveTheChroot(t *testing.T) {
	l := healthy()
	l.chroot = model.Chroot("/kafka/prod")
	l.remove("/controller")
	if found := l.check(t, Facts{}); !slices.Equal(found, []string{"KM-12 /kafka/prod/controller"}) {
		t.Errorf("found %v", found)
	}
}
