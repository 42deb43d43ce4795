package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kafkacoord/integration/kafka"
)

// topicRecord is /brokers/topics/X, configRecord is /config/topics/X.
type topicRecord struct {
	Partitions map[string][]int `json:"partitions"`
	Version    int              `json:"version"`
}

type configRecord struct {
	Config map[string]string `json:"config"`
}

// testTopics takes one topic through its whole life and compares, after each
// step, what the client is told with what stands in the znodes.
func (c *cluster) testTopics(t *testing.T, admin topicAdmin) {
	ctx := t.Context()
	topic := "life-" + strings.NewReplacer(" ", "-", "'", "").Replace(admin.name)
	const key = "retention.ms"

	if err := admin.create(ctx, topic, 3, key, "3600000"); err != nil {
		t.Fatalf("create: %v", err)
	}
	c.expectPartitions(t, topic, 3)
	c.expectConfig(t, topic, key, "3600000")

	eventually(t, "the topic is listed", func() error {
		topics, err := admin.list(ctx)
		if err == nil && !slices.Contains(topics, topic) {
			err = fmt.Errorf("topics = %q", topics)
		}
		return err
	})
	expectDescribed(t, admin, topic, 3)

	if err := admin.addPartitions(ctx, topic, 5); err != nil {
		t.Fatalf("alter partitions: %v", err)
	}
	c.expectPartitions(t, topic, 5)
	expectDescribed(t, admin, topic, 5)

	if err := admin.setConfig(ctx, topic, key, "7200000"); err != nil {
		t.Fatalf("alter the configuration: %v", err)
	}
	c.expectConfig(t, topic, key, "7200000")
	// The broker learns of it from /config/changes, a moment later.
	eventually(t, "the broker has the new configuration", func() error {
		value, err := admin.config(ctx, topic, key)
		if err == nil && value != "7200000" {
			err = fmt.Errorf("%s = %q", key, value)
		}
		return err
	})

	if err := admin.remove(ctx, topic); err != nil {
		t.Fatalf("delete: %v", err)
	}
	c.expectGone(t, topic)
	eventually(t, "the topic is no longer listed", func() error {
		topics, err := admin.list(ctx)
		if err == nil && slices.Contains(topics, topic) {
			err = fmt.Errorf("topics = %q", topics)
		}
		return err
	})
}

func expectDescribed(t *testing.T, admin topicAdmin, topic string, partitions int) {
	t.Helper()
	eventually(t, fmt.Sprintf("the topic is described with %d partitions", partitions), func() error {
		got, err := admin.describe(t.Context(), topic)
		if err == nil && got != partitions {
			err = fmt.Errorf("%d partitions", got)
		}
		return err
	})
}

// expectPartitions checks the topic's assignment and that the controller has
// written the state of every partition: /brokers/topics/X/partitions/N/state.
func (c *cluster) expectPartitions(t *testing.T, topic string, want int) {
	t.Helper()
	var record topicRecord
	c.readJSON(t, "/brokers/topics/"+topic, &record)
	if len(record.Partitions) != want {
		t.Fatalf("/brokers/topics/%s has %d partitions, want %d", topic, len(record.Partitions), want)
	}
	for partition := range want {
		path := fmt.Sprintf("/brokers/topics/%s/partitions/%d/state", topic, partition)
		eventually(t, path+" is there", func() error {
			if !c.exists(t, path) {
				return fmt.Errorf("no %s", path)
			}
			return nil
		})
		var state struct{ Leader int }
		c.readJSON(t, path, &state)
		if !slices.ContainsFunc(c.brokers, func(b *kafka.Broker) bool { return b.ID() == state.Leader }) {
			t.Fatalf("leader of %s/%d = %d, which is no broker", topic, partition, state.Leader)
		}
	}
}

func (c *cluster) expectConfig(t *testing.T, topic, key, want string) {
	t.Helper()
	var record configRecord
	c.readJSON(t, "/config/topics/"+topic, &record)
	if record.Config[key] != want {
		t.Fatalf("/config/topics/%s: %s = %q, want %q", topic, key, record.Config[key], want)
	}
}

// expectGone waits until the controller has finished a deletion, which it does
// after the answer to the client: the order of deletes is Kafka's, the last of
// them /admin/delete_topics/X.
func (c *cluster) expectGone(t *testing.T, topic string) {
	t.Helper()
	for _, path := range []string{"/brokers/topics/" + topic, "/config/topics/" + topic, "/admin/delete_topics/" + topic} {
		eventually(t, path+" is gone", func() error {
			if c.exists(t, path) {
				return fmt.Errorf("%s is still there", path)
			}
			return nil
		})
	}
}
