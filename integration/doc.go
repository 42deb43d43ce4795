// Package integration proves the server with real components: Kafka brokers
// as JVM processes, Kafka's own tools, and the client libraries that Kafka's
// users write programs with. Its tests are the suites; the packages below it
// start and stop what the suites need.
//
// The suites run on coord, or with BACKEND=java on Java ZooKeeper.
package integration
