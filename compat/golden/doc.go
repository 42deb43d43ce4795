// Command golden makes the golden data directories of package store: it runs
// Java ZooKeeper servers of several versions, performs the same operations on
// each, writes down what a client then reads, kills the server, and keeps its
// files.
//
// From the root of the repository:
//
//	go run ./compat/golden -out coord/store/testdata/golden
//
// The bytes differ from run to run (times, session ids); what tests compare is
// made in the same run. It needs a JDK and, the first time, Maven.
package main
