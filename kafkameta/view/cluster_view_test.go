package view

import (
	"fmt"
	"slices"
	"testing"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// viewFrom makes a view of paths and data, with what is missing above them.
func viewFrom(t *testing.T, data map[string]string) *View {
	t.Helper()
	v := newView(Source{}, "")
	var add func(path string)
	add = func(path string) {
		if v.At(path) != nil {
			return
		}
		if path != model.RootPath {
			add(parentOf(path))
		}
		var payload []byte
		if text, there := data[path]; there {
			payload = []byte(text)
		}
		v.put(newZnode(path, payload, wire.Stat{Version: 7}, nil))
	}
	for path := range data {
		add(path)
	}
	return v
}

// TestAccessors finds everything of a cluster where Kafka put it.
func TestAccessors(t *testing.T) {
	v := viewFrom(t, map[string]string{
		"/brokers/ids/10": `{"version":1,"host":"h","port":1,"jmx_port":-1}`, "/brokers/ids/2": `bad`, "/brokers/ids/one": "",
		"/brokers/topics/b": `{"version":1,"partitions":{"0":[1]}}`, "/brokers/topics/a": "bad",
		"/brokers/topics/b/partitions/10/state": `{"controller_epoch":17,"leader":1,"version":1,"leader_epoch":3,"isr":[1]}`,
		"/brokers/topics/b/partitions/9":        "", "/brokers/topics/b/partitions/x": "",
		"/config/users/u": `{"version":1,"config":{}}`, "/config/users/u/clients/c": `{"version":1,"config":{}}`,
		"/config/brokers/<default>": `{"version":1,"config":{}}`,
		"/kafka-acl/Topic/t":        `{"version":1,"acls":[]}`, "/kafka-acl-extended/prefixed/Group/g": `{"version":1,"acls":[]}`,
		"/delegation_token/tokens/x": "bad", "/admin/delete_topics/gone": "",
		"/config/changes/config_change_0000000010": "", "/config/changes/config_change_0000000009": "", "/config/changes/other": "",
		"/consumers/g/ids/c": "bad", "/consumers/g/owners/t/1": "c-0", "/consumers/g/offsets/t/1": "5",
		"/controller": "bad", "/controller_epoch": "17",
	})
	var got []string
	note := func(format string, a ...any) { got = append(got, fmt.Sprintf(format, a...)) }
	for _, b := range v.Brokers() {
		note("broker %d %t", b.ID, b.Registration != nil)
	}
	for _, topic := range v.Topics() {
		note("topic %s %t", topic.Name, topic.Assignment != nil)
		for _, p := range topic.Partitions {
			note("partition %d %t epoch %d", p.ID, p.State != nil, p.Epoch())
		}
	}
	for _, e := range model.EntityTypes {
		for _, c := range v.Configs(e) {
			note("config %s %t", c.Entity, c.Values != nil)
		}
	}
	for _, a := range v.ACLs() {
		note("ACL %s %t", a.Resource, a.ACL != nil)
	}
	for _, n := range v.Queue(model.Queues[0]) {
		note("notification %d", n.Sequence)
	}
	for _, g := range v.Groups() {
		note("group %s %d %d %d", g.Name, len(g.Members), len(g.Owners), len(g.Offsets))
	}
	z, controller := v.Controller()
	_, epoch := v.ControllerEpoch()
	note("controller %t %t epoch %d tokens %d deletions %v", z != nil, controller != nil, epoch.Epoch, len(v.Tokens()), v.Deletions())
	z, id := v.ClusterID()
	note("cluster id %t %t", z != nil, id != nil)
	want := []string{
		"broker 2 false", "broker 10 true",
		"topic a false", "topic b true", "partition 9 false epoch -1", "partition 10 true epoch 7",
		"config users/u true", "config users/u/clients/c true", "config brokers/<default> true",
		"ACL literal Topic t true", "ACL prefixed Group g true",
		"notification 9", "notification 10", "group g 1 1 1",
		"controller true false epoch 17 tokens 1 deletions [gone]", "cluster id false false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if _, there := v.Partition("b", 3); there {
		t.Error("a partition that is not there")
	}
	if p, there := v.Partition("b", 10); !there || p.State.Leader != 1 {
		t.Error("a partition is missing")
	}
	previous := ""
	for z := range v.Nodes() {
		if z.Path != model.RootPath && (z.Path <= previous || z.Parent() == nil) {
			t.Errorf("%s comes after %s", z.Path, previous)
		}
		previous = z.Path
	}
}
