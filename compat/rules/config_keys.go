package rules

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"kafkacoord/kafkameta/model"
)

// valueCheck says what is wrong with the text of a setting, "" if nothing is.
type valueCheck func(text string) string

// topicKeys are the settings of a topic in all releases to 3.9. Kafka:
// TopicConfig.java, LogConfig.java.
var topicKeys = map[string]valueCheck{
	"cleanup.policy":                      oneOrMoreOf("compact", "delete"),
	"compression.type":                    oneOf("uncompressed", "none", "gzip", "snappy", "lz4", "zstd", "producer"),
	"compression.gzip.level":              whole(-1, 9),
	"compression.lz4.level":               whole(1, 17),
	"compression.zstd.level":              whole(math.MinInt32, 22),
	"delete.retention.ms":                 whole(0, math.MaxInt64),
	"file.delete.delay.ms":                whole(0, math.MaxInt64),
	"flush.messages":                      whole(1, math.MaxInt64),
	"flush.ms":                            whole(0, math.MaxInt64),
	model.FollowerThrottledReplicas:       throttledReplicas,
	"index.interval.bytes":                whole(0, math.MaxInt32),
	model.LeaderThrottledReplicas:         throttledReplicas,
	"local.retention.bytes":               whole(-2, math.MaxInt64),
	"local.retention.ms":                  whole(-2, math.MaxInt64),
	"max.compaction.lag.ms":               whole(1, math.MaxInt64),
	"max.message.bytes":                   whole(0, math.MaxInt32),
	"message.downconversion.enable":       boolean,
	"message.format.version":              nil,
	"message.timestamp.after.max.ms":      whole(0, math.MaxInt64),
	"message.timestamp.before.max.ms":     whole(0, math.MaxInt64),
	"message.timestamp.difference.max.ms": whole(0, math.MaxInt64),
	"message.timestamp.type":              oneOf("CreateTime", "LogAppendTime"),
	"min.cleanable.dirty.ratio":           ratio,
	"min.compaction.lag.ms":               whole(0, math.MaxInt64),
	minInsyncReplicas:                     whole(1, math.MaxInt32),
	"preallocate":                         boolean,
	"remote.log.copy.disable":             boolean,
	"remote.log.delete.on.disable":        boolean,
	"remote.storage.enable":               boolean,
	"retention.bytes":                     whole(math.MinInt64, math.MaxInt64),
	"retention.ms":                        whole(-1, math.MaxInt64),
	"segment.bytes":                       whole(14, math.MaxInt32),
	"segment.index.bytes":                 whole(4, math.MaxInt32),
	"segment.jitter.ms":                   whole(0, math.MaxInt64),
	"segment.ms":                          whole(1, math.MaxInt64),
	"unclean.leader.election.enable":      boolean,
}

// brokerKeyPrefixes begin the settings that brokers change while they run.
// Kafka: DynamicBrokerConfig.scala.
var brokerKeyPrefixes = []string{
	"listener.name.", "ssl.", "sasl.", "log.", "remote.", "compression.", "num.", "max.connection", "socket.", "listeners", "advertised.listeners",
	"listener.security.protocol.map", "background.threads", "message.max.bytes", minInsyncReplicas, "metric.reporters", "principal.builder.class",
	"producer.id.expiration.ms", "transaction.partition.verification.enable", "unclean.leader.election.enable", "follower.fetch.last.tiered.offset.enable",
}

// unknownKeys gives the keys of a configuration that its type does not have.
func unknownKeys(t model.EntityType, values map[string]string) []string {
	var unknown []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if !knownKey(t, key) {
			unknown = append(unknown, key)
		}
	}
	return unknown
}

func knownKey(t model.EntityType, key string) bool {
	if slices.Contains(model.QuotaKeys(t), key) {
		return true
	}
	switch t {
	case model.Topics:
		_, known := topicKeys[key]
		return known
	case model.Users:
		return slices.Contains(model.Mechanisms, model.Mechanism(key))
	case model.Brokers:
		return slices.ContainsFunc(brokerKeyPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	default:
		return false
	}
}

// badValue says what is wrong with a setting, "" if nothing is known to be.
func badValue(t model.EntityType, key, value string) string {
	if slices.Contains(model.QuotaKeys(t), key) {
		if _, err := model.ParseQuota(key, value); err != nil {
			return err.Error()
		}
		return ""
	}
	if check := topicKeys[key]; t == model.Topics && check != nil {
		return check(strings.TrimSpace(value))
	}
	return ""
}

func boolean(text string) string {
	if !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
		return fmt.Sprintf("%.40q is not true or false", text)
	}
	return ""
}

func whole(from, to int64) valueCheck {
	return func(text string) string {
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			return fmt.Sprintf("%.40q is not a whole number", text)
		case n < from || n > to:
			return fmt.Sprintf("%d is not within %d to %d", n, from, to)
		}
		return ""
	}
}

func ratio(text string) string {
	if f, err := strconv.ParseFloat(text, 64); err != nil || !(f >= 0 && f <= 1) {
		return fmt.Sprintf("%.40q is not a number within 0 to 1", text)
	}
	return ""
}

func oneOf(names ...string) valueCheck {
	return func(text string) string {
		if !slices.Contains(names, text) {
			return fmt.Sprintf("%.40q is not one of %s", text, strings.Join(names, ", "))
		}
		return ""
	}
}

func oneOrMoreOf(names ...string) valueCheck {
	one := oneOf(names...)
	return func(text string) string {
		for part := range strings.SplitSeq(text, ",") {
			if wrong := one(strings.TrimSpace(part)); wrong != "" {
				return wrong
			}
		}
		return ""
	}
}

func throttledReplicas(text string) string {
	if _, err := model.ParseThrottledReplicas(text); err != nil {
		return err.Error()
	}
	return ""
}
