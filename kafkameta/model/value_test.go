package model

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestParsedFields(t *testing.T) {
	id, err := ParseUUID("rLNcgVNsSNmYgrtGlXBcJQ")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path, payload string
		want          Value
	}{
		{
			"/brokers/ids/1",
			`{"features":{"f":{"min_version":1,"max_version":7}},"listener_security_protocol_map":{"IN":"SSL"},"endpoints":["IN://[::1]:9093"],` +
				`"rack":"r1","jmx_port":-1,"port":-1,"host":null,"version":5,"timestamp":"1700000000000"}`,
			&Broker{
				Version: 5, Port: -1, JMXPort: -1, Timestamp: 1700000000000, Endpoints: []Endpoint{{"IN", "::1", 9093}}, Rack: "r1",
				Protocols: map[string]string{"IN": "SSL"}, Features: map[string]FeatureRange{"f": {1, 7}},
			},
		},
		{
			"/brokers/ids/1", `{"version":1,"host":"h","port":9092,"jmx_port":9999}`,
			&Broker{Version: 1, Host: "h", Port: 9092, JMXPort: 9999},
		},
		{
			"/brokers/topics/t", `{"partitions":{"0":[3,4,1]},"topic_id":"rLNcgVNsSNmYgrtGlXBcJQ","adding_replicas":{"0":[3,4]},"removing_replicas":{"0":[1]},"version":3}`,
			&Topic{
				Version: 3, ID: id, HasID: true, Partitions: map[int32][]int32{0: {3, 4, 1}},
				Adding: map[int32][]int32{0: {3, 4}}, Removing: map[int32][]int32{0: {1}},
			},
		},
		{
			"/brokers/topics/t/partitions/0/state", `{"controller_epoch":3,"leader":-1,"version":1,"leader_recovery_state":1,"leader_epoch":5,"isr":[1,2]}`,
			&PartitionState{Version: 1, Leader: NoLeader, LeaderEpoch: 5, ControllerEpoch: 3, ISR: []int32{1, 2}, RecoveryState: Recovering},
		},
		{"/controller", "7", &Controller{Broker: 7, KRaftEpoch: NoKRaftEpoch}},
		{
			"/controller", `{"version":2,"brokerid":3000,"timestamp":"1700000000000","kraftControllerEpoch":12}`,
			&Controller{Version: 2, Broker: 3000, Timestamp: 1700000000000, KRaftEpoch: 12},
		},
		{"/controller_epoch", "42", &ControllerEpoch{Epoch: 42}},
		{"/cluster/id", `{"version":"1","id":"rLNcgVNsSNmYgrtGlXBcJQ"}`, &ClusterID{Version: "1", ID: id}},
		{
			"/feature", `{"features":{"f":{"max_version_level":3,"min_version_level":2}},"version":1,"status":1}`,
			&Features{Version: 1, Status: FeaturesEnabled, Levels: map[string]FeatureLevels{"f": {Min: 2, Max: 3}}},
		},
		{
			"/migration", `{"version":0,"kraft_metadata_offset":345,"kraft_controller_id":3000,"kraft_metadata_epoch":4,"kraft_controller_epoch":12}`,
			&Migration{Controller: 3000, ControllerEpoch: 12, MetadataOffset: 345, MetadataEpoch: 4},
		},
		{
			"/latest_producer_id_block", `{"version":1,"broker":1,"block_start":"1000","block_end":"1999"}`,
			&ProducerIDBlock{Version: 1, Broker: 1, Start: 1000, End: 1999},
		},
		{
			"/admin/reassign_partitions", `{"version":1,"partitions":[{"topic":"a","partition":5,"replicas":[2,1]}]}`,
			&Reassignment{Version: 1, Partitions: []PartitionReassignment{{TopicPartition{"a", 5}, []int32{2, 1}}}},
		},
		{
			"/admin/preferred_replica_election", `{"version":1,"partitions":[{"topic":"a","partition":5}]}`,
			&PreferredElection{Version: 1, Partitions: []TopicPartition{{"a", 5}}},
		},
		{"/config/topics/t", `{"version":1,"config":{"retention.ms":"1"}}`, &Config{Version: 1, Values: map[string]string{"retention.ms": "1"}}},
		{"/config/changes/config_change_0000000000", `"t"`, &ConfigChange{Entity: TopicEntity("t")}},
		{
			"/config/changes/config_change_0000000000", `{"version":1,"entity_type":"clients","entity_name":"c%2A"}`,
			&ConfigChange{Version: 1, Entity: ClientEntity("c*")},
		},
		{
			"/config/changes/config_change_0000000000", `{"version":2,"entity_path":"users/al%20ice/clients/<default>"}`,
			&ConfigChange{Version: 2, Entity: UserEntity("al ice").WithDefaultClient()},
		},
		{
			"/kafka-acl/Topic/t", `{"acls":[{"principal":"User:a","permissionType":"Deny","host":"*","operation":"Read"}],"version":1}`,
			&ResourceACL{Version: 1, Entries: []ACLEntry{{Principal: "User:a", Permission: "Deny", Host: "*", Operation: "Read"}}},
		},
		{"/kafka-acl-changes/acl_changes_0000000000", "TRANSACTIONAL_ID:a:b", &LiteralACLChange{Resource: Resource{Type: TransactionalIDResource, Name: "a:b"}}},
		{"/kafka-acl-changes/acl_changes_0000000000", "Topic:t", &LiteralACLChange{Resource: Resource{Type: TopicResource, Name: "t"}}},
		{
			"/kafka-acl-extended-changes/acl_changes_0000000000", `{"version":1,"resourceType":"GROUP","name":"g-","patternType":"PREFIXED"}`,
			&ExtendedACLChange{Version: 1, Resource: Resource{Type: GroupResource, Name: "g-", Pattern: Prefixed}},
		},
		{
			"/delegation_token/tokens/x",
			`{"issueTimestamp":1,"renewers":["User%3Abob%2A"],"tokenRequester":"User%3Ab","tokenId":"x","owner":"User%3Aal%20ice","expiryTimestamp":3,"maxTimestamp":2,"version":3}`,
			&DelegationToken{Version: 3, Owner: "User:al ice", Requester: "User:b", Renewers: []string{"User:bob*"}, Issued: 1, Max: 2, Expiry: 3, ID: "x"},
		},
		{"/delegation_token/token_changes/token_change_0000000000", "x", &TokenChange{ID: "x"}},
		{
			"/isr_change_notification/isr_change_0000000000", `{"version":1,"partitions":[{"topic":"a","partition":0}]}`,
			&ISRChange{Version: 1, Partitions: []TopicPartition{{"a", 0}}},
		},
		{"/log_dir_event_notification/log_dir_event_0000000000", `{"version":1,"broker":2,"event":1}`, &LogDirEvent{Version: 1, Broker: 2, Event: LogDirFailure}},
		{
			"/consumers/g/ids/c", `{"version":1,"subscription":{"a.*":2},"pattern":"white_list","timestamp":"5"}`,
			&ConsumerRegistration{Version: 1, Pattern: WhiteListPattern, Subscription: map[string]int32{"a.*": 2}, Timestamp: 5},
		},
		{"/consumers/g/owners/t/0", "g_h-1-ab-3", &ConsumerOwner{Consumer: "g_h-1-ab", Thread: 3}},
		{"/consumers/g/offsets/t/0", "-1", &ConsumerOffset{Offset: -1}},
		{"/brokers/seqid", "anything", &Opaque{Node: BrokerSequence, Data: []byte("anything")}},
	} {
		got := golden{file: "TestParsedFields", path: c.path, data: []byte(c.payload)}.parse(t)
		if exported(t, got) != exported(t, c.want) {
			t.Errorf("%s: %s\nreads as %s\nwant     %s", c.path, c.payload, exported(t, got), exported(t, c.want))
		}
		// What a caller builds by hand is what Kafka would have written.
		fresh, err := c.want.Encode()
		if err != nil {
			t.Errorf("%s: encode %s: %v", c.path, exported(t, c.want), err)
			continue
		}
		again := golden{file: "TestParsedFields", path: c.path, data: fresh}.parse(t)
		if exported(t, again) != exported(t, c.want) {
			t.Errorf("%s: %s is written as %s", c.path, exported(t, c.want), fresh)
		}
	}
}

