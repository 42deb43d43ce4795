package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord"
	"kafkacoord/coord/client"
	"kafkacoord/coord/config"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// kafkaCluster is a cluster's metadata on a server in this process.
type kafkaCluster struct {
	server string
	data   string
	client *client.Client
	node   *coord.Node
}

const clusterChroot = "/kafka"

// startKafkaCluster serves a healthy cluster of two brokers.
func startKafkaCluster(t *testing.T) *kafkaCluster {
	t.Helper()
	data := t.TempDir()
	cfg, _, err := config.Parse(strings.NewReader("dataDir="+data+"\nclientPortAddress=127.0.0.1\ncoord.listen.randomClientPort=true\n"), "test")
	if err != nil {
		t.Fatal(err)
	}
	node, err := coord.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	k := &kafkaCluster{server: node.ClientAddr(), data: data, node: node}
	t.Cleanup(func() { _ = node.Stop() }) // a test may have stopped it
	k.client, err = client.Dial(t.Context(), client.Config{Servers: []string{k.server}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.client.Close() }) // the server may be gone
	k.fill(t)
	return k
}

func (k *kafkaCluster) fill(t *testing.T) {
	t.Helper()
	for _, path := range model.TopLevelPaths {
		k.create(t, path, "")
	}
	k.create(t, "/cluster/id", `{"version":"1","id":"uLNcgVNsSNmYgrtGlXBcJQ"}`)
	k.create(t, "/controller_epoch", "0")
	if _, err := k.client.Set(t.Context(), clusterChroot+"/controller_epoch", []byte("1"), -1); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	for id := 1; id <= 2; id++ {
		k.createFlags(t, fmt.Sprintf("/brokers/ids/%d", id), fmt.Sprintf(`{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://b%d:9092"],"jmx_port":-1,"port":9092,"host":"b%d","version":5,"timestamp":"%d"}`, id, id, now), wire.FlagEphemeral)
	}
	k.createFlags(t, "/controller", fmt.Sprintf(`{"version":2,"brokerid":1,"timestamp":"%d","kraftControllerEpoch":-1}`, now), wire.FlagEphemeral)
	k.create(t, "/brokers/topics/orders", `{"partitions":{"0":[1,2],"1":[2,1]},"topic_id":"rLNcgVNsSNmYgrtGlXBcJQ","adding_replicas":{},"removing_replicas":{},"version":3}`)
	k.create(t, "/brokers/topics/orders/partitions/0/state", `{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":3,"isr":[1,2]}`)
	k.create(t, "/brokers/topics/orders/partitions/1/state", `{"controller_epoch":1,"leader":2,"version":1,"leader_epoch":4,"isr":[2,1]}`)
	k.create(t, "/config/topics/orders", `{"version":1,"config":{"retention.ms":"1000"}}`)
	key := "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	k.create(t, "/config/users/al%20ice", `{"version":1,"config":{"producer_byte_rate":"1024","SCRAM-SHA-256":"salt=YWJj,stored_key=`+key+`,server_key=`+key+`,iterations=4096"}}`)
	k.create(t, "/kafka-acl/Topic/orders", `{"version":1,"acls":[{"principal":"User:alice","permissionType":"Allow","host":"*","operation":"Read"}]}`)
}

func (k *kafkaCluster) create(t *testing.T, path, data string) { k.createFlags(t, path, data, 0) }

