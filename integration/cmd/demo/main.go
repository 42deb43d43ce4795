// Command demo shows a real Kafka broker living on an ensemble of three coord
// nodes: it starts all of them on loopback, takes a topic from its creation to its
// deletion, and prints after each step what Kafka's clients see and which znodes
// stand behind it. In between it kills the node that leads.
//
// It needs a JDK 17 and Maven; Kafka's jars are downloaded once. Everything it
// starts ends with it, and its files are removed. BACKEND=java tells the same
// story on Java ZooKeeper.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"kafkacoord/integration/backend"
	"kafkacoord/integration/ensemble"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/kafka"
)

const (
	// nodeCount is how many servers form the ensemble.
	nodeCount = 3
	// exitInterrupted is what shells give a program that Ctrl-C ended.
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	interrupted := ctx.Err() != nil
	stop()
	if interrupted {
		fmt.Fprintln(os.Stderr, "demo: interrupted")
		os.Exit(exitInterrupted)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run tells the story and cleans up after it, whatever its end.
func run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "coord-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	out := newScreen(os.Stdout)
	out.title("A real Kafka broker on three coord nodes")
	began := time.Now()
	nodes, err := newNodes(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopNodes(nodes)) }()
	if err := startNodes(ctx, out, nodes); err != nil {
		return err
	}
	broker, err := startBroker(ctx, out, dir, nodes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Kill()) }()

	story, err := newStory(out, nodes, broker)
	if err != nil {
		return err
	}
	defer story.close()
	if err := story.tell(ctx); err != nil {
		return err
	}
	if err := out.step(ctx, "stop the broker", broker.Stop); err != nil {
		return err
	}
	if err := out.step(ctx, "stop the nodes", func() error { return stopNodes(nodes) }); err != nil {
		return err
	}
	out.end(time.Since(began))
	return nil
}

// newNodes prepares the ensemble.
func newNodes(ctx context.Context, dir string) (*ensemble.Ensemble, error) {
	kind := ensemble.Coord
	if os.Getenv(backend.Variable) == "java" {
		kind = ensemble.Java(javazk.Newest)
	}
	return ensemble.New(ctx, ensemble.Options{Dir: dir, Kinds: slices.Repeat([]ensemble.Kind{kind}, nodeCount)})
}

func startNodes(ctx context.Context, out *screen, nodes *ensemble.Ensemble) error {
	return out.step(ctx, fmt.Sprintf("start %d nodes", nodeCount), func() error {
		for _, node := range nodes.Members {
			if err := node.Launch(ctx); err != nil {
				return err
			}
			out.say("node %v on %s (pid %d)", node, node.Connect(), node.Pid())
		}
		leader, err := nodes.AwaitLeader(ctx)
		if err != nil {
			return err
		}
		out.say("node %v leads, the others follow", leader)
		return nil
	})
}

func stopNodes(nodes *ensemble.Ensemble) error {
	var problems []error
	for _, node := range nodes.Members {
		problems = append(problems, node.Stop())
	}
	return errors.Join(problems...)
}

func startBroker(ctx context.Context, out *screen, dir string, nodes *ensemble.Ensemble) (*kafka.Broker, error) {
	connect := strings.Join(nodes.Addresses(), ",")
	var broker *kafka.Broker
	err := out.step(ctx, "start a Kafka "+kafka.Newest+" broker", func() (err error) {
		broker, err = kafka.Start(ctx, kafka.Options{ZooKeeperConnect: connect, Dir: filepath.Join(dir, "broker"), Progress: out})
		if err != nil {
			return err
		}
		out.say("zookeeper.connect=%s", connect)
		out.say("listens on %s (pid %d)", broker.Address(), broker.Process().Pid())
		return nil
	})
	return broker, err
}