// exported shows a value without what it remembers of its source.
func exported(t testing.TB, v Value) string {
	t.Helper()
	shown, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(shown)
}

func TestNodesWithoutDataAreLegalWhereKafkaLeavesThemEmpty(t *testing.T) {
	config, err := ParseConfig("/config/users/u", nil)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := config.Encode(); data != nil || err != nil {
		t.Errorf("config of null data is written as %q, %v", data, err)
	}
	config.Values["producer_byte_rate"] = "1"
	if data, err := config.Encode(); string(data) != `{"version":1,"config":{"producer_byte_rate":"1"}}` || err != nil {
		t.Errorf("config that was null is written as %q, %v", data, err)
	}
	block, err := ParseProducerIDBlock("/latest_producer_id_block", nil)
	if err != nil || !block.Unused {
		t.Fatalf("producer id block of null data: %+v, %v", block, err)
	}
	if data, err := block.Encode(); data != nil || err != nil {
		t.Errorf("unused producer id block is written as %q, %v", data, err)
	}
}

func TestChangesKeepWhatIsUnknown(t *testing.T) {
	for _, c := range []struct {
		name, path, payload string
		change              func(Value)
		want                string
	}{
		{
			"a number, between unknown members and white space", "/brokers/topics/t/partitions/0/state",
			`{ "x":[1, 2], "leader": 1, "leader_epoch":5,"isr":[ 1,2 ],"controller_epoch":3, "version":1,"y":null}`,
			func(v Value) { v.(*PartitionState).Leader = 2 },
			`{"x":[1, 2],"leader":2,"leader_epoch":5,"isr":[ 1,2 ],"controller_epoch":3,"version":1,"y":null}`,
		},
		{
			"a member that appears", "/brokers/topics/t/partitions/0/state",
			`{"version":1,"leader":1,"leader_epoch":5,"isr":[1],"controller_epoch":3}`,
			func(v Value) { v.(*PartitionState).RecoveryState = Recovering },
			`{"version":1,"leader":1,"leader_epoch":5,"isr":[1],"controller_epoch":3,"leader_recovery_state":1}`,
		},
		{
			"a member that goes", "/brokers/topics/t/partitions/0/state",
			`{"leader_recovery_state":1,"version":1,"leader":1,"leader_epoch":5,"isr":[1],"controller_epoch":3}`,
			func(v Value) { v.(*PartitionState).RecoveryState = Recovered },
			`{"version":1,"leader":1,"leader_epoch":5,"isr":[1],"controller_epoch":3}`,
		},
		{
			"one of several partitions, none of the implied maps", "/brokers/topics/t",
			`{"version":2,"partitions":{"1":[1, 2],"0":[2,1]},"z":{}}`,
			func(v Value) { v.(*Topic).Partitions[0] = []int32{3}; v.(*Topic).Partitions[2] = []int32{4} },
			`{"version":2,"partitions":{"1":[1, 2],"0":[3],"2":[4]},"z":{}}`,
		},
		{
			"a setting, keeping the escapes of another", "/config/topics/t",
			`{"version":1,"config":{"a":"\u00e9","b":"1"},"extra":true}`,
			func(v Value) { v.(*Config).Values["b"] = "2"; v.(*Config).Values["c"] = "3" },
			`{"version":1,"config":{"a":"\u00e9","b":"2","c":"3"},"extra":true}`,
		},
		{
			"an ACL entry more, keeping unknown members of the first", "/kafka-acl/Topic/t",
			`{"version":1,"acls":[{"principal":"User:a","permissionType":"Allow","operation":"Read","host":"*","note":"x"}]}`,
			func(v Value) {
				a := v.(*ResourceACL)
				a.Entries = append(a.Entries, ACLEntry{Principal: "User:b", Permission: "Deny", Host: "*", Operation: "Write"})
			},
			`{"version":1,"acls":[{"principal":"User:a","permissionType":"Allow","operation":"Read","host":"*","note":"x"},` +
				`{"principal":"User:b","permissionType":"Deny","host":"*","operation":"Write"}]}`,
		},
		{
			"a bare controller id", "/controller", `7`,
			func(v Value) { v.(*Controller).Broker = 8 },
			`8`,
		},
		{
			"a bare controller id that gets a version", "/controller", `7`,
			func(v Value) { v.(*Controller).Version = 1; v.(*Controller).Timestamp = 5 },
			`{"version":1,"brokerid":7,"timestamp":"5"}`,
		},
		{
			"an id that version 1 does not have", "/brokers/topics/t", `{"version":1,"partitions":{}}`,
			func(v Value) { v.(*Topic).HasID = true },
			`{"version":1,"partitions":{},"topic_id":"AAAAAAAAAAAAAAAAAAAAAA"}`,
		},
		{
			"an escaped key, a removed element", "/admin/preferred_replica_election",
			`{"\u0076ersion":1,"partitions":[{"topic":"a","partition":0},{"topic":"b\u002f","partition":1,"x":{}}]}`,
			func(v Value) { e := v.(*PreferredElection); e.Partitions = e.Partitions[1:] },
			`{"version":1,"partitions":[{"topic":"b\u002f","partition":1,"x":{}}]}`,
		},
		{
			"a host where null was", "/brokers/ids/1", `{"host":null,"port":-1,"jmx_port":-1,"version":4,"endpoints":[]}`,
			func(v Value) { v.(*Broker).Host = "h" },
			`{"host":"h","port":-1,"jmx_port":-1,"version":4,"endpoints":[]}`,
		},
		{
			"plain text", "/controller_epoch", "7",
			func(v Value) { v.(*ControllerEpoch).Epoch++ },
			"8",
		},
		{
			"an unknown version", "/brokers/ids/1",
			`{"version":9,"host":"h","port":1,"jmx_port":-1,"endpoints":[],"new":{"a":1}}`,
			func(v Value) { v.(*Broker).JMXPort = 5 },
			`{"version":9,"host":"h","port":1,"jmx_port":5,"endpoints":[],"new":{"a":1}}`,
		},
	} {
		n, err := Classify(c.path)
		if err != nil {
			t.Fatal(err)
		}
		v, err := Parse(c.path, n.Kind, []byte(c.payload))
		if err != nil && !readable(err) {
			t.Fatalf("%s: %v", c.name, err)
		}
		c.change(v)
		if got, err := v.Encode(); err != nil || string(got) != c.want {
			t.Errorf("%s: written as\n%s, %v\nwant\n%s", c.name, got, err, c.want)
		}
	}
}

