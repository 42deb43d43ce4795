package rules_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"kafkacoord/compat/rules"
	"kafkacoord/coord"
	"kafkacoord/coord/client"
	"kafkacoord/coord/config"
	"kafkacoord/coord/vfs"
	"kafkacoord/integration/kafka"
	"kafkacoord/kafkameta/view"
)

const liveChroot = "/kafka"

// TestWhatRealBrokersWrite starts a broker of each line of Kafka, has its own
// tools write something of most kinds, and expects no finding, on the server as
// in its files.
func TestWhatRealBrokersWrite(t *testing.T) {
	for _, version := range []string{"0.10.2.2", "1.1.1", "2.4.1", "2.8.2", "3.9.1"} {
		t.Run(version, func(t *testing.T) {
			fs := vfs.NewMemory()
			cfg, _, err := config.Parse(strings.NewReader("dataDir=/data\nclientPortAddress=127.0.0.1\ncoord.listen.randomClientPort=true\n"), "test")
			if err != nil {
				t.Fatal(err)
			}
			node, err := coord.Start(t.Context(), cfg, coord.WithFS(fs))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := node.Stop(); err != nil {
					t.Error(err)
				}
			}()
			server := node.ClientAddr()
			broker := kafka.StartTest(t, kafka.Options{
				Version: version, ZooKeeperConnect: server + liveChroot, BrokerID: 1,
				Config: []string{"authorizer.class.name=" + authorizer(version), "super.users=User:ANONYMOUS"},
			})
			fromServer := func(ctx context.Context) (*view.View, error) {
				return view.LoadServer(ctx, view.Server{Client: client.Config{Servers: []string{server}, Chroot: liveChroot}, ACLs: view.ACLsOfAll})
			}
			fromFiles := func(ctx context.Context) (*view.View, error) {
				return view.LoadDirectory(ctx, view.Directory{Path: "/data", Chroot: liveChroot, FS: fs})
			}
			requireClean(t, "a fresh cluster on the server", fromServer)
			use(t, broker, server)
			requireClean(t, "a used cluster on the server", fromServer)
			requireClean(t, "a used cluster in files", fromFiles)
		})
	}
}

// authorizer is the class that keeps ACLs in ZooKeeper.
func authorizer(version string) string {
	if strings.HasPrefix(version, "0.") || strings.HasPrefix(version, "1.") {
		return "kafka.security.auth.SimpleAclAuthorizer"
	}
	return "kafka.security.authorizer.AclAuthorizer"
}

// use has the broker's tools write topics, settings, credentials, quotas and
// ACLs.
func use(t *testing.T, broker *kafka.Broker, server string) {
	t.Helper()
	step := func(_ string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	step(broker.Topics(t.Context(), "--create", "--topic", "orders", "--partitions", "3", "--replication-factor", "1"))
	step(broker.Topics(t.Context(), "--alter", "--topic", "orders", "--partitions", "4"))
	for _, change := range [][3]string{
		{"topics", "orders", "retention.ms=100000,cleanup.policy=[compact,delete]"},
		{"users", "al ice", "SCRAM-SHA-256=[password=x],SCRAM-SHA-512=[password=y]"},
		{"clients", "c1", "producer_byte_rate=1024,consumer_byte_rate=2048"},
	} {
		step(broker.Configs(t.Context(), "--alter", "--entity-type", change[0], "--entity-name", change[1], "--add-config", change[2]))
	}
	step(broker.Tool(t.Context(), "kafka.admin.AclCommand", "--authorizer-properties", "zookeeper.connect="+server+liveChroot,
		"--add", "--allow-principal", "User:alice", "--operation", "Read", "--topic", "orders", "--group", "app"))
}

// requireClean checks a cluster to which nothing may be wrong.
func requireClean(t *testing.T, what string, load func(context.Context) (*view.View, error)) {
	t.Helper()
	report, err := rules.Run(t.Context(), load, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if code := report.ExitCode(rules.Info); code != rules.ExitClean {
		var text bytes.Buffer
		if err := report.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s: exit code %d\n%s", what, code, text.String())
	}
}
