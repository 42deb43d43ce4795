package main

import (
	"encoding/json"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
)

// answering is a server that answers each word with a text, and closes without
// one where it has none. It returns its address.
func answering(t *testing.T, words map[string]string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			word := make([]byte, 4)
			if _, err := io.ReadFull(nc, word); err == nil {
				_, _ = io.WriteString(nc, words[string(word)])
			}
			_ = nc.Close()
		}
	}()
	return l.Addr().String()
}

const (
	idle    = "This ZooKeeper instance is not currently serving requests\n"
	refused = "memb is not executed because it is not in the whitelist.\n"
)

func srvr(mode, zxid string) string {
	return "Zookeeper version: 3.9.4-7246445ec281f3dbf53dc54e970c914f39713903, built on 2025-08-19 19:53 UTC\n" +
		"Latency min/avg/max: 0/0.0/0\nReceived: 7\nSent: 6\nConnections: 4\nOutstanding: 0\nZxid: " + zxid + "\nMode: " + mode + "\nNode count: 5\n"
}

func conf(id, list string) string {
	return "clientPort=2181\nserverId=" + id + "\nmembership: \n" + list + "\nversion=0"
}

const list = "server.1=a:1:2:participant\nserver.2=b:1:2:participant\nserver.3=c:1:2:participant"

// javaMember answers like a Java server; memb it does not know.
func javaMember(id, mode, zxid, list string) map[string]string {
	return map[string]string{
		"srvr": srvr(mode, zxid), "conf": conf(id, list),
		"mntr": "zk_version\t3.9.4\nzk_server_state\t" + mode + "\nzk_peer_state\tdoing - broadcast\nzk_cnt_fsynctime\t3\nzk_avg_fsynctime\t1.5\nzk_digest_mismatches_count\t0\n",
	}
}

// coordLeader has one follower that lags, and one that does not serve.
const coordLeader = `{"version": "3.9.4-aa, built on x", "product_version": "v1", "serving": true, "mode": "leader", "zxid": "0x200000009",
"connections": 7, "disk": {"syncs": 5, "fsync_p99_ms": 2.25}, "member": {"id": 3, "peer_state": "leading - broadcast", "leader": 3, "epoch": 2,
"configured_list": "server.1=a:1:2:participant;0.0.0.0:2181\nserver.2=b:1:2:participant\nserver.3=c:1:2:participant\nversion=0",
"learners": [{"id": 1, "lag": 4, "serving": true}]}, "problems": ["server.2 is not in sync: synchronizing"]}`

const coordLooking = `{"version": "3.9.4-aa, built on x", "product_version": "v1", "serving": false, "mode": "", "zxid": "0x200000001",
"member": {"id": 2, "peer_state": "looking", "configured_list": ""}, "problems": ["does not serve (looking): waits for the votes of server.1"]}`

