package rules

import (
	"time"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// Defaults of Facts.
const (
	DefaultStuckAfter      = time.Hour
	DefaultRequestBytesMax = 1 << 20 // ZooKeeper: jute.maxbuffer of a server
	DefaultReplyBytesMax   = 4 << 20 // Kafka 3.0 and later: jute.maxbuffer of a broker
)

// Facts are what an operator knows and the tree does not tell. All are
// optional.
type Facts struct {
	// ClusterID is the id that the cluster must have, as in the brokers'
	// meta.properties.
	ClusterID string
	// Earlier is an older view of the same cluster.
	Earlier *view.View
	// KRaftControllerGone says that no KRaft controller runs any more.
	KRaftControllerGone bool
	// DeletionDisabled says that all brokers have delete.topic.enable=false.
	DeletionDisabled bool
	// MinInsyncReplicas is the brokers' static min.insync.replicas; 0 stands
	// for Kafka's default of 1.
	MinInsyncReplicas int32
	// OffsetsPartitions and TransactionPartitions are the brokers'
	// offsets.topic.num.partitions and transaction.state.log.num.partitions.
	OffsetsPartitions     int32
	TransactionPartitions int32
	// StuckAfter is when work that takes its time counts as stuck, default
	// DefaultStuckAfter.
	StuckAfter time.Duration
	// RequestBytesMax and ReplyBytesMax are the limits of the servers and of the
	// brokers' client (jute.maxbuffer), defaults as above.
	RequestBytesMax int
	ReplyBytesMax   int
}

func (f Facts) withDefaults() Facts {
	if f.StuckAfter <= 0 {
		f.StuckAfter = DefaultStuckAfter
	}
	if f.RequestBytesMax <= 0 {
		f.RequestBytesMax = DefaultRequestBytesMax
	}
	if f.ReplyBytesMax <= 0 {
		f.ReplyBytesMax = DefaultReplyBytesMax
	}
	return f
}

// wellKnown are the nodes of which every Kafka tree has at least one.
var wellKnown = []string{
	model.BrokersPath, model.ControllerPath, model.ControllerEpochPath, model.ConfigPath, model.ClusterPath, model.AdminPath, model.ConsumersPath,
}
