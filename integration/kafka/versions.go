package kafka

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kafkacoord/integration/jvm"
)

// Newest is the version that is meant where none is given: the last line of
// Kafka that runs on ZooKeeper.
const Newest = "3.9.1"

// release is what differs between Kafka's versions as far as starting a broker
// and its tools goes.
type release struct {
	artifacts []string
	// topicMain is the class of kafka-topics.sh.
	topicMain string
	// topicsByBroker and configsByBroker say that the tool talks to the
	// broker; older tools write to ZooKeeper themselves.
	topicsByBroker, configsByBroker bool
}

const oldTopicMain = "kafka.admin.TopicCommand"

// logging makes log4j 1's drop-in the backend of every version.
var logging = []string{"org.slf4j:slf4j-api:1.7.36", "org.slf4j:slf4j-reload4j:1.7.36"}

// Kafka 2.1 to 2.3 carry the ZooKeeper 3.4.14 client, which cannot resolve
// addresses on JDK 14 and newer; that is why none of them is here.
var releases = map[string]release{
	"3.9.1": {
		artifacts: []string{"org.apache.kafka:kafka_2.13:3.9.1", "org.apache.kafka:kafka-tools:3.9.1"},
		topicMain: "org.apache.kafka.tools.TopicCommand", topicsByBroker: true, configsByBroker: true,
	},
	"3.6.2": {
		artifacts: []string{"org.apache.kafka:kafka_2.13:3.6.2", "org.apache.kafka:kafka-tools:3.6.2"},
		topicMain: oldTopicMain, topicsByBroker: true, configsByBroker: true,
	},
	"2.8.2": {
		artifacts: []string{"org.apache.kafka:kafka_2.13:2.8.2"},
		topicMain: oldTopicMain, topicsByBroker: true, configsByBroker: true,
	},
	"2.4.1": {
		artifacts: []string{"org.apache.kafka:kafka_2.12:2.4.1"},
		topicMain: oldTopicMain, topicsByBroker: true,
	},
	"1.1.1": {
		artifacts: []string{"org.apache.kafka:kafka_2.11:1.1.1"},
		topicMain: oldTopicMain,
	},
	"0.10.2.2": {
		// jaxb was part of the JDK when this version was released.
		artifacts: []string{"org.apache.kafka:kafka_2.11:0.10.2.2", "javax.xml.bind:jaxb-api:2.3.1"},
		topicMain: oldTopicMain,
	},
}

// Versions are the versions that can be started, in lexical order.
func Versions() []string { return slices.Sorted(maps.Keys(releases)) }

func releaseOf(version string) (release, error) {
	r, ok := releases[version]
	if !ok {
		return release{}, fmt.Errorf("kafka: unknown version %q, known are %s", version, strings.Join(Versions(), ", "))
	}
	return r, nil
}

// Jars is the jar set of a version: broker, tools and logging.
func Jars(version string) (jvm.JarSet, error) {
	r, err := releaseOf(version)
	if err != nil {
		return jvm.JarSet{}, err
	}
	return jvm.JarSet{
		Name:      "kafka-" + version,
		Artifacts: slices.Concat(r.artifacts, logging),
		// Old versions bring log4j 1 itself, whose classes reload4j replaces.
		Exclusions: []string{"log4j:log4j", "org.slf4j:slf4j-log4j12"},
	}, nil
}
