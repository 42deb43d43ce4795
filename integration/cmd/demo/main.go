// Command demo shows a real Kafka broker living on coord: it starts both on
// loopback, takes a topic from its creation to its deletion, and prints after
// each step what Kafka's clients see and which znodes stand behind it.
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
	"strings"
	"syscall"
	"time"

	"kafkacoord/integration/backend"
	"kafkacoord/integration/kafka"
	"kafkacoord/integration/server"
)

// nodeCount is how many servers form the ensemble.
const nodeCount = 1

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
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
	out.title("A real Kafka broker on coord")
	began := time.Now()
	nodes, err := startNodes(ctx, out, dir)
	defer func() { err = errors.Join(err, stopNodes(nodes)) }()
	if err != nil {
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
	if err := out.step(ctx, "stop the broker, then the server", broker.Stop); err != nil {
		return err
	}
	if err := stopNodes(nodes); err != nil {
		return err
	}
	out.end(time.Since(began))
	return nil
}

// startNodes returns the nodes that run, also when one of them failed.
func startNodes(ctx context.Context, out *screen, dir string) ([]*server.Server, error) {
	var nodes []*server.Server
	for number := range nodeCount {
		err := out.step(ctx, fmt.Sprintf("start node %d of %d", number+1, nodeCount), func() error {
			node, err := backend.Start(ctx, backend.Options{
				DataDir:  filepath.Join(dir, fmt.Sprintf("node-%d", number+1)),
				Progress: out,
			})
			if err != nil {
				return err
			}
			nodes = append(nodes, node)
			out.say("%s serves on %s (pid %d)", node.Name(), node.Connect(), node.Pid())
			return nil
		})
		if err != nil {
			return nodes, err
		}
	}
	return nodes, nil
}

func stopNodes(nodes []*server.Server) error {
	var problems []error
	for _, node := range nodes {
		problems = append(problems, node.Stop())
	}
	return errors.Join(problems...)
}

func startBroker(ctx context.Context, out *screen, dir string, nodes []*server.Server) (*kafka.Broker, error) {
	addresses := make([]string, len(nodes))
	for i, node := range nodes {
		addresses[i] = node.Connect()
	}
	var broker *kafka.Broker
	err := out.step(ctx, "start a Kafka "+kafka.Newest+" broker", func() (err error) {
		broker, err = kafka.Start(ctx, kafka.Options{
			ZooKeeperConnect: strings.Join(addresses, ","),
			Dir:              filepath.Join(dir, "broker"),
			Progress:         out,
		})
		if err != nil {
			return err
		}
		out.say("zookeeper.connect=%s, listens on %s (pid %d)", strings.Join(addresses, ","), broker.Address(), broker.Process().Pid())
		return nil
	})
	return broker, err
}
