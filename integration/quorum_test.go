package integration_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"kafkacoord/integration/backend"
	"kafkacoord/integration/ensemble"
	"kafkacoord/integration/extent"
	"kafkacoord/integration/fault"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/kafka"
	"kafkacoord/integration/network"
)

const (
	// quorumSize is how many servers there are, and how many brokers on them.
	quorumSize = 3
	// quorumSessionTimeout lets a broker notice that its server is silent, after
	// two thirds of it, and find another in time.
	quorumSessionTimeout = 12 * time.Second
)

// quorum is an ensemble with brokers on it.
type quorum struct {
	*cluster
	ensemble *ensemble.Ensemble
	network  *network.Network // nil: nobody can be cut off
}

// TestKafkaOnQuorum takes topics through their life while the members of an
// ensemble are killed, held up and cut off one at a time, and records flow all the
// while: none is lost, no broker loses its session, and the controller stays. Then
// its broker is killed, and another one becomes it.
func TestKafkaOnQuorum(t *testing.T) {
	q := startQuorum(t)
	admins := q.topicAdmins(t)[:2] // Kafka's tools start a JVM for each step
	ledger := q.openLedger(t)
	sessions := q.sessions(t)
	faults := []fault.Fault{fault.LeaderKilled, fault.FollowerPaused, fault.FollowerCutOff, fault.LeaderCutOff}
	if extent.Long() {
		faults = fault.All
	}
	for i, f := range faults {
		admin := admins[i%len(admins)]
		held := t.Run(f.String()+", topics by "+admin.name, func(t *testing.T) {
			if f.Partition() && q.network == nil {
				t.Skip("NOT TESTED: the members have no network of their own")
			}
			q.testLifeDuring(t, f, admin.persistent(t), ledger)
			q.expectSessions(t, sessions)
		})
		if !held {
			t.FailNow() // the ensemble is not what the next fault needs
		}
	}
	t.Run("controller killed", func(t *testing.T) { q.testControllerKilled(t, sessions, ledger) })
	ledger.close(t)
}

func startQuorum(t *testing.T) *quorum {
	t.Helper()
	q := &quorum{cluster: &cluster{}}
	kind := ensemble.Coord
	if os.Getenv(backend.Variable) == "java" {
		kind = ensemble.Java(javazk.Newest)
	} else {
		q.network = network.StartTest(t, quorumSize)
	}
	options := ensemble.Options{Network: q.network}
	for range quorumSize {
		options.Kinds = append(options.Kinds, kind)
	}
	q.ensemble = ensemble.StartTest(t, options)
	for id := range quorumSize {
		q.brokers = append(q.brokers, kafka.StartTest(t, kafka.Options{
			ZooKeeperConnect: strings.Join(q.ensemble.Addresses(), ","),
			BrokerID:         id,
			SessionTimeout:   quorumSessionTimeout,
			Config:           []string{"min.insync.replicas=2"},
		}))
	}
	q.broker = q.brokers[0]
	q.client = connect(t, q.ensemble.Addresses()...)
	return q
}

// testLifeDuring takes a topic through its life while a member is not what it
// should be, and once more when all is well again.
func (q *quorum) testLifeDuring(t *testing.T, f fault.Fault, admin topicAdmin, l *ledger) {
	l.resetGap()
	damage, err := f.Strike(t.Context(), q.ensemble)
	if err != nil {
		t.Fatal(err)
	}
	if f.Role() != fault.Everyone { // without a quorum, Kafka's controller waits
		q.testTopics(t, admin)
	}
	l.expectProgress(t)
	if f.Role() == fault.Leader {
		if leader, err := q.ensemble.AwaitLeader(t.Context()); err != nil {
			t.Fatal(err)
		} else if leader == damage.Victims[0] {
			t.Fatalf("member %v still leads", leader)
		}
	}
	if err := damage.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	q.testTopics(t, admin)
	l.expectProgress(t)
	t.Logf("victims %v, connections %d; longest time without an acknowledged record: %v", damage.Victims, damage.Clients, l.gap())
}

// sessions are the ephemeral znodes of all brokers, by path.
func (q *quorum) sessions(t *testing.T) map[string]*zk.Stat {
	t.Helper()
	all := make(map[string]*zk.Stat)
	_, all["/controller"] = q.mustRead(t, "/controller")
	for _, b := range q.brokers {
		_, all[registration(b)] = q.mustRead(t, registration(b))
	}
	return all
}

// expectSessions checks that every broker still has the session that it had, and
// that the controller is the one that it was.
func (q *quorum) expectSessions(t *testing.T, before map[string]*zk.Stat) {
	t.Helper()
	for path, stat := range before {
		q.expectSame(t, path, stat)
	}
	if epoch, _ := q.mustRead(t, "/controller_epoch"); string(epoch) != "1" {
		t.Errorf("/controller_epoch = %q, want 1: the controller was elected again", epoch)
	}
}

// testControllerKilled kills the broker that is the controller: its session ends,
// another broker becomes the controller, and the sessions of the others stay.
func (q *quorum) testControllerKilled(t *testing.T, before map[string]*zk.Stat, l *ledger) {
	var was controllerRecord
	q.readJSON(t, "/controller", &was)
	dead := q.brokers[was.BrokerID]
	if err := dead.Kill(); err != nil {
		t.Fatal(err)
	}
	var is controllerRecord
	eventually(t, "another broker is the controller", func() error {
		// It may go between two looks at it.
		data, _, err := q.read(t, "/controller")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(data, &is); err != nil {
			return fmt.Errorf("decode %q: %w", data, err)
		}
		if is == was {
			return fmt.Errorf("it is still broker %d", is.BrokerID)
		}
		return nil
	})
	l.expectProgress(t)
	if epoch, _ := q.mustRead(t, "/controller_epoch"); string(epoch) != "2" {
		t.Errorf("/controller_epoch = %q, want 2", epoch)
	}
	for _, b := range q.brokers {
		if b != dead {
			q.expectSame(t, registration(b), before[registration(b)])
		}
	}
	if err := dead.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, again := q.mustRead(t, registration(dead)); again.EphemeralOwner == before[registration(dead)].EphemeralOwner {
		t.Errorf("broker %d came back with the session of the killed one", dead.ID())
	}
	l.expectProgress(t)
}
