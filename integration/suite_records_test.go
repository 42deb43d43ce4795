package integration_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// recordCount is how many records go through a consumer group.
const recordCount = 10_000

// createTopic makes a topic for records and waits until it has leaders.
func (c *cluster) createTopic(t *testing.T, topic string, partitions int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.addresses()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), int32(partitions), int16(len(c.brokers)), nil, topic); err != nil {
		t.Fatalf("create %s: %v", topic, err)
	}
	c.expectPartitions(t, topic, partitions)
}

// received counts the values "0" to recordCount-1 and refuses anything else.
type received struct {
	seen  [recordCount]bool
	count int
}

func (r *received) add(value []byte) error {
	n, err := strconv.Atoi(string(value))
	if err != nil || n < 0 || n >= recordCount {
		return fmt.Errorf("consumed %q, which was not produced", value)
	}
	if !r.seen[n] {
		r.seen[n] = true
		r.count++
	}
	return nil
}

func (c *cluster) testRecordsByFranz(t *testing.T) {
	const topic, group = "records-franz", "group-franz"
	c.createTopic(t, topic, 3)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	client, err := kgo.NewClient(
		kgo.SeedBrokers(c.broker.Address()), kgo.DefaultProduceTopic(topic),
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	records := make([]*kgo.Record, recordCount)
	for i := range records {
		records[i] = kgo.StringRecord(strconv.Itoa(i))
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatalf("produce: %v", err)
	}

	var got received
	for got.count < recordCount {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("consume (%d of %d): %v", got.count, recordCount, err)
		}
		for record := range fetches.RecordsAll() {
			if err := got.add(record.Value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatalf("commit the group's offsets: %v", err)
	}
	lags, err := kadm.NewClient(client).Lag(ctx, group)
	if err != nil {
		t.Fatal(err)
	}
	if lag := lags[group].Lag.Total(); lag != 0 {
		t.Fatalf("lag of the group = %d after everything was consumed", lag)
	}
	if !c.exists(t, "/brokers/topics/__consumer_offsets") {
		t.Error("the group's offsets topic has no znode")
	}
}

func (c *cluster) testRecordsBySarama(t *testing.T) {
	const topic, group = "records-sarama", "group-sarama"
	c.createTopic(t, topic, 3)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	addresses := []string{c.broker.Address()}

	producer, err := sarama.NewSyncProducer(addresses, saramaConfig())
	if err != nil {
		t.Fatal(err)
	}
	messages := make([]*sarama.ProducerMessage, recordCount)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(strconv.Itoa(i))}
	}
	if err := producer.SendMessages(messages); err != nil {
		t.Fatalf("produce: %v", err)
	}
	if err := producer.Close(); err != nil {
		t.Fatal(err)
	}

	consumers, err := sarama.NewConsumerGroup(addresses, group, saramaConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := consumers.Close(); err != nil {
			t.Errorf("close the consumer group: %v", err)
		}
	}()
	collector := &saramaCollector{values: make(chan []byte)}
	consumed := make(chan error, 1)
	consuming, stop := context.WithCancel(ctx)
	go func() {
		for consuming.Err() == nil {
			if err := consumers.Consume(consuming, []string{topic}, collector); err != nil {
				consumed <- err
				return
			}
		}
		consumed <- nil
	}()
	var got received
	for got.count < recordCount {
		select {
		case value := <-collector.values:
			if err := got.add(value); err != nil {
				t.Error(err)
			}
		case err := <-consumed:
			t.Fatalf("consume (%d of %d): %v", got.count, recordCount, err)
		case <-ctx.Done():
			t.Fatalf("consume (%d of %d): %v", got.count, recordCount, ctx.Err())
		}
	}
	stop()
	if err := <-consumed; err != nil {
		t.Errorf("leave the group: %v", err)
	}
}

// saramaCollector hands every value of every claimed partition to one reader.
type saramaCollector struct{ values chan []byte }

func (*saramaCollector) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*saramaCollector) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (s *saramaCollector) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			select {
			case s.values <- message.Value:
				session.MarkMessage(message, "")
			case <-session.Context().Done():
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}
