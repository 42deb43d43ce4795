package integration_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"kafkacoord/integration/backend"
	"kafkacoord/integration/kafka"
	"kafkacoord/integration/server"
)

// patience bounds every wait for a condition. It is long, because a loaded
// machine is slow and a passing test never uses it up.
const patience = 90 * time.Second

// sessionTimeout is long enough for a broker on a starved machine to come back
// to a restarted server in time, and short enough to wait for its end.
const sessionTimeout = 10 * time.Second

// cluster is what one group of suites shares: one server, one broker on it,
// and a client of the test's own that reads what the broker wrote. On a quorum
// there are more brokers, broker being the first, and no single server.
type cluster struct {
	server  *server.Server
	broker  *kafka.Broker
	brokers []*kafka.Broker
	client  *zk.Conn
	chroot  string
}

// TestKafka391 runs every suite on a broker that has the server to itself and
// on one that lives in a chroot, in one order: the later ones disturb more.
func TestKafka391(t *testing.T) {
	for _, group := range []struct{ name, chroot string }{
		{"root", ""},
		{"chroot", "/kafka/east"},
	} {
		t.Run(group.name, func(t *testing.T) {
			c := startCluster(t, group.chroot)
			t.Run("broker registers", c.testBrokerRegisters)
			t.Run("controller elected", c.testControllerElected)
			for _, admin := range c.topicAdmins(t) {
				t.Run("topics by "+admin.name, func(t *testing.T) { c.testTopics(t, admin) })
			}
			t.Run("records by franz-go", c.testRecordsByFranz)
			t.Run("records by sarama", c.testRecordsBySarama)
			t.Run("server restarts under the broker", c.testServerRestarts)
			t.Run("server killed and restarted", c.testServerKilled)
			t.Run("broker killed", c.testBrokerKilled)
			t.Run("broker stopped", c.testBrokerStopped)
		})
	}
}

func startCluster(t *testing.T, chroot string) *cluster {
	t.Helper()
	s := backend.StartTest(t, backend.Options{})
	b := kafka.StartTest(t, kafka.Options{ZooKeeperConnect: s.Connect() + chroot, SessionTimeout: sessionTimeout})
	return &cluster{server: s, broker: b, brokers: []*kafka.Broker{b}, client: connect(t, s.Connect()), chroot: chroot}
}

// connect is a client of the test's own.
func connect(t *testing.T, addresses ...string) *zk.Conn {
	t.Helper()
	client, _, err := zk.Connect(addresses, 30*time.Second, zk.WithLogger(quiet{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// addresses are those of all brokers.
func (c *cluster) addresses() []string {
	var all []string
	for _, b := range c.brokers {
		all = append(all, b.Address())
	}
	return all
}

// quiet drops the client library's log: reconnections are what the tests make.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// eventually asks until the answer is nil, and fails the test with the last
// answer when patience ends.
func eventually(t *testing.T, what string, ask func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(25 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := ask()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waiting until %s: %v", what, err)
		case <-ticker.C:
		}
	}
}

// unreachable tells the errors that only say that the server is away from
// those that are its answers.
func unreachable(err error) bool {
	return errors.Is(err, zk.ErrConnectionClosed) || errors.Is(err, zk.ErrNoServer)
}

// read returns a znode of the broker's as it is now, waiting out a server that is
// away: the sync makes a follower catch up first.
func (c *cluster) read(t *testing.T, path string) (data []byte, stat *zk.Stat, err error) {
	t.Helper()
	eventually(t, "the server answers", func() error {
		if _, err = c.client.Sync(c.chroot + path); err == nil {
			data, stat, err = c.client.Get(c.chroot + path)
		}
		if unreachable(err) {
			return err
		}
		return nil
	})
	return data, stat, err
}

// mustRead is read for a znode that has to be there.
func (c *cluster) mustRead(t *testing.T, path string) ([]byte, *zk.Stat) {
	t.Helper()
	data, stat, err := c.read(t, path)
	if err != nil {
		t.Fatalf("get %s: %v", c.chroot+path, err)
	}
	return data, stat
}

func (c *cluster) exists(t *testing.T, path string) bool {
	t.Helper()
	_, _, err := c.read(t, path)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		t.Fatalf("get %s: %v", c.chroot+path, err)
	}
	return err == nil
}

// readJSON decodes a znode into target.
func (c *cluster) readJSON(t *testing.T, path string, target any) *zk.Stat {
	t.Helper()
	data, stat := c.mustRead(t, path)
	if err := json.Unmarshal(data, target); err != nil {
		t.Fatalf("decode %s (%q): %v", path, data, err)
	}
	return stat
}

// dump returns every znode below the path with its data.
func (c *cluster) dump(t *testing.T, path string) map[string]string {
	t.Helper()
	tree := make(map[string]string)
	var walk func(string)
	walk = func(path string) {
		data, _ := c.mustRead(t, path)
		tree[path] = string(data)
		children, _, err := c.client.Children(c.chroot + path)
		if err != nil {
			t.Fatalf("list %s: %v", c.chroot+path, err)
		}
		for _, child := range children {
			walk(path + "/" + child)
		}
	}
	walk(path)
	return tree
}

// registration is the path of the broker's ephemeral znode.
func (c *cluster) registration() string { return registration(c.broker) }

func registration(b *kafka.Broker) string { return fmt.Sprintf("/brokers/ids/%d", b.ID()) }

// connectionOf returns the line that the server's cons has for a session, or
// "" when no connection holds it. ZooKeeper: NIOServerCnxn.dumpConnectionInfo.
func (c *cluster) connectionOf(session int64) (string, error) {
	answer, err := c.server.FourLetterWord("cons")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(answer) {
		if strings.Contains(line, fmt.Sprintf("sid=0x%x,", uint64(session))) {
			return line, nil
		}
	}
	return "", nil
}

// waitConnected returns once the session is on a connection again.
func (c *cluster) waitConnected(t *testing.T, session int64) {
	t.Helper()
	eventually(t, "the broker is connected with its session", func() error {
		line, err := c.connectionOf(session)
		if err == nil && line == "" {
			err = fmt.Errorf("no connection of session 0x%x", uint64(session))
		}
		return err
	})
}