// createFlags makes a node of the cluster, and its parents.
func (k *kafkaCluster) createFlags(t *testing.T, path, data string, flags int32) {
	t.Helper()
	full := clusterChroot + path
	for i, c := range full {
		if c != '/' || i == 0 {
			continue
		}
		_, there, err := k.client.Exists(t.Context(), full[:i], false)
		if err == nil && !there {
			_, err = k.client.Create(t.Context(), full[:i], nil, 0, wire.OpenACL)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var payload []byte
	if data != "" {
		payload = []byte(data)
	}
	if _, err := k.client.Create(t.Context(), full, payload, flags, wire.OpenACL); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// kafka runs one of the commands against the cluster.
func (k *kafkaCluster) kafka(t *testing.T, args ...string) (out string, code int, err error) {
	t.Helper()
	args = append(append([]string{"kafka"}, args...), "--server", k.server, "--chroot", clusterChroot)
	out, _, err = run(t.Context(), args...)
	return out, exitCode(err), err
}

func TestKafkaTables(t *testing.T) {
	k := startKafkaCluster(t)
	for name, c := range map[string]struct {
		args []string
		rows []string // parts that one line of the table has, in this order
	}{
		"brokers":      {[]string{"brokers"}, []string{"1", "-", "PLAINTEXT://b1:9092", "1", "2", "yes"}},
		"controller":   {[]string{"controller"}, []string{"1", "ZooKeeper", "1", "0x"}},
		"topics":       {[]string{"topics"}, []string{"orders", "2", "2", "0", "0", "ok"}},
		"topic":        {[]string{"topic", "orders"}, []string{"1", "2", "2,1", "2,1", "-", "-", "4", "0", "-"}},
		"configs":      {[]string{"configs"}, []string{"users", "al ice", "-", "SCRAM-SHA-256", "(hidden)"}},
		"some configs": {[]string{"configs", "topics", "orders"}, []string{"topics", "orders", "-", "retention.ms", "1000"}},
		"quotas":       {[]string{"quotas"}, []string{"users", "al ice", "-", "producer_byte_rate", "1024"}},
		"acls":         {[]string{"acls"}, []string{"literal", "Topic", "orders", "User:alice", "Allow", "Read", "*"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, _, err := k.kafka(t, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if !hasCells(out, c.rows) {
				t.Errorf("no line with %q in\n%s", c.rows, out)
			}
			if strings.Contains(out, "stored_key") {
				t.Errorf("a credential is shown:\n%s", out)
			}
			out, _, err = k.kafka(t, append(c.args, "-o", "json")...)
			if err != nil || !json.Valid([]byte(out)) || strings.Contains(out, "stored_key") {
				t.Errorf("%v, JSON\n%s", err, out)
			}
		})
	}
}

// hasCells looks for a line with these texts in this order.
func hasCells(table string, cells []string) bool {
	for line := range strings.Lines(table) {
		found := true
		for _, cell := range cells {
			var before bool
			_, line, before = strings.Cut(line, cell)
			found = found && before
		}
		if found {
			return true
		}
	}
	return false
}

func TestKafkaExplain(t *testing.T) {
	k := startKafkaCluster(t)
	k.create(t, "/brokers/topics/stuck", `{"partitions":{"0":[1,9]},"topic_id":"sLNcgVNsSNmYgrtGlXBcJQ","adding_replicas":{"0":[9]},"removing_replicas":{},"version":3}`)
	k.create(t, "/brokers/topics/stuck/partitions/0/state", `{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":3,"isr":[1]}`)
	k.create(t, "/admin/delete_topics/stuck", "")
	k.create(t, "/brokers/ids/7", `{"endpoints":["PLAINTEXT://b7:9092"],"jmx_port":-1,"port":9092,"host":"b7","version":5,"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"}}`)
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{"broker", "1"}, []string{"Session 0x", "NodeExists", "leads 2 partitions", "It is the controller.", "nothing wrong"}},
		{[]string{"broker", "7"}, []string{"persistent", "KM-56"}},
		{[]string{"broker", "9"}, []string{"not registered", "Nothing blocks"}},
		{[]string{"topic", "orders"}, []string{"2 partitions", "nothing wrong"}},
		{[]string{"topic", "stuck"}, []string{"deletion was asked for", "waits for the reassignment", "not registered: 9", "adding 9"}},
	} {
		out, _, err := k.kafka(t, append([]string{"explain"}, c.args...)...)
		for _, text := range c.says {
			if err != nil || !strings.Contains(out, text) {
				t.Errorf("explain %v does not say %q: %v\n%s", c.args, text, err, out)
			}
		}
	}
	for _, args := range [][]string{{"broker", "x"}, {"topic", "nope"}} {
		if _, code, err := k.kafka(t, append([]string{"explain"}, args...)...); code != 1 {
			t.Errorf("explain %v: %v", args, err)
		}
	}
}

func TestKafkaCheck(t *testing.T) {
	k := startKafkaCluster(t)
	if out, code, err := k.kafka(t, "check", "--fail-on", "info"); code != 0 {
		t.Fatalf("healthy: %v\n%s", err, out)
	}
	k.create(t, "/brokers/topics/junk", "hello")
	for _, output := range []string{"text", "json", "junit", "sarif"} {
		out, code, err := k.kafka(t, "check", "--once", "-o", output)
		if code != 1 || !strings.Contains(out, "KM-02") || !strings.Contains(err.Error(), "1 findings of severity error") {
			t.Errorf("%s: exit code %d, %v\n%s", output, code, err, out)
		}
	}
	if out, code, err := k.kafka(t, "check", "--once", "--cluster-id", "other"); code != 1 || !strings.Contains(out, "KM-07") {
		t.Errorf("other cluster id: %v\n%s", err, out)
	}
	if err := k.client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := k.node.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, directory := range []string{k.data, filepath.Join(k.data, "version-2")} {
		out, _, err := run(t.Context(), "kafka", "check", "--snapshot", directory, "--chroot", clusterChroot)
		if exitCode(err) != 1 || !strings.Contains(out, "KM-02") || strings.Contains(out, "the view has no ACLs") {
			t.Errorf("%s: %v\n%s", directory, err, out)
		}
	}
}

func TestKafkaCheckCannotLook(t *testing.T) {
	k := startKafkaCluster(t)
	if _, err := k.client.SetACL(t.Context(), clusterChroot+"/config/users/al%20ice", []wire.ACL{{Perms: wire.PermAll, ID: wire.ID{Scheme: "digest", ID: "kafka:" + "x"}}}, -1); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no rights":        {[]string{"--timeout", "10s", "--server", k.server, "--chroot", "/kafka"}, "1 znodes could not be read"},
		"no chroot":        {[]string{"--server", k.server, "--chroot", "/kafak"}, "the chroot does not exist"},
		"no Kafka":         {[]string{"--timeout", "10s", "--server", k.server}, "1 chroots below hold one: /kafka"},
		"bad chroot":       {[]string{"--server", k.server, "--chroot", "kafka"}, "kafka"},
		"no server":        {[]string{"--server", "127.0.0.1:1", "--timeout", "1s"}, "127.0.0.1:1"},
		"no directory":     {[]string{"--snapshot", "/nowhere/data"}, "/nowhere/data"},
		"empty directory":  {[]string{"--snapshot", t.TempDir()}, ""},
		"bad severity":     {[]string{"--fail-on", "awful"}, "awful"},
		"bad form":         {[]string{"-o", "yaml"}, "yaml"},
		"rules as JUnit":   {[]string{"--list-rules", "-o", "junit"}, "junit"},
		"an argument":      {[]string{"all"}, "all"},
		"two sources":      {[]string{"--server", k.server, "--snapshot", "/d"}, "snapshot"},
		"no such earlier":  {[]string{"--server", k.server, "--earlier", "/nowhere/old"}, "/nowhere/old"},
		"no credentials":   {[]string{"--server", k.server, "--auth-file", "/nowhere/auth"}, "/nowhere/auth"},
		"bad credentials":  {[]string{"--server", k.server, "--auth-file", writeFile(t, "auth", "digest\n")}, "line 1"},
		"many credentials": {[]string{"--server", k.server, "--auth-file", writeFile(t, "auth", strings.Repeat("#", authFileBytesMax+1))}, "longer"},
	} {
		out, _, err := run(t.Context(), append([]string{"kafka", "check", "--once"}, c.args...)...)
		if code := exitCode(err); code != 2 || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: exit code %d, error %v\n%s", name, code, err, out)
		}
	}
}

