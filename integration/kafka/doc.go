// Package kafka runs real Apache Kafka brokers as JVM processes against any
// zookeeper.connect, and Kafka's own command line tools against those brokers.
//
// A Broker has its port, its directory with data, configuration and log, and
// its process, which can be stopped, killed, paused and started again. The
// versions are those of which each stands for a way of using ZooKeeper: see
// Versions. Jars come from Maven once and are kept by package jvm.
package kafka
