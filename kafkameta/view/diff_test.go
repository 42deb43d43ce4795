package view

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// TestDiffAndLogLeadFromViewToView: the changes between two views, and those
// of the log between their zxids, make the second view of the first.
func TestDiffAndLogLeadFromViewToView(t *testing.T) {
	cluster := testCluster{chroot: "/kafka", brokers: 3, topics: 6, partitions: 3}
	fsys := cluster.files(t)
	w := newWorkload(t, connect(t, startServer(t, fsys), cluster.chroot), cluster, 3)
	directory := Directory{Path: "/data/version-2", Chroot: cluster.chroot, FS: fsys}
	load := func(at wire.Zxid) *View {
		d := directory
		d.At = at
		v, err := LoadDirectory(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	before := load(0)
	for range 150 {
		w.step()
	}
	after := load(0)
	if _, err := w.client.SetACL(t.Context(), model.ControllerPath, []wire.ACL{{Perms: wire.PermRead, ID: wire.AnyoneID}}, -1); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		w.step()
	}

	requireSame(t, load(before.Zxid), before)
	requireSame(t, load(after.Zxid), after)
	byDiff := retell(before)
	changes := Diff(before, after)
	byDiff.hear(changes)
	if !byDiff.agrees(after) {
		t.Error("the difference does not lead to the second view")
	}
	if !slices.IsSortedFunc(changes, func(a, b Change) int { return comparePaths(a.Path(), b.Path()) }) {
		t.Error("the difference is not in order")
	}
	if rest := Diff(after, after); len(rest) > 0 {
		t.Errorf("a view differs from itself: %v", rest[0].Describe())
	}

	for _, end := range []*View{after, load(0)} {
		byLog := retell(before)
		last := before.Zxid
		err := DiffLog(t.Context(), directory, before.Zxid, end.Zxid, func(c LogChange) error {
			if c.Zxid < last || c.Zxid > end.Zxid || len(c.Describe()) == 0 {
				t.Errorf("after %v comes %v: %v", last, c.Zxid, c.Describe())
			}
			last = c.Zxid
			byLog.hear([]Change{c.Change})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !byLog.agrees(end) {
			t.Errorf("the log does not lead to the view of %v", end.Zxid)
		}
	}
}

func TestHistoryThatIsNotThere(t *testing.T) {
	fsys := testCluster{brokers: 1}.files(t)
	for _, at := range []wire.Zxid{1, 1 << 40} {
		err := DiffLog(t.Context(), Directory{Path: "/data", FS: fsys}, at, 0, func(LogChange) error { return nil })
		if at > 1 && !errors.Is(err, ErrNoHistory) {
			t.Errorf("from %v: %v", at, err)
		}
	}
	if _, err := LoadDirectory(t.Context(), Directory{Path: "/nothing", FS: vfs.NewMemory()}); err == nil {
		t.Error("a directory that does not exist was loaded")
	}
}

// TestDescribe shows one line for each kind of change.
func TestDescribe(t *testing.T) {
	const states = "/brokers/topics/orders/partitions/3/state"
	state := func(leader, leaderEpoch, isr string) string {
		return `{"controller_epoch":17,"leader":` + leader + `,"version":1,"leader_epoch":` + leaderEpoch + `,"isr":[` + isr + `]}`
	}
	const absent = "absent"
	tests := []struct{ path, before, after, want string }{
		{states, state("1", "4", "1,2,3"), state("1", "4", "1,2"), "topic orders: partition 3 ISR shrank 1,2,3 -> 1,2 by controller epoch 17"},
		{states, state("1", "4", "1"), state("2", "5", "1,2"), "topic orders: partition 3 leader 1 -> 2, leader epoch 4 -> 5, by controller epoch 17|topic orders: partition 3 ISR grew 1 -> 1,2 by controller epoch 17"},
		{states, state("1", "4", "1"), state("-1", "5", "1"), "topic orders: partition 3 went offline: leader 1 -> none, leader epoch 4 -> 5, by controller epoch 17"},
		{states, absent, state("1", "0", "1,2"), "topic orders: partition 3 started with leader 1, ISR 1,2, leader epoch 0, by controller epoch 17"},
		{states, state("1", "4", "1"), absent, "topic orders: partition 3 has no state any more"},
		{states, state("1", "4", "1"), "garbage", `partition state ` + states + ` changed: ` + state("1", "4", "1") + ` -> "garbage"`},
		{states, state("1", "4", "1"), state("1", "4", "1"), "partition state " + states + ": written again, version 0 -> 0"},
		{"/brokers/topics/orders", absent, `{"version":2,"partitions":{"0":[1,2],"1":[2,3]},"adding_replicas":{},"removing_replicas":{}}`, "topic orders created with 2 partitions, replication factor 2"},
		{
			"/brokers/topics/orders", `{"version":2,"partitions":{"0":[1,2]},"adding_replicas":{},"removing_replicas":{}}`,
			`{"version":2,"partitions":{"0":[3,1,2],"1":[2,3]},"adding_replicas":{"0":[3]},"removing_replicas":{"0":[2]}}`,
			"topic orders: partition 0 replicas 1,2 -> 3,1,2|topic orders: partition 1 added on 2,3|topic orders: partition 0 reassignment started: adding 3, removing 2",
		},
		{"/controller", `{"version":1,"brokerid":1,"timestamp":"1"}`, `{"version":1,"brokerid":2,"timestamp":"2"}`, "controller: broker 1 -> broker 2"},
		{"/controller", `{"version":1,"brokerid":1,"timestamp":"1"}`, absent, "controller: broker 1 gave up or was lost"},
		{"/controller_epoch", "16", "17", "controller epoch 16 -> 17"},
		{"/config/topics/orders", `{"version":1,"config":{"a":"1","b":"2"}}`, `{"version":1,"config":{"b":"3","c":"4"}}`, `configuration of topics/orders: a removed, was "1"|configuration of topics/orders: b "2" -> "3"|configuration of topics/orders: c set to "4"`},
		{"/config/users/alice", absent, `{"version":1,"config":{"SCRAM-SHA-256":"salt=c2VjcmV0"}}`, "configuration of users/alice created|configuration of users/alice: SCRAM-SHA-256 set to [hidden]"},
		{"/config/brokers/1", absent, `not json but c2VjcmV0`, "config /config/brokers/1 created"},
		{"/delegation_token/tokens/c2VjcmV0", absent, "not json", "delegation token created"},
		{"/admin/delete_topics/orders", absent, "null", "topic orders: deletion asked for"},
		{"/admin/reassign_partitions", absent, `{"version":1,"partitions":[{"topic":"orders","partition":1,"replicas":[1,2]}]}`, "reassignment asked for: orders-1 to 1,2"},
		{"/kafka-acl/Topic/orders", absent, `{"version":1,"acls":[{"principal":"User:alice","permissionType":"Allow","operation":"Read","host":"*"}]}`, "ACL of literal Topic orders: now Allow User:alice to Read from host *"},
		{"/cluster", absent, "null", "cluster directory /cluster created"},
		{"/elsewhere", "a", "b", "unknown /elsewhere changed: a -> b"},
	}
	for _, test := range tests {
		node := func(data string, zxid wire.Zxid) *Znode {
			if data == absent {
				return nil
			}
			payload := []byte(data)
			if data == "null" {
				payload = nil
			}
			return newZnode(test.path, payload, wire.Stat{Czxid: 1, Mzxid: zxid}, nil)
		}
		got := strings.Join(Change{node(test.before, 1), node(test.after, 2)}.Describe(), "|")
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.path, got, test.want)
		}
		if strings.Contains(got, "c2VjcmV0") {
			t.Errorf("%s: a secret is shown: %s", test.path, got)
		}
	}
}

func TestPathOrder(t *testing.T) {
	ordered := []string{
		"/", "/brokers", "/brokers/topics", "/brokers/topics/a/partitions/2", "/brokers/topics/a/partitions/2/state",
		"/brokers/topics/a/partitions/10", "/brokers/topics/a-01", "/brokers/topics/a-1", "/brokers/topics/a-2", "/config",
	}
	shuffled := slices.Clone(ordered)
	slices.Reverse(shuffled)
	slices.SortFunc(shuffled, comparePaths)
	if !slices.Equal(shuffled, ordered) {
		t.Errorf("order: %v", shuffled)
	}
}
