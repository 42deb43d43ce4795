package coord_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"kafkacoord/coord"
	"kafkacoord/coord/client"
	"kafkacoord/coord/config"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// A server for a test: on a port of its own, with its files in memory.
func ExampleStart() {
	ctx := context.Background()
	cfg, _, err := config.Parse(strings.NewReader(`
dataDir=/data
clientPortAddress=127.0.0.1
coord.listen.randomClientPort=true
`), "example")
	if err != nil {
		log.Fatal(err)
	}
	node, err := coord.Start(ctx, cfg, coord.WithFS(vfs.NewMemory()))
	if err != nil {
		log.Fatal(err)
	}

	c, err := client.Dial(ctx, client.Config{Servers: []string{node.ClientAddr()}})
	if err != nil {
		log.Fatal(err)
	}
	path, err := c.Create(ctx, "/brokers", []byte("hello"), wire.FlagPersistent, nil)
	if err != nil {
		log.Fatal(err)
	}
	data, _, err := c.Get(ctx, path, false)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s holds %q\n", path, data)

	if err := c.Close(); err != nil {
		log.Fatal(err)
	}
	if err := node.Stop(); err != nil {
		log.Fatal(err)
	}
	// Output: /brokers holds "hello"
}
