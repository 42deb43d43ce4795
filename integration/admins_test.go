package integration_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"kafkacoord/integration/kafka"
)

// topicAdmin is what the topic suite does, as one client library or tool does
// it. describe answers with the number of partitions, config with the value of
// one key that was set on the topic.
type topicAdmin struct {
	name          string
	create        func(ctx context.Context, topic string, partitions int, key, value string) error
	list          func(ctx context.Context) ([]string, error)
	describe      func(ctx context.Context, topic string) (int, error)
	addPartitions func(ctx context.Context, topic string, total int) error
	setConfig     func(ctx context.Context, topic, key, value string) error
	config        func(ctx context.Context, topic, key string) (string, error)
	remove        func(ctx context.Context, topic string) error
}

// topicAdmins returns sarama, franz-go and Kafka's own tools, connected to the
// brokers until the test ends. They put a replica on every broker.
func (c *cluster) topicAdmins(t *testing.T) []topicAdmin {
	t.Helper()
	saramaAdmin, err := sarama.NewClusterAdmin(c.addresses(), saramaConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := saramaAdmin.Close(); err != nil {
			t.Errorf("close sarama's admin client: %v", err)
		}
	})
	// The client answers from its cache what is younger than this.
	franzClient, err := kgo.NewClient(kgo.SeedBrokers(c.addresses()...), kgo.MetadataMinAge(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(franzClient.Close)
	return []topicAdmin{
		adminBySarama(saramaAdmin, len(c.brokers)),
		adminByFranz(kadm.NewClient(franzClient), len(c.brokers)),
		adminByTools(c.broker, len(c.brokers)),
	}
}

// persistent is the same admin, trying again what has failed, as applications do:
// a broker whose server is cut off may not get an answer, or an old one. What a
// try without answer has done after all, the next one is told.
func (a topicAdmin) persistent(t *testing.T) topicAdmin {
	t.Helper()
	try := func(what string, done []error, do func() error) error {
		tries := 0
		eventually(t, a.name+" can "+what, func() error {
			tries++
			err := do()
			if tries > 1 && slices.ContainsFunc(done, func(code error) bool { return errors.Is(err, code) }) {
				return nil
			}
			return err
		})
		return nil
	}
	create, addPartitions, setConfig, remove := a.create, a.addPartitions, a.setConfig, a.remove
	a.create = func(ctx context.Context, topic string, partitions int, key, value string) error {
		return try("create "+topic, []error{kerr.TopicAlreadyExists, sarama.ErrTopicAlreadyExists}, func() error {
			return create(ctx, topic, partitions, key, value)
		})
	}
	a.addPartitions = func(ctx context.Context, topic string, total int) error {
		return try("add partitions to "+topic, []error{kerr.InvalidPartitions, sarama.ErrInvalidPartitions}, func() error {
			return addPartitions(ctx, topic, total)
		})
	}
	a.setConfig = func(ctx context.Context, topic, key, value string) error {
		return try("configure "+topic, nil, func() error { return setConfig(ctx, topic, key, value) })
	}
	a.remove = func(ctx context.Context, topic string) error {
		done := []error{kerr.UnknownTopicOrPartition, sarama.ErrUnknownTopicOrPartition}
		return try("delete "+topic, done, func() error { return remove(ctx, topic) })
	}
	return a
}

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.Return.Successes = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	return config
}

func adminBySarama(admin sarama.ClusterAdmin, replicas int) topicAdmin {
	return topicAdmin{
		name: "sarama",
		create: func(_ context.Context, topic string, partitions int, key, value string) error {
			return admin.CreateTopic(topic, &sarama.TopicDetail{
				NumPartitions: int32(partitions), ReplicationFactor: int16(replicas), ConfigEntries: map[string]*string{key: &value},
			}, false)
		},
		list: func(context.Context) ([]string, error) {
			topics, err := admin.ListTopics()
			names := make([]string, 0, len(topics))
			for name := range topics {
				names = append(names, name)
			}
			return names, err
		},
		describe: func(_ context.Context, topic string) (int, error) {
			described, err := admin.DescribeTopics([]string{topic})
			if err != nil {
				return 0, err
			}
			if described[0].Err != sarama.ErrNoError {
				return 0, described[0].Err
			}
			return len(described[0].Partitions), nil
		},
		addPartitions: func(_ context.Context, topic string, total int) error {
			return admin.CreatePartitions(topic, int32(total), nil, false)
		},
		setConfig: func(_ context.Context, topic, key, value string) error {
			return admin.IncrementalAlterConfig(sarama.TopicResource, topic, map[string]sarama.IncrementalAlterConfigsEntry{
				key: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value},
			}, false)
		},
		config: func(_ context.Context, topic, key string) (string, error) {
			described, err := admin.DescribeConfigs([]*sarama.ConfigResource{
				{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{key}},
			}, sarama.DescribeConfigsOptions{})
			if err != nil {
				return "", err
			}
			if described[0].ErrorCode != sarama.ErrNoError || len(described[0].Configs) != 1 {
				return "", fmt.Errorf("%d entries for %s: %w", len(described[0].Configs), key, described[0].ErrorCode)
			}
			return described[0].Configs[0].Value, nil
		},
		remove: func(_ context.Context, topic string) error { return admin.DeleteTopic(topic) },
	}
}

