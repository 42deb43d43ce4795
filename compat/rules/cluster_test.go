package rules

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// testNow is when test clusters are looked at; their nodes are ten seconds old.
var testNow = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

func millisAgo(d time.Duration) wire.Millis { return wire.Millis(testNow.Add(-d).UnixMilli()) }

// layout is a tree to make a view of.
type layout struct {
	chroot   model.Chroot
	source   view.Source
	sessions map[wire.SessionID]view.Session
	nodes    map[string]*view.Entry
	zxid     wire.Zxid
}

// newLayout is a tree of nothing but the chroot.
func newLayout() *layout {
	l := &layout{nodes: make(map[string]*view.Entry), zxid: 100}
	l.nodes["/"] = l.entry("/", nil)
	return l
}

func (l *layout) entry(path string, data []byte) *view.Entry {
	l.zxid++
	return &view.Entry{Path: path, Data: data, Stat: wire.Stat{
		Czxid: l.zxid, Mzxid: l.zxid, Pzxid: l.zxid, Ctime: millisAgo(10 * time.Second), Mtime: millisAgo(10 * time.Second), DataLength: int32(len(data)),
	}}
}

// put makes a node, with its parents, or changes its data.
func (l *layout) put(path, data string) *view.Entry {
	e := l.null(path)
	e.Data = []byte(data)
	e.Stat.DataLength = int32(len(data))
	return e
}

// null makes a node without data, with its parents, or takes its data away.
func (l *layout) null(path string) *view.Entry {
	for i, c := range path {
		if parent := path[:i]; c == '/' && i > 0 && l.nodes[parent] == nil {
			l.nodes[parent] = l.entry(parent, nil)
		}
	}
	if l.nodes[path] == nil {
		l.nodes[path] = l.entry(path, nil)
	}
	e := l.nodes[path]
	e.Data, e.Stat.DataLength = nil, 0
	return e
}

// ephemeral makes a node of a session.
func (l *layout) ephemeral(path string, owner wire.SessionID, data string) *view.Entry {
	e := l.put(path, data)
	e.Stat.EphemeralOwner = owner
	return e
}

// remove takes nodes away with all below.
func (l *layout) remove(paths ...string) {
	for _, path := range paths {
		for other := range l.nodes {
			if underPath(other, path) {
				delete(l.nodes, other)
			}
		}
	}
}

// edit replaces a part of a node's data.
func (l *layout) edit(path, from, to string) *view.Entry {
	e := l.nodes[path]
	if e == nil || !bytes.Contains(e.Data, []byte(from)) {
		panic(fmt.Sprintf("%s does not contain %s", path, from))
	}
	e.Data = []byte(strings.Replace(string(e.Data), from, to, 1))
	return e
}

// old makes a node older than all that takes its time.
func old(e *view.Entry) {
	e.Stat.Ctime, e.Stat.Mtime = millisAgo(48*time.Hour), millisAgo(48*time.Hour)
}

func (l *layout) view(tb testing.TB) *view.View {
	tb.Helper()
	paths := slices.Sorted(maps.Keys(l.nodes))
	entries := make([]view.Entry, len(paths))
	children := make(map[string]int32)
	for _, path := range paths {
		children[path[:max(strings.LastIndexByte(path, '/'), 1)]]++
	}
	children["/"]-- // itself
	for i, path := range paths {
		entries[i] = *l.nodes[path]
		entries[i].Data = bytes.Clone(entries[i].Data)
		entries[i].Stat.NumChildren = children[path]
	}
	v, err := view.New(l.source, l.chroot, entries)
	if err != nil {
		tb.Fatal(err)
	}
	v.Zxid, v.Taken, v.Sessions = l.zxid, testNow, l.sessions
	return v
}

func sessionOf(broker int) wire.SessionID { return wire.SessionID(0x1000 + broker) }

