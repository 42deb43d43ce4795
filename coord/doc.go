// Package coord assembles a server: configuration, storage, the core and its
// loop, listeners. It is what cmd/coord runs and what a Go program embeds:
//
//	cfg, _, err := config.Load("zoo.cfg")
//	...
//	node, err := coord.Start(ctx, cfg)
//	...
//	client.Dial(ctx, client.Config{Servers: []string{node.ClientAddr()}})
//
// Start returns when the server answers clients; on a small data directory that
// takes milliseconds.
package coord
