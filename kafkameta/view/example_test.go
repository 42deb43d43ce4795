package view_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"kafkacoord/coord"
	"kafkacoord/coord/client"
	"kafkacoord/coord/config"
	"kafkacoord/coord/vfs"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// A program that follows the metadata of a cluster.
func ExampleFollow() {
	ctx := context.Background()
	server := startExampleServer(ctx) // a running ZooKeeper with a Kafka cluster in /kafka
	heard := make(chan string)
	follower, err := view.Follow(ctx, view.Server{Client: client.Config{
		Servers: []string{server}, Chroot: "/kafka",
	}}, func(v *view.View, changes []view.Change) {
		for _, c := range changes {
			for _, sentence := range c.Describe() {
				heard <- sentence
			}
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	defer follower.Close()
	follower.Read(func(v *view.View) { fmt.Println("topics:", len(v.Topics())) })

	moveController(ctx, server) // somebody changes something
	fmt.Println(<-heard)
	// Output:
	// topics: 0
	// controller: broker 1 -> broker 2
}

func startExampleServer(ctx context.Context) string {
	cfg, _, err := config.Parse(strings.NewReader("dataDir=/data\nclientPortAddress=127.0.0.1\ncoord.listen.randomClientPort=true\n"), "example")
	if err != nil {
		log.Fatal(err)
	}
	node, err := coord.Start(ctx, cfg, coord.WithFS(vfs.NewMemory()))
	if err != nil {
		log.Fatal(err)
	}
	c := dialExample(ctx, node.ClientAddr())
	for _, n := range []struct{ path, data string }{{"/kafka", ""}, {"/kafka/controller", `{"version":1,"brokerid":1}`}} {
		if _, err := c.Create(ctx, n.path, []byte(n.data), 0, nil); err != nil {
			log.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		log.Fatal(err)
	}
	return node.ClientAddr()
}

func dialExample(ctx context.Context, server string) *client.Client {
	c, err := client.Dial(ctx, client.Config{Servers: []string{server}})
	if err != nil {
		log.Fatal(err)
	}
	return c
}

func moveController(ctx context.Context, server string) {
	c := dialExample(ctx, server)
	data := []byte(`{"version":1,"brokerid":2}`)
	if _, err := c.Set(ctx, "/kafka"+model.ControllerPath, data, client.AnyVersion); err != nil {
		log.Fatal(err)
	}
	if err := c.Close(); err != nil {
		log.Fatal(err)
	}
}