func TestKafkaAuthFile(t *testing.T) {
	auth, err := readAuthFile(writeFile(t, "auth", "# for the brokers\n\ndigest kafka:pass word\r\nip 127.0.0.1\n"))
	want := []client.Auth{{Scheme: "digest", Data: []byte("kafka:pass word")}, {Scheme: "ip", Data: []byte("127.0.0.1")}}
	if err != nil || len(auth) != 2 || auth[0].Scheme != want[0].Scheme || !bytes.Equal(auth[0].Data, want[0].Data) || auth[1].Scheme != want[1].Scheme || !bytes.Equal(auth[1].Data, want[1].Data) {
		t.Errorf("%q, %v", auth, err)
	}
}

func TestKafkaListRules(t *testing.T) {
	out, _, err := run(t.Context(), "kafka", "check", "--list-rules")
	if err != nil || !strings.Contains(out, "KM-01") || !strings.Contains(out, "KM-97") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = run(t.Context(), "kafka", "check", "--list-rules", "-o", "json")
	var list []struct{ ID, Severity, Meaning, Fix string }
	if err != nil || json.Unmarshal([]byte(out), &list) != nil || len(list) != 97 || list[0].ID != "KM-01" || list[0].Fix == "" {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestKafkaCertify(t *testing.T) {
	k := startKafkaCluster(t)
	out, _, err := run(t.Context(), "kafka", "certify", "--list-scripts")
	if err != nil || strings.Count(out, "\n") < 10 {
		t.Fatalf("%v\n%s", err, out)
	}
	name := strings.Fields(strings.Split(out, "\n")[1])[0]
	out, _, err = run(t.Context(), "kafka", "certify", "--server", k.server, "--script", name)
	if err != nil || !strings.Contains(out, name) || !strings.Contains(out, "works") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = run(t.Context(), "kafka", "certify", "--server", k.server, "--script", name, "-o", "json")
	if err != nil || !json.Valid([]byte(out)) {
		t.Errorf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{"--script", "nonsense"}, {"--server", "127.0.0.1:1", "--timeout", "1s"}} {
		if _, _, err := run(t.Context(), append([]string{"kafka", "certify"}, args...)...); exitCode(err) != 2 {
			t.Errorf("%v: %v", args, err)
		}
	}
}
