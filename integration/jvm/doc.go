// Package jvm fetches sets of Java archives with Maven and starts JVM
// processes on them.
//
// A set is resolved once per machine into a cache directory and used from
// there by every later run. Test binaries that run in parallel share the cache:
// one of them downloads under a file lock, the others wait. A set appears in
// the cache by a rename after its download is whole, so that one cut short is
// never used and is done again.
//
// The package needs a JDK 17 and Maven on the machine and says so when they
// are missing. Kafka 0.10 to 3.9 and ZooKeeper 3.4 to 3.9 all run on 17.
package jvm