func adminByFranz(admin *kadm.Client, replicas int) topicAdmin {
	return topicAdmin{
		name: "franz-go",
		create: func(ctx context.Context, topic string, partitions int, key, value string) error {
			_, err := admin.CreateTopic(ctx, int32(partitions), int16(replicas), map[string]*string{key: &value}, topic)
			return err
		},
		list: func(ctx context.Context) ([]string, error) {
			topics, err := admin.ListTopics(ctx)
			return topics.Names(), err
		},
		describe: func(ctx context.Context, topic string) (int, error) {
			topics, err := admin.ListTopics(ctx, topic)
			if err != nil {
				return 0, err
			}
			return len(topics[topic].Partitions), topics[topic].Err
		},
		addPartitions: func(ctx context.Context, topic string, total int) error {
			responses, err := admin.UpdatePartitions(ctx, total, topic)
			if err != nil {
				return err
			}
			return responses.Error()
		},
		setConfig: func(ctx context.Context, topic, key, value string) error {
			responses, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: key, Value: &value}}, topic)
			if err != nil {
				return err
			}
			return responses[0].Err
		},
		config: func(ctx context.Context, topic, key string) (string, error) {
			configs, err := admin.DescribeTopicConfigs(ctx, topic)
			if err != nil {
				return "", err
			}
			resource, err := configs.On(topic, nil)
			if err != nil {
				return "", err
			}
			for _, entry := range resource.Configs {
				if entry.Key == key {
					return entry.MaybeValue(), nil
				}
			}
			return "", fmt.Errorf("no entry for %s", key)
		},
		remove: func(ctx context.Context, topic string) error {
			_, err := admin.DeleteTopic(ctx, topic)
			return err
		},
	}
}

func adminByTools(broker *kafka.Broker, replicas int) topicAdmin {
	entity := func(topic string, arguments ...string) []string {
		return append([]string{"--entity-type", "topics", "--entity-name", topic}, arguments...)
	}
	return topicAdmin{
		name: "Kafka's tools",
		create: func(ctx context.Context, topic string, partitions int, key, value string) error {
			_, err := broker.Topics(ctx, "--create", "--topic", topic, "--partitions", strconv.Itoa(partitions),
				"--replication-factor", strconv.Itoa(replicas), "--config", key+"="+value)
			return err
		},
		list: func(ctx context.Context) ([]string, error) {
			output, err := broker.Topics(ctx, "--list")
			return strings.Fields(output), err
		},
		describe: func(ctx context.Context, topic string) (int, error) {
			output, err := broker.Topics(ctx, "--describe", "--topic", topic)
			return strings.Count(output, "Leader: "+strconv.Itoa(broker.ID())), err
		},
		addPartitions: func(ctx context.Context, topic string, total int) error {
			_, err := broker.Topics(ctx, "--alter", "--topic", topic, "--partitions", strconv.Itoa(total))
			return err
		},
		setConfig: func(ctx context.Context, topic, key, value string) error {
			_, err := broker.Configs(ctx, entity(topic, "--alter", "--add-config", key+"="+value)...)
			return err
		},
		config: func(ctx context.Context, topic, key string) (string, error) {
			output, err := broker.Configs(ctx, entity(topic, "--describe")...)
			if err != nil {
				return "", err
			}
			fields := strings.Fields(output)
			at := slices.IndexFunc(fields, func(f string) bool { return strings.HasPrefix(f, key+"=") })
			if at < 0 {
				return "", fmt.Errorf("no %s in %q", key, output)
			}
			return strings.TrimPrefix(fields[at], key+"="), nil
		},
		remove: func(ctx context.Context, topic string) error {
			_, err := broker.Topics(ctx, "--delete", "--topic", topic)
			return err
		},
	}
}
