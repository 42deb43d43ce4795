package integration_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	ledgerTopic      = "ledger"
	ledgerPartitions = 6
	// ledgerPause is the time from one record to the next.
	ledgerPause = 2 * time.Millisecond
)

// place is where Kafka has put a record.
type place struct {
	partition int32
	offset    int64
}

// ledger produces numbered records, with acks=all and idempotence, and notes where
// those are that were acknowledged.
type ledger struct {
	cluster *cluster
	client  *kgo.Client
	stop    func()

	mu         sync.Mutex
	places     map[int]place
	newest     time.Time // when the latest acknowledgement came
	longestGap time.Duration
}

// openLedger makes the topic and starts to produce. A record that cannot be
// produced fails the test.
func (c *cluster) openLedger(t *testing.T) *ledger {
	t.Helper()
	c.createTopic(t, ledgerTopic, ledgerPartitions)
	client, err := kgo.NewClient(
		kgo.SeedBrokers(c.addresses()...), kgo.DefaultProduceTopic(ledgerTopic), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()),
	)
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{cluster: c, client: client, places: make(map[int]place), newest: time.Now()}
	ctx, cancel := context.WithCancel(t.Context())
	var producing sync.WaitGroup
	producing.Go(func() {
		ticker := time.NewTicker(ledgerPause)
		defer ticker.Stop()
		for number := 0; ctx.Err() == nil; number++ {
			// The context is not the one that ends the loop: what was begun is awaited.
			client.Produce(t.Context(), kgo.StringRecord(strconv.Itoa(number)), func(r *kgo.Record, err error) {
				l.note(t, number, r, err)
			})
			select {
			case <-ctx.Done():
			case <-ticker.C:
			}
		}
	})
	l.stop = sync.OnceFunc(func() {
		cancel()
		producing.Wait()
	})
	t.Cleanup(func() {
		l.stop()
		client.Close()
	})
	l.expectProgress(t)
	return l
}

// note keeps the outcome of one record. The client calls it for one at a time.
func (l *ledger) note(t *testing.T, number int, r *kgo.Record, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		t.Errorf("produce record %d: %v", number, err)
		return
	}
	now := time.Now()
	l.longestGap = max(l.longestGap, now.Sub(l.newest))
	l.newest = now
	l.places[number] = place{r.Partition, r.Offset}
}

func (l *ledger) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.places)
}

// resetGap begins to look for the longest gap anew.
func (l *ledger) resetGap() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.longestGap = 0
}

// gap is the longest time between two acknowledgements.
func (l *ledger) gap() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.longestGap.Round(time.Millisecond)
}

// expectProgress returns after a hundred more records.
func (l *ledger) expectProgress(t *testing.T) {
	t.Helper()
	before := l.acknowledged()
	eventually(t, "produce goes on", func() error {
		if now := l.acknowledged(); now < before+100 {
			return fmt.Errorf("%d records since", now-before)
		}
		return nil
	})
}

// close ends the load, waits for what is under way, and reads everything back:
// every acknowledged record has to be where it was put, and nowhere else.
func (l *ledger) close(t *testing.T) {
	t.Helper()
	l.stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := l.client.Flush(ctx); err != nil {
		t.Fatalf("wait for the last records: %v", err)
	}
	found := l.readBack(ctx, t)
	var lost, elsewhere int
	for number, want := range l.places {
		switch got := found[number]; {
		case len(got) == 0:
			lost++
			t.Errorf("record %d, acknowledged at %+v, is lost", number, want)
		case len(got) > 1 || got[0] != want:
			elsewhere++
			t.Errorf("record %d, acknowledged at %+v, is at %+v", number, want, got)
		}
	}
	t.Logf("%d records acknowledged, %d lost, %d twice or elsewhere", len(l.places), lost, elsewhere)
}

// readBack returns the places of all records by number.
func (l *ledger) readBack(ctx context.Context, t *testing.T) map[int][]place {
	t.Helper()
	ends, err := kadm.NewClient(l.client).ListEndOffsets(ctx, ledgerTopic)
	if err != nil {
		t.Fatalf("list the end of every partition: %v", err)
	}
	var rest int64
	ends.Each(func(end kadm.ListedOffset) { rest += end.Offset })
	consumer, err := kgo.NewClient(
		kgo.SeedBrokers(l.cluster.addresses()...), kgo.ConsumeTopics(ledgerTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	found := make(map[int][]place)
	for rest > 0 {
		fetches := consumer.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("read the records back (%d left): %v", rest, err)
		}
		for r := range fetches.RecordsAll() {
			number, err := strconv.Atoi(string(r.Value))
			if err != nil {
				t.Fatalf("consumed %q, which was not produced", r.Value)
			}
			found[number] = append(found[number], place{r.Partition, r.Offset})
			rest--
		}
	}
	return found
}