func brokerData(id int, rack string) string {
	return fmt.Sprintf(`{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://b%d:9092"],"rack":%q,"jmx_port":-1,"port":9092,"host":"b%d","version":5,"timestamp":"%d"}`,
		id, rack, id, millisAgo(10*time.Second))
}

func (l *layout) broker(id int, rack string) {
	l.ephemeral(fmt.Sprintf("/brokers/ids/%d", id), sessionOf(id), brokerData(id, rack)).Stat.Version = 1
}

func stateData(leader int, isr string) string {
	return fmt.Sprintf(`{"controller_epoch":7,"leader":%d,"version":1,"leader_epoch":3,"isr":[%s]}`, leader, isr)
}

// topic makes a topic whose partitions have their first replica as leader.
func (l *layout) topic(name, id string, replicas ...string) {
	var parts []string
	for i, list := range replicas {
		parts = append(parts, fmt.Sprintf(`"%d":[%s]`, i, list))
	}
	l.put("/brokers/topics/"+name, fmt.Sprintf(`{"partitions":{%s},"topic_id":%q,"adding_replicas":{},"removing_replicas":{},"version":3}`, strings.Join(parts, ","), id))
	for i, list := range replicas {
		var leader int
		fmt.Sscanf(list, "%d", &leader)
		l.put(fmt.Sprintf("/brokers/topics/%s/partitions/%d/state", name, i), stateData(leader, list))
	}
	l.put("/config/topics/"+name, `{"version":1,"config":{}}`)
}

const (
	ordersID   = "rLNcgVNsSNmYgrtGlXBcJQ"
	paymentsID = "sLNcgVNsSNmYgrtGlXBcJQ"
	offsetsID  = "tLNcgVNsSNmYgrtGlXBcJQ"
	clusterID  = "uLNcgVNsSNmYgrtGlXBcJQ"
	scramKey   = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=" // 32 bytes
)

// healthy is a cluster as Kafka 3.9 leaves it, with something of everything.
func healthy() *layout {
	l := newLayout()
	for _, path := range model.TopLevelPaths {
		l.null(path)
	}
	l.put("/cluster/id", `{"version":"1","id":"`+clusterID+`"}`)
	for id, rack := range []string{"a", "b", "c"} {
		l.broker(id+1, rack)
	}
	l.ephemeral("/controller", sessionOf(1), fmt.Sprintf(`{"version":2,"brokerid":1,"timestamp":"%d","kraftControllerEpoch":-1}`, millisAgo(10*time.Second)))
	l.put("/controller_epoch", "7").Stat.Version = 7
	l.put("/feature", `{"features":{},"version":2,"status":1}`)
	l.put("/latest_producer_id_block", `{"version":1,"broker":1,"block_start":"2000","block_end":"2999"}`)
	l.topic("orders", ordersID, "1,2,3", "2,3,1", "3,1,2")
	l.topic("payments.eu", paymentsID, "1,2,3", "2,3,1")
	l.topic("__consumer_offsets", offsetsID, "1,2,3", "2,3,1", "3,1,2")
	l.put("/config/topics/orders", `{"version":1,"config":{"retention.ms":"1000","min.insync.replicas":"2","cleanup.policy":"compact,delete"}}`)
	l.put("/config/brokers/1", `{"version":1,"config":{"log.cleaner.threads":"2"}}`)
	l.put("/config/brokers/<default>", `{"version":1,"config":{"leader.replication.throttled.rate":"1000"}}`)
	l.put("/config/users/al%20ice", `{"version":1,"config":{"producer_byte_rate":"1024.0","SCRAM-SHA-256":"salt=YWJj,stored_key=`+scramKey+`,server_key=`+scramKey+`,iterations=4096"}}`)
	l.put("/config/users/bob/clients/c1", `{"version":1,"config":{"consumer_byte_rate":"2"}}`)
	l.put("/config/clients/c1", `{"version":1,"config":{"request_percentage":"50"}}`)
	l.put("/config/ips/10.0.0.1", `{"version":1,"config":{"connection_creation_rate":"10"}}`)
	l.put("/config/changes/config_change_0000000003", `{"version":2,"entity_path":"topics/orders"}`)
	for _, t := range model.ResourceTypes {
		l.null(model.ResourceTypePath(model.Literal, t))
		l.null(model.ResourceTypePath(model.Prefixed, t))
	}
	l.put("/kafka-acl/Topic/orders", `{"version":1,"acls":[{"principal":"User:alice","permissionType":"Allow","host":"*","operation":"Read"}]}`)
	l.put("/kafka-acl-extended/prefixed/Group/app-", `{"version":1,"acls":[{"principal":"User:alice","permissionType":"Allow","host":"*","operation":"All"}]}`)
	l.put("/kafka-acl-changes/acl_changes_0000000001", "TOPIC:orders")
	l.put("/kafka-acl-extended-changes/acl_changes_0000000000", `{"version":1,"resourceType":"GROUP","name":"app-","patternType":"PREFIXED"}`)
	l.put("/delegation_token/tokens/tok", tokenData("tok", -time.Hour, 23*time.Hour, 24*time.Hour))
	l.put("/delegation_token/token_changes/token_change_0000000000", "tok")
	return l
}

