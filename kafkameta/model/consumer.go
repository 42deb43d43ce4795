package model

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// SubscriptionPattern says what the keys of a subscription are.
type SubscriptionPattern string

// The patterns. Kafka 1.1: TopicCount.scala.
const (
	StaticPattern    SubscriptionPattern = "static"     // topic names
	WhiteListPattern SubscriptionPattern = "white_list" // a regular expression of topics to read
	BlackListPattern SubscriptionPattern = "black_list" // a regular expression of topics not to read
)

// ConsumerRegistration is a member of an old consumer group, at
// /consumers/G/ids/C. Kafka 1.1: ZookeeperConsumerConnector.scala.
type ConsumerRegistration struct {
	Version      int32 // 1
	Pattern      SubscriptionPattern
	Subscription map[string]int32 // streams by topic or regular expression
	Timestamp    int64            // ms since 1970 on the consumer's clock; 0 when absent

	source []byte
}

// ParseConsumerRegistration reads the node.
func ParseConsumerRegistration(path string, data []byte) (*ConsumerRegistration, error) {
	r, o := readObject(path, KindConsumerRegistration, data)
	c := &ConsumerRegistration{source: data, Version: o.version(1, 1), Pattern: SubscriptionPattern(o.string("pattern"))}
	if patterns := []SubscriptionPattern{StaticPattern, WhiteListPattern, BlackListPattern}; !slices.Contains(patterns, c.Pattern) {
		r.fail(ProblemRange, "pattern", fmt.Sprintf("%q is not one of %v", shorten(string(c.Pattern)), patterns))
	}
	c.Subscription = readMembers(o.object("subscription"), func(field string, v jsonValue) int32 {
		return int32(r.jsonInteger(field, v, 0, math.MaxInt32))
	})
	if o.has("timestamp") {
		c.Timestamp = o.decimalString("timestamp")
	}
	return finish(r, c)
}

// Kind is KindConsumerRegistration.
func (c *ConsumerRegistration) Kind() Kind { return KindConsumerRegistration }

// Encode gives the payload.
func (c *ConsumerRegistration) Encode() ([]byte, error) {
	return encodeDocument(c.source, c, ParseConsumerRegistration)
}

func (c *ConsumerRegistration) document() jsonValue {
	subscription := objectJSON()
	for _, topic := range scalaMapOrder(slices.Sorted(maps.Keys(c.Subscription))) {
		subscription.members = append(subscription.members, jsonMember{topic, intJSON(c.Subscription[topic])})
	}
	members := []jsonMember{{"version", intJSON(c.Version)}, {"subscription", subscription}, {"pattern", stringJSON(string(c.Pattern))}}
	if c.Timestamp != 0 {
		members = append(members, jsonMember{"timestamp", decimalStringJSON(c.Timestamp)})
	}
	return objectJSON(members...)
}

// ConsumerOwner is the stream that reads a partition, at
// /consumers/G/owners/T/P: plain text "CONSUMER-THREAD".
type ConsumerOwner struct {
	Consumer string
	Thread   int32

	source []byte
}

// ParseConsumerOwner reads the node.
func ParseConsumerOwner(path string, data []byte) (*ConsumerOwner, error) {
	r, text := readText(path, KindConsumerOwner, data)
	o := &ConsumerOwner{source: data}
	dash := strings.LastIndexByte(text, '-')
	if dash < 0 {
		r.fail(ProblemSyntax, "", fmt.Sprintf("%q is not CONSUMER-THREAD", shorten(text)))
		return finish(r, o)
	}
	o.Consumer = text[:dash]
	o.Thread = int32(r.integer("thread", text[dash+1:], 0, math.MaxInt32))
	return finish(r, o)
}

// Kind is KindConsumerOwner.
func (o *ConsumerOwner) Kind() Kind { return KindConsumerOwner }

// Encode gives the payload.
func (o *ConsumerOwner) Encode() ([]byte, error) { return encodeText(o.source, o, ParseConsumerOwner) }

func (o *ConsumerOwner) text() string { return o.Consumer + "-" + strconv.Itoa(int(o.Thread)) }

// ConsumerOffset is how far a group has read a partition, at
// /consumers/G/offsets/T/P: plain decimal text.
type ConsumerOffset struct {
	Offset int64

	source []byte
}

// ParseConsumerOffset reads the node.
func ParseConsumerOffset(path string, data []byte) (*ConsumerOffset, error) {
	r, text := readText(path, KindConsumerOffset, data)
	return finish(r, &ConsumerOffset{source: data, Offset: r.integer("", text, math.MinInt64, math.MaxInt64)})
}

// Kind is KindConsumerOffset.
func (o *ConsumerOffset) Kind() Kind { return KindConsumerOffset }

// Encode gives the payload.
func (o *ConsumerOffset) Encode() ([]byte, error) {
	return encodeText(o.source, o, ParseConsumerOffset)
}

func (o *ConsumerOffset) text() string { return strconv.FormatInt(o.Offset, 10) }