func TestEncodeRefusesWhatKafkaCouldNotRead(t *testing.T) {
	for name, v := range map[string]Value{
		"listener without protocol": &Broker{Version: 5, Endpoints: []Endpoint{{"IN", "h", 1}}},
		"broker of no version":      &Broker{},
		"topic of a later version":  &Topic{Version: 4},
		"negative partition":        &Topic{Version: 3, Partitions: map[int32][]int32{-1: {1}}},
		"recovery state":            &PartitionState{Version: 1, RecoveryState: 2},
		"negative epoch":            &ControllerEpoch{Epoch: -1},
		"principal without type":    &ResourceACL{Version: 1, Entries: []ACLEntry{{Principal: "a"}}},
		"notification of nothing":   &LiteralACLChange{},
		"entity of no type":         &ConfigChange{Version: 2},
		"empty token id":            &TokenChange{},
		"broker entity of no id":    &ConfigChange{Version: 2, Entity: Entity{Type: Brokers, Name: "one"}},
		"text that is not UTF-8":    &ConsumerRegistration{Version: 1, Pattern: "\xff"},
	} {
		if data, err := v.Encode(); err == nil {
			t.Errorf("%s: written as %s", name, data)
		}
	}
}

// TestProblems holds each defect to its problem and its field.
func TestProblems(t *testing.T) {
	const state = "/brokers/topics/t/partitions/0/state"
	const deep = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
	for _, c := range []struct {
		path, payload string
		problem       Problem
		field         string
	}{
		{state, "", ProblemEmpty, ""},
		{state, "{", ProblemSyntax, ""},
		{state, "not JSON", ProblemSyntax, ""},
		{state, `{"a":1}x`, ProblemSyntax, ""},
		{state, `{"a":01}`, ProblemSyntax, ""},
		{state, `{"a":1.}`, ProblemSyntax, ""},
		{state, `{"a":1e}`, ProblemSyntax, ""},
		{state, `{"a":-}`, ProblemSyntax, ""},
		{state, `{"a":"` + "\n" + `"}`, ProblemSyntax, ""},
		{state, `{"a":"` + "\xff" + `"}`, ProblemSyntax, ""},
		{state, `{"a":"\t` + "\xff" + `"}`, ProblemSyntax, ""},
		{state, `{"a":"\ud800"}`, ProblemSyntax, ""},
		{state, `{"a":"\ud800\u0041"}`, ProblemSyntax, ""},
		{state, `{"a":"\u12"}`, ProblemSyntax, ""},
		{state, `{"a":"\u12g4"}`, ProblemSyntax, ""},
		{state, `{"a":"\x"}`, ProblemSyntax, ""},
		{state, `{"a":"b`, ProblemSyntax, ""},
		{state, `{"a" 1}`, ProblemSyntax, ""},
		{state, `{a:1}`, ProblemSyntax, ""},
		{state, `{"a":[1 2]}`, ProblemSyntax, ""},
		{state, `{"a":nul}`, ProblemSyntax, ""},
		{state, `{"leader":1,"leader":2}`, ProblemDuplicate, ""},
		{state, `{"a":{"b":1,"\u0062":2}}`, ProblemDuplicate, ""},
		{state, deep, ProblemLimit, ""},
		{state, `[]`, ProblemType, ""},
		{state, `null`, ProblemType, ""},
		{state, `{"version":1,"leader_epoch":5,"isr":[1],"controller_epoch":3}`, ProblemMissing, "leader"},
		{state, `{"version":1,"leader":1,"leader_epoch":5,"controller_epoch":3}`, ProblemMissing, "isr"},
		{state, `{"version":1,"leader":"1"}`, ProblemType, "leader"},
		{state, `{"version":1,"leader":1.0}`, ProblemType, "leader"},
		{state, `{"version":1,"leader":2147483648}`, ProblemRange, "leader"},
		{state, `{"version":1,"leader":1,"leader_epoch":99999999999999999999}`, ProblemRange, "leader_epoch"},
		{state, `{"version":1,"leader":1,"leader_epoch":5,"isr":[1,"2"],"controller_epoch":3}`, ProblemType, "isr[1]"},
		{state, `{"version":1,"leader":1,"leader_epoch":5,"isr":[1,2147483648],"controller_epoch":3}`, ProblemRange, "isr[1]"},
		{state, `{"version":1,"leader":1,"leader_epoch":5,"isr":{},"controller_epoch":3}`, ProblemType, "isr"},
		{state, `{"version":1,"leader":1,"leader_epoch":5,"isr":[1],"controller_epoch":3,"leader_recovery_state":2}`, ProblemRange, "leader_recovery_state"},
		{state, `{"version":2,"leader":1,"leader_epoch":5,"isr":[1],"controller_epoch":3}`, ProblemVersion, "version"},
		{state, `{"leader":1,"leader_epoch":5,"isr":[1],"controller_epoch":3}`, ProblemVersion, "version"},
		{"/brokers/topics/t", `{"version":3,"partitions":{"00":[1]}}`, ProblemRange, "partitions"},
		{"/brokers/topics/t", `{"version":3,"partitions":{"-1":[1]}}`, ProblemRange, "partitions"},
		{"/brokers/topics/t", `{"version":3,"partitions":{"0":1}}`, ProblemType, "partitions.0"},
		{"/brokers/topics/t", `{"version":3,"partitions":{"0":["1"]}}`, ProblemType, "partitions.0[0]"},
		{"/brokers/topics/t", `{"version":3,"partitions":{},"topic_id":"short"}`, ProblemRange, "topic_id"},
		{"/brokers/topics/t", `{"version":3,"partitions":{},"topic_id":7}`, ProblemType, "topic_id"},
		{"/brokers/topics/t", `{"version":4,"partitions":{}}`, ProblemVersion, "version"},
		{"/brokers/ids/1", `{"host":"h","port":1,"jmx_port":-1}`, ProblemMissing, "version"},
		{"/brokers/ids/1", `{"version":1,"port":1,"jmx_port":-1}`, ProblemMissing, "host"},
		{"/brokers/ids/1", `{"version":1,"host":"h","jmx_port":-1}`, ProblemMissing, "port"},
		{"/brokers/ids/1", `{"version":4,"host":"h","port":1}`, ProblemMissing, "jmx_port"},
		{"/brokers/ids/1", `{"version":4,"jmx_port":-1}`, ProblemMissing, "endpoints"},
		{"/brokers/ids/1", `{"version":4,"jmx_port":-1,"endpoints":["IN://h:1"]}`, ProblemMissing, "listener_security_protocol_map.IN"},
		{"/brokers/ids/1", `{"version":4,"jmx_port":-1,"endpoints":["SSL://h:1"],"listener_security_protocol_map":{}}`, ProblemMissing, "listener_security_protocol_map.SSL"},
		{"/brokers/ids/1", `{"version":4,"jmx_port":-1,"endpoints":[],"listener_security_protocol_map":{"A":"TLS"}}`, ProblemRange, "listener_security_protocol_map.A"},
		{"/brokers/ids/1", `{"version":4,"jmx_port":-1,"endpoints":["h:1"]}`, ProblemRange, "endpoints[0]"},
		{"/brokers/ids/1", `{"version":4,"jmx_port":-1,"endpoints":["SSL://h:65536"]}`, ProblemRange, "endpoints[0]"},
		{"/brokers/ids/1", `{"version":4,"jmx_port":-1,"endpoints":[],"timestamp":5}`, ProblemType, "timestamp"},
		{"/brokers/ids/1", `{"version":5,"jmx_port":-1,"endpoints":[],"features":{"f":{"min_version":1}}}`, ProblemMissing, "features.f.max_version"},
		{"/brokers/ids/1", `{"version":6,"jmx_port":-1,"endpoints":[]}`, ProblemVersion, "version"},
		{"/controller", `{"version":1}`, ProblemMissing, "brokerid"},
		{"/controller", `-1`, ProblemRange, ""},
		{"/controller", `{"version":3,"brokerid":1}`, ProblemVersion, "version"},
		{"/controller_epoch", "", ProblemEmpty, ""},
		{"/controller_epoch", " 1", ProblemSyntax, ""},
		{"/controller_epoch", "1\n", ProblemSyntax, ""},
		{"/controller_epoch", "-1", ProblemRange, ""},
		{"/controller_epoch", "2147483648", ProblemRange, ""},
		{"/cluster/id", `{"version":1,"id":"rLNcgVNsSNmYgrtGlXBcJQ"}`, ProblemType, "version"},
		{"/cluster/id", `{"version":"1","id":"rLNcgVNsSNmYgrtGlXBcJQ="}`, ProblemRange, "id"},
		{"/cluster/id", `{"version":"2","id":"rLNcgVNsSNmYgrtGlXBcJQ"}`, ProblemVersion, "version"},
		{"/feature", `{"version":3,"status":1,"features":{}}`, ProblemVersion, "version"},
		{"/feature", `{"version":2,"status":2,"features":{}}`, ProblemRange, "status"},
		{"/feature", `{"version":2,"features":{}}`, ProblemMissing, "status"},
		{"/feature", `{"version":2,"status":1,"features":{"f":{"max_version_level":0}}}`, ProblemRange, "features.f.max_version_level"},
		{"/feature", `{"version":1,"status":1,"features":{"f":{"max_version_level":1,"min_version_level":2}}}`, ProblemRange, "features.f"},
		{"/migration", `{"version":1,"kraft_metadata_offset":1,"kraft_controller_id":1,"kraft_metadata_epoch":1,"kraft_controller_epoch":1}`, ProblemVersion, "version"},
		{"/migration", `{"version":0}`, ProblemMissing, "kraft_controller_id"},
		{"/latest_producer_id_block", "", ProblemEmpty, ""},
		{"/latest_producer_id_block", `{"version":1,"broker":1,"block_start":1,"block_end":"2"}`, ProblemType, "block_start"},
		{"/latest_producer_id_block", `{"version":1,"broker":1,"block_start":"a","block_end":"2"}`, ProblemSyntax, "block_start"},
		{"/latest_producer_id_block", `{"version":1,"broker":1,"block_start":"9223372036854775808","block_end":"2"}`, ProblemRange, "block_start"},
		{"/admin/reassign_partitions", `{}`, ProblemMissing, "partitions"},
		{"/admin/reassign_partitions", `{"version":1,"partitions":[{"topic":"a","partition":0,"replicas":[1],"log_dirs":["any"]}]}`, ProblemUnknownField, "partitions[0].log_dirs"},
		{"/admin/reassign_partitions", `{"version":1,"partitions":[],"x":1}`, ProblemUnknownField, "x"},
		{"/admin/reassign_partitions", `{"version":1,"partitions":[{"topic":"a","partition":-1,"replicas":[]}]}`, ProblemRange, "partitions[0].partition"},
		{"/admin/preferred_replica_election", `{"version":1}`, ProblemMissing, "partitions"},
		{"/admin/preferred_replica_election", `{"version":1,"partitions":["a"]}`, ProblemType, "partitions[0]"},
		{"/config/topics/t", `garbage`, ProblemSyntax, ""},
		{"/config/topics/t", `{"version":1}`, ProblemMissing, "config"},
		{"/config/topics/t", `{"version":1,"config":[]}`, ProblemType, "config"},
		{"/config/topics/t", `{"version":1,"config":{"a":1}}`, ProblemType, "config.a"},
		{"/config/topics/t", `{"version":2,"config":{}}`, ProblemVersion, "version"},
		{"/config/changes/config_change_0000000000", `{"version":2,"entity_path":"topics"}`, ProblemRange, "entity_path"},
		{"/config/changes/config_change_0000000000", `{"version":2,"entity_path":"things/t"}`, ProblemRange, "entity_path"},
		{"/config/changes/config_change_0000000000", `{"version":2,"entity_path":"clients/a/clients/b"}`, ProblemRange, "entity_path"},
		{"/config/changes/config_change_0000000000", `{"version":1,"entity_type":"topics"}`, ProblemMissing, "entity_name"},
		{"/config/changes/config_change_0000000000", `{"version":3,"entity_path":"topics/t"}`, ProblemVersion, "version"},
		{"/config/changes/config_change_0000000000", `7`, ProblemType, ""},
		{"/kafka-acl/Topic/t", `{"version":1,"acls":[{"principal":"a","permissionType":"Allow","host":"*","operation":"Read"}]}`, ProblemRange, "acls[0].principal"},
		{"/kafka-acl/Topic/t", `{"version":1,"acls":[{"principal":"User:a","permissionType":"Allow","operation":"Read"}]}`, ProblemMissing, "acls[0].host"},
		{"/kafka-acl/Topic/t", `{"version":2,"acls":[]}`, ProblemVersion, "version"},
		{"/kafka-acl-changes/acl_changes_0000000000", `Topic`, ProblemSyntax, ""},
		{"/kafka-acl-changes/acl_changes_0000000000", `:t`, ProblemSyntax, ""},
		{"/kafka-acl-extended-changes/acl_changes_0000000000", `{"version":1,"resourceType":"GROUP","name":"g","patternType":"MATCH"}`, ProblemRange, "patternType"},
		{"/delegation_token/tokens/x", `{"version":1,"owner":"%zz","renewers":[]}`, ProblemRange, "owner"},
		{"/delegation_token/tokens/x", `{"version":1,"owner":"a","renewers":[],"issueTimestamp":"1"}`, ProblemType, "issueTimestamp"},
		{"/delegation_token/tokens/x", `{"version":2,"owner":"a","renewers":[],"issueTimestamp":1,"maxTimestamp":1,"expiryTimestamp":1,"tokenId":"x"}`, ProblemVersion, "version"},
		{"/isr_change_notification/isr_change_0000000000", `{"version":1,"partitions":[{"topic":"a"}]}`, ProblemMissing, "partitions[0].partition"},
		{"/log_dir_event_notification/log_dir_event_0000000000", `{"version":1,"broker":1}`, ProblemMissing, "event"},
		{"/consumers/g/ids/c", `{"version":1,"pattern":"other","subscription":{}}`, ProblemRange, "pattern"},
		{"/consumers/g/ids/c", `{"version":1,"pattern":"static","subscription":{"t":-1}}`, ProblemRange, "subscription.t"},
		{"/consumers/g/owners/t/0", `nodash`, ProblemSyntax, ""},
		{"/consumers/g/owners/t/0", `c-x`, ProblemSyntax, "thread"},
		{"/consumers/g/offsets/t/0", `1.5`, ProblemSyntax, ""},
	} {
		n, err := Classify(c.path)
		if err != nil {
			t.Fatal(err)
		}
		v, err := Parse(c.path, n.Kind, []byte(c.payload))
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Problem != c.problem || e.Field != c.field || e.Path != c.path || e.Kind != n.Kind {
			t.Errorf("%s: %s\nerror %v, want %v of %q", c.path, c.payload, err, c.problem, c.field)
			continue
		}
		if (v != nil) != e.Readable() {
			t.Errorf("%s: %s: value %v with error %v", c.path, c.payload, v, err)
		}
		if !strings.HasPrefix(err.Error(), c.path+": "+n.Kind.String()+": ") || len(err.Error()) > 400 {
			t.Errorf("message does not say where, or too much: %s", err)
		}
	}
}