func TestStatusOfAnEnsemble(t *testing.T) {
	servers := strings.Join([]string{
		answering(t, javaMember("1", "follower", "0x200000007", list)),
		answering(t, map[string]string{"srvr": idle, "memb": coordLooking}),
		answering(t, map[string]string{"srvr": srvr("leader", "0x200000009"), "memb": coordLeader}),
	}, ",")
	out, _, err := run(t.Context(), "status", "--server", servers)
	if exitCode(err) != statusNotServing {
		t.Errorf("exit code %d, %v", exitCode(err), err)
	}
	for _, want := range [][]string{
		{"SERVER", "ADDRESS", "ROLE", "EPOCH", "ZXID", "LAG", "CONNECTIONS", "FSYNC", "VERSION"},
		{"1", "", "follower", "2", "0x200000007", "4", "4", "1.5", "ms", "3.9.4-7246445ec281f3dbf53dc54e970c914f39713903"},
		{"2", "", "looking", "-", "0x200000001", "-", "0", "-", "coord", "v1", "(3.9.4)"},
		{"3", "", "leader", "2", "0x200000009", "0", "7", "2.2", "ms", "coord", "v1", "(3.9.4)"},
		strings.Fields("! server.2: does not serve (looking): waits for the votes of server.1"),
		strings.Fields("! server.3: server.2 is not in sync: synchronizing"),
	} {
		if !hasRow(out, want) {
			t.Errorf("no row %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "different lists") {
		t.Errorf("lists that differ in client ports only are reported:\n%s", out)
	}
}

// hasRow looks for a line with these words; an empty one stands for any.
func hasRow(text string, want []string) bool {
	for line := range strings.Lines(text) {
		got := strings.Fields(line)
		if len(got) != len(want) {
			continue
		}
		for at := range want {
			if want[at] == "" {
				got[at] = ""
			}
		}
		if reflect.DeepEqual(got, want) {
			return true
		}
	}
	return false
}

// TestStatusFindsWhatNoMemberSees: what only the answers together show.
func TestStatusFindsWhatNoMemberSees(t *testing.T) {
	for want, words := range map[string][]map[string]string{
		"different lists of servers":           {javaMember("1", "follower", "0x1", list), javaMember("2", "leader", "0x1", list+"\nserver.4=d:1:2:observer")},
		"no server that was asked leads":       {javaMember("1", "follower", "0x1", list), javaMember("2", "follower", "0x1", list)},
		"several servers say that they lead":   {javaMember("1", "leader", "0x1", list), javaMember("2", "leader", "0x1", list)},
		"add memb to 4lw.commands.whitelist":   {{"srvr": srvr("leader", "0x1"), "memb": refused, "mntr": "zk_x\t1\n", "conf": conf("1", list)}},
		"add mntr and conf to 4lw":             {{"srvr": srvr("leader", "0x1")}},
		"3 digests of its data do not match":   {{"srvr": srvr("leader", "0x1"), "mntr": "zk_digest_mismatches_count\t3\n", "conf": conf("1", list)}},
		"closed the connection without an ans": {{"srvr": srvr("standalone", "0x1")}, {}},
	} {
		var servers []string
		for _, w := range words {
			servers = append(servers, answering(t, w))
		}
		out, _, _ := run(t.Context(), "status", "--server", strings.Join(servers, ","))
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestStatusExitCodes(t *testing.T) {
	serving := answering(t, javaMember("1", "follower", "0x1", list))
	electing := answering(t, map[string]string{"srvr": idle})
	silent := answering(t, nil)
	for servers, want := range map[string]int{
		serving: 0, electing: statusNotServing, silent: statusUnreachable,
		serving + "," + electing: statusNotServing, serving + "," + silent: statusNotServing, silent + "," + silent: statusUnreachable,
		"nowhere": statusUnreachable,
	} {
		if out, _, err := run(t.Context(), "status", "--server", servers); exitCode(err) != want {
			t.Errorf("%s: exit code %d (%v), want %d\n%s", servers, exitCode(err), err, want, out)
		}
	}
	for _, args := range [][]string{
		{"status", "--config", "/no/such/file"}, {"status", "-o", "xml", "--server", serving}, {"status", "extra"},
	} {
		if _, _, err := run(t.Context(), args...); exitCode(err) != statusUnreachable {
			t.Errorf("%q: exit code %d", args, exitCode(err))
		}
	}
}

func TestStatusTargets(t *testing.T) {
	for text, want := range map[string][]target{
		"clientPort=2182\n":                             {{0, "127.0.0.1:2182"}},
		"clientPort=2182\nclientPortAddress=10.0.0.1\n": {{0, "10.0.0.1:2182"}},
		"clientPort=2183\ninitLimit=1\nsyncLimit=1\nserver.1=zk1:1:2;2182\nserver.2=zk2:1:2;10.0.0.2:2184\nserver.3=0.0.0.0:1:2\n": {
			{1, "zk1:2182"}, {2, "10.0.0.2:2184"}, {3, "127.0.0.1:2183"},
		},
	} {
		got, err := statusTargets(&statusFlags{config: writeFile(t, "zoo.cfg", "dataDir=/d\n"+text)})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := statusTargets(&statusFlags{config: writeFile(t, "zoo.cfg", "dataDir=/d\n")}); err == nil {
		t.Error("a configuration without a client port names a server")
	}
}

// TestStatusAsJSON: the fields that programs read.
func TestStatusAsJSON(t *testing.T) {
	server := answering(t, map[string]string{"srvr": srvr("leader", "0x200000009"), "memb": coordLeader})
	out, _, err := run(t.Context(), "status", "--server", server, "-o", "json")
	var got struct {
		Members  []map[string]any `json:"members"`
		Problems []string         `json:"problems"`
	}
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || len(got.Members) != 1 {
		t.Fatalf("%s, error %v", out, err)
	}
	for field, want := range map[string]any{
		"id": 3.0, "role": "leader", "serving": true, "reachable": true, "epoch": 2.0, "lag": 0.0, "fsync_ms": 2.25, "zxid": "0x200000009",
	} {
		if got.Members[0][field] != want {
			t.Errorf("%s is %v, want %v", field, got.Members[0][field], want)
		}
	}
}
