package certify_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"kafkacoord/compat/certify"
	"kafkacoord/coord"
	"kafkacoord/coord/config"
	"kafkacoord/coord/vfs"
)

func ExampleRun() {
	cfg, _, err := config.Parse(strings.NewReader("dataDir=/data\nclientPortAddress=127.0.0.1\ncoord.listen.randomClientPort=true\n"), "zoo.cfg")
	if err != nil {
		log.Fatal(err)
	}
	node, err := coord.Start(context.Background(), cfg, coord.WithFS(vfs.NewMemory()))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = node.Stop() }()

	report, err := certify.Run(context.Background(), certify.Options{
		Server: node.ClientAddr(), Scripts: []string{"controller-election", "kraft-claim"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, line := range certify.Lines() {
		fmt.Println(line, report.Line(line))
	}
	// Output:
	// 0.10 unused
	// 1.1 unused
	// 2.x works
	// 3.0-3.9 works
}
