package model

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Keys of quotas in the configuration of users, clients and addresses. Kafka:
// QuotaConfigs.java.
const (
	ProducerByteRate       = "producer_byte_rate"       // bytes per second
	ConsumerByteRate       = "consumer_byte_rate"       // bytes per second
	RequestPercentage      = "request_percentage"       // of one thread's time
	ControllerMutationRate = "controller_mutation_rate" // partitions created or deleted per second
	ConnectionCreationRate = "connection_creation_rate" // connections per second, of addresses
)

// Keys of replication throttles, of brokers and of topics.
const (
	LeaderThrottledRate       = "leader.replication.throttled.rate"              // brokers: bytes per second
	FollowerThrottledRate     = "follower.replication.throttled.rate"            // brokers: bytes per second
	LogDirThrottledRate       = "replica.alter.log.dirs.io.max.bytes.per.second" // brokers: bytes per second
	LeaderThrottledReplicas   = "leader.replication.throttled.replicas"          // topics
	FollowerThrottledReplicas = "follower.replication.throttled.replicas"        // topics
)

// QuotaKeys gives the quota keys that an entity of a type may have, in the
// order in which Kafka lists them; none for topics.
func QuotaKeys(t EntityType) []string {
	switch t {
	case Users, Clients:
		return []string{ProducerByteRate, ConsumerByteRate, RequestPercentage, ControllerMutationRate}
	case IPs:
		return []string{ConnectionCreationRate}
	case Brokers:
		return []string{LeaderThrottledRate, FollowerThrottledRate, LogDirThrottledRate}
	default:
		return nil
	}
}

// Quota is one limit.
type Quota struct {
	Key   string
	Value float64
}

// Quotas gives the limits in the configuration of an entity of type t, in the
// order of QuotaKeys. A value that is no number is an error with its key.
func (c *Config) Quotas(t EntityType) ([]Quota, error) {
	var quotas []Quota
	for _, key := range QuotaKeys(t) {
		text, ok := c.Values[key]
		if !ok {
			continue
		}
		value, err := ParseQuota(key, text)
		if err != nil {
			return nil, err
		}
		quotas = append(quotas, Quota{key, value})
	}
	return quotas, nil
}

// ParseQuota reads the value of a quota key. Values are not negative;
// connection rates and replication throttles are whole.
func ParseQuota(key, text string) (float64, error) {
	value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	switch {
	case err != nil || math.IsNaN(value) || math.IsInf(value, 0) || value < 0:
		return 0, fmt.Errorf("quota %s: value %q is not a number of at least 0", key, shorten(text))
	case wholeQuota(key) && value != math.Trunc(value):
		return 0, fmt.Errorf("quota %s: value %q is not whole", key, shorten(text))
	}
	return value, nil
}

func wholeQuota(key string) bool {
	return key == ConnectionCreationRate || slices.Contains(QuotaKeys(Brokers), key)
}

// ThrottledReplicas are the replicas of a topic whose replication is limited.
type ThrottledReplicas struct {
	All      bool // "*"
	Replicas []ThrottledReplica
}

// ThrottledReplica is one of them.
type ThrottledReplica struct {
	Partition, Broker int32
}

// ParseThrottledReplicas reads the value of LeaderThrottledReplicas or
// FollowerThrottledReplicas: "*", nothing, or "partition:broker,…". Kafka:
// ThrottledReplicaListValidator.
func ParseThrottledReplicas(text string) (ThrottledReplicas, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "*" {
		return ThrottledReplicas{All: text == "*"}, nil
	}
	var t ThrottledReplicas
	for item := range strings.SplitSeq(text, ",") {
		partitionText, brokerText, found := strings.Cut(strings.TrimSpace(item), ":")
		partition, partitionOK := parseID(partitionText)
		broker, brokerOK := parseID(brokerText)
		if !found || !partitionOK || !brokerOK {
			return ThrottledReplicas{}, fmt.Errorf("throttled replicas: %q is not PARTITION:BROKER", shorten(item))
		}
		t.Replicas = append(t.Replicas, ThrottledReplica{partition, broker})
	}
	return t, nil
}

// String gives the value as Kafka's tools write it.
func (t ThrottledReplicas) String() string {
	if t.All {
		return "*"
	}
	items := make([]string, len(t.Replicas))
	for i, r := range t.Replicas {
		items[i] = fmt.Sprintf("%d:%d", r.Partition, r.Broker)
	}
	return strings.Join(items, ",")
}