func TestNullDataIsAProblemOfItsOwn(t *testing.T) {
	for _, g := range readGolden(t) {
		n, err := Classify(g.path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(g.path, n.Kind, nil)
		switch n.Kind {
		case KindConfig, KindProducerIDBlock, BrokerSequence, DeleteTopicMarker:
			if err != nil {
				t.Errorf("%s: null data is legal: %v", g.path, err)
			}
		default:
			if e, ok := errors.AsType[*Error](err); !ok || e.Problem != ProblemNull {
				t.Errorf("%s: null data gives %v", g.path, err)
			}
		}
	}
}

func TestDataIsBounded(t *testing.T) {
	huge := make([]byte, DataBytesMax+1)
	for _, path := range []string{"/brokers/topics/t", "/controller_epoch"} {
		n, err := Classify(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(path, n.Kind, huge)
		if e, ok := errors.AsType[*Error](err); !ok || e.Problem != ProblemLimit {
			t.Errorf("%s: %d bytes give %v", path, len(huge), err)
		}
	}
}

func TestStates(t *testing.T) {
	for _, c := range []struct {
		controller Controller
		want       bool
	}{{Controller{KRaftEpoch: NoKRaftEpoch}, false}, {Controller{}, false}, {Controller{KRaftEpoch: 1}, true}} {
		if c.controller.KRaft() != c.want {
			t.Errorf("controller of KRaft epoch %d: KRaft %v", c.controller.KRaftEpoch, !c.want)
		}
	}
	for offset, want := range map[int64]bool{-1: false, 0: true, 7: true} {
		if m := (&Migration{MetadataOffset: offset}); m.Copied() != want {
			t.Errorf("migration at offset %d: copied %v", offset, !want)
		}
	}
}

func BenchmarkParsePartitionState(b *testing.B) {
	data := []byte(`{"controller_epoch":3,"leader":1,"version":1,"leader_epoch":5,"isr":[1,2,3]}`)
	for b.Loop() {
		if _, err := ParsePartitionState("/brokers/topics/t/partitions/0/state", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	for b.Loop() {
		if _, err := Classify("/brokers/topics/orders/partitions/17/state"); err != nil {
			b.Fatal(err)
		}
	}
}