// tokenData is a token with times relative to testNow.
func tokenData(id string, issued, expiry, most time.Duration) string {
	at := func(d time.Duration) int64 { return testNow.Add(d).UnixMilli() }
	return fmt.Sprintf(`{"version":3,"owner":"User:alice","tokenRequester":"User:alice","renewers":[],"issueTimestamp":%d,"maxTimestamp":%d,"expiryTimestamp":%d,"tokenId":%q}`,
		at(issued), at(most), at(expiry), id)
}

var kafkaID = wire.ID{Scheme: "sasl", ID: "kafka"}

// secured gives the nodes of a layout the ACLs of zookeeper.set.acl=true.
func (l *layout) secured() *layout {
	for path, e := range l.nodes {
		e.ACL = []wire.ACL{{Perms: wire.PermAll, ID: kafkaID}}
		switch {
		case path == model.ConsumersPath:
			e.ACL = wire.OpenACL
		case !sensitive(path):
			e.ACL = append(e.ACL, wire.ACL{Perms: wire.PermRead, ID: wire.AnyoneID})
		}
	}
	return l
}

// kraft makes a layout one that a KRaft controller has taken over.
func (l *layout) kraft() *layout {
	l.put("/controller", `{"version":2,"brokerid":3000,"timestamp":"0","kraftControllerEpoch":12}`).Stat.EphemeralOwner = 0
	l.put("/migration", `{"version":0,"kraft_controller_id":3000,"kraft_controller_epoch":12,"kraft_metadata_offset":500,"kraft_metadata_epoch":12}`)
	return l
}

// check gives what is found, as "KM-01 /path", or the error.
func (l *layout) check(tb testing.TB, facts Facts) []string {
	tb.Helper()
	report, err := Check(l.view(tb), facts)
	if err != nil {
		return []string{err.Error()}
	}
	var found []string
	for _, f := range report.Findings {
		if f.Detail == "" || f.Path == "" || f.Severity > f.Rule.Severity {
			tb.Errorf("incomplete: %+v", f)
		}
		found = append(found, f.Rule.ID+" "+f.Path)
	}
	return found
}

// BenchmarkCheck judges 20,000 partitions, a tenth of the most that Kafka with
// ZooKeeper is made for.
func BenchmarkCheck(b *testing.B) {
	l := healthy()
	for i := range 1000 {
		id := model.UUID{1, byte(i >> 8), byte(i)}
		l.topic(fmt.Sprintf("topic-%d", i), id.String(), slices.Repeat([]string{"1,2,3", "2,3,1", "3,1,2", "1,3,2"}, 5)...)
	}
	v := l.view(b)
	for b.Loop() {
		if _, err := Check(v, Facts{}); err != nil {
			b.Fatal(err)
		}
	}
}
