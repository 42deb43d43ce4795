// Package javazk starts Java ZooKeeper servers of the versions that
// kafkacoord is compared with, from jars that Maven fetches once.
//
// It is for tests and benchmarks only; nothing of the product needs Java. The
// servers log at level INFO to their log file by way of log4j, whichever
// backend the version was released with.
package javazk
