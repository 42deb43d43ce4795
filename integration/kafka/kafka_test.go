package kafka_test

import (
	"os"
	"strings"
	"testing"

	"kafkacoord/integration/backend"
	"kafkacoord/integration/kafka"
)

// Every version starts, and its own tools create a topic and change its
// configuration.
func TestEveryVersionServesItsOwnTools(t *testing.T) {
	zookeeper := backend.StartTest(t, backend.Options{})
	for _, version := range kafka.Versions() {
		t.Run(version, func(t *testing.T) {
			ctx := t.Context()
			broker := kafka.StartTest(t, kafka.Options{
				Version:          version,
				ZooKeeperConnect: zookeeper.Connect() + "/kafka-" + version,
			})
			if _, err := broker.Topics(ctx, "--create", "--topic", "orders", "--partitions", "2", "--replication-factor", "1"); err != nil {
				t.Fatal(err)
			}
			topics, err := broker.Topics(ctx, "--list")
			if err != nil {
				t.Fatal(err)
			}
			if strings.TrimSpace(topics) != "orders" {
				t.Fatalf("topics = %q, want orders", topics)
			}
			topic := []string{"--entity-type", "topics", "--entity-name", "orders"}
			if _, err := broker.Configs(ctx, append(topic, "--alter", "--add-config", "retention.ms=60000")...); err != nil {
				t.Fatal(err)
			}
			config, err := broker.Configs(ctx, append(topic, "--describe")...)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(config, "retention.ms=60000") {
				t.Fatalf("configuration = %q, want retention.ms=60000", config)
			}
			if err := broker.Stop(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(broker.LogFile()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestUnknownVersionNamesTheKnownOnes(t *testing.T) {
	_, err := kafka.Jars("4.0.0")
	if err == nil || !strings.Contains(err.Error(), "0.10.2.2") {
		t.Fatalf("err = %v", err)
	}
}
