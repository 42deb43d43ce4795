package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"kafkacoord/integration/ensemble"
	"kafkacoord/integration/kafka"
)

const (
	topic = "orders"
	group = "billing"
	// recordCount is how many records are produced and consumed.
	recordCount = 10_000
	// patience bounds the wait for what the controller does after its answer.
	patience = 60 * time.Second
)

// story is the life of one topic, told through Kafka's own clients, with the
// znodes read beside them.
type story struct {
	out    *screen
	nodes  *ensemble.Ensemble
	broker *kafka.Broker
	znodes *zk.Conn
	client *kgo.Client
	admin  *kadm.Client
}

func newStory(out *screen, nodes *ensemble.Ensemble, broker *kafka.Broker) (*story, error) {
	znodes, _, err := zk.Connect(nodes.Addresses(), 20*time.Second, zk.WithLogger(quiet{}))
	if err != nil {
		return nil, fmt.Errorf("connect to read znodes: %w", err)
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(broker.Address()), kgo.DefaultProduceTopic(topic), kgo.MetadataMinAge(10*time.Millisecond),
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
	)
	if err != nil {
		znodes.Close()
		return nil, fmt.Errorf("make a Kafka client: %w", err)
	}
	return &story{out: out, nodes: nodes, broker: broker, znodes: znodes, client: client, admin: kadm.NewClient(client)}, nil
}

// quiet drops the log of the client library.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

func (s *story) close() {
	s.client.Close()
	s.znodes.Close()
}

func (s *story) tell(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"the broker has registered and is the controller", s.registered},
		{"create topic " + topic + " with 3 partitions", s.create},
		{"list the topics", s.list},
		{"describe " + topic, s.describe},
		{"alter " + topic + ": 3 partitions become 6", s.alterPartitions},
		{"alter " + topic + ": retention.ms becomes 3600000", s.alterConfig},
		{"produce " + strconv.Itoa(recordCount) + " records", s.produce},
		{"consume them in the group " + group, s.consume},
		{"kill the leader (SIGKILL) while records and znodes are written", s.killLeader},
		{"start the killed node again", s.restartNode},
		{"delete " + topic + " and watch its znodes go", s.remove},
	} {
		if err := s.out.step(ctx, step.name, func() error { return step.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// show prints a znode's data as it stands.
func (s *story) show(path string) error {
	data, _, err := s.znodes.Get(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	s.out.say("%-28s %s", path, data)
	return nil
}

func (s *story) registered(context.Context) error {
	path := fmt.Sprintf("/brokers/ids/%d", s.broker.ID())
	_, stat, err := s.znodes.Get(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	s.out.say("%-28s ephemeral, owned by session 0x%x", path, uint64(stat.EphemeralOwner))
	return s.show("/controller")
}

func (s *story) create(ctx context.Context) error {
	if _, err := s.admin.CreateTopic(ctx, 3, 1, nil, topic); err != nil {
		return err
	}
	return s.show("/brokers/topics/" + topic)
}

func (s *story) list(ctx context.Context) error {
	topics, err := s.admin.ListTopics(ctx)
	if err != nil {
		return err
	}
	if !topics.Has(topic) {
		return fmt.Errorf("%s is not among %v", topic, topics.Names())
	}
	s.out.say("%s", strings.Join(topics.Names(), ", "))
	return nil
}

func (s *story) describe(ctx context.Context) error {
	// A request of our own: the client's would be answered from its cache.
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{{Topic: kmsg.StringPtr(topic)}}
	response, err := request.RequestWith(ctx, s.client)
	if err != nil {
		return err
	}
	for _, t := range response.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return err
		}
		slices.SortFunc(t.Partitions, func(a, b kmsg.MetadataResponseTopicPartition) int { return int(a.Partition - b.Partition) })
		for _, p := range t.Partitions {
			s.out.say("partition %d: leader %d, replicas %v, in sync %v", p.Partition, p.Leader, p.Replicas, p.ISR)
		}
	}
	return nil
}

func (s *story) alterPartitions(ctx context.Context) error {
	responses, err := s.admin.UpdatePartitions(ctx, 6, topic)
	if err != nil {
		return err
	}
	if err := responses.Error(); err != nil {
		return err
	}
	return s.show("/brokers/topics/" + topic)
}

func (s *story) alterConfig(ctx context.Context) error {
	value := "3600000"
	responses, err := s.admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &value}}, topic)
	if err != nil {
		return err
	}
	if err := responses[0].Err; err != nil {
		return err
	}
	return s.show("/config/topics/" + topic)
}

func (s *story) produce(ctx context.Context) error {
	records := make([]*kgo.Record, recordCount)
	for i := range records {
		records[i] = kgo.KeyStringRecord(strconv.Itoa(i), "order "+strconv.Itoa(i))
	}
	// The client may not know the partitions that were just added; it does
	// not have to, as every record finds one.
	results := s.client.ProduceSync(ctx, records...)
	if err := results.FirstErr(); err != nil {
		return err
	}
	perPartition := make(map[int32]int)
	for _, result := range results {
		perPartition[result.Record.Partition]++
	}
	for _, partition := range slices.Sorted(maps.Keys(perPartition)) {
		s.out.say("partition %d: %d records", partition, perPartition[partition])
	}
	return nil
}

func (s *story) consume(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	seen := make(map[string]bool, recordCount)
	for len(seen) < recordCount {
		fetches := s.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("after %d of %d records: %w", len(seen), recordCount, err)
		}
		for record := range fetches.RecordsAll() {
			seen[string(record.Key)] = true
		}
	}
	if err := s.client.CommitUncommittedOffsets(ctx); err != nil {
		return fmt.Errorf("commit the offsets: %w", err)
	}
	s.out.say("%d different records, offsets committed", len(seen))
	return nil
}

// remove deletes the topic. The controller answers first and takes the znodes
// away after that; each is shown with the time it took.
func (s *story) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// A consumer that goes on reading would only log that its topic went.
	s.client.LeaveGroup()
	start := time.Now()
	if _, err := s.admin.DeleteTopic(ctx, topic); err != nil {
		return err
	}
	for _, path := range []string{"/brokers/topics/" + topic, "/config/topics/" + topic, "/admin/delete_topics/" + topic} {
		if err := s.waitGone(ctx, path); err != nil {
			return err
		}
		s.out.say("%-28s gone after %v", path, time.Since(start).Round(time.Millisecond))
	}
	return nil
}

// waitGone follows the znode with a watch until it does not exist.
func (s *story) waitGone(ctx context.Context, path string) error {
	for {
		exists, _, changed, err := s.znodes.ExistsW(path)
		if err != nil {
			return fmt.Errorf("watch %s: %w", path, err)
		}
		if !exists {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s is still there", path), ctx.Err())
		}
	}
}
