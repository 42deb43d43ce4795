// Package backend lets one test run against coord or against Java ZooKeeper:
// the environment variable BACKEND chooses, coord being the default. A suite
// that passes on Java is known to test ZooKeeper and not a habit of coord's.
package backend
