package model

// Kind says what a path of Kafka's layout is for.
type Kind uint8

// The kinds of znodes, in the order of Kafka: ZkData.scala. Kinds that end in
// Directory hold no data that Kafka reads.
const (
	// Unknown is a path that Kafka does not use.
	Unknown Kind = iota
	// RootDirectory is the chroot itself.
	RootDirectory

	KindController
	KindControllerEpoch
	BrokersDirectory
	BrokerIDsDirectory
	KindBroker
	BrokerSequence // /brokers/seqid: the data version counts generated broker ids
	TopicsDirectory
	KindTopic
	PartitionsDirectory
	PartitionDirectory
	KindPartitionState

	ConfigDirectory
	EntityTypeDirectory  // /config/topics and its like
	KindConfig           // configuration of one entity
	UserClientsDirectory // /config/users/U/clients
	ConfigChangesDirectory
	KindConfigChange

	AdminDirectory
	DeleteTopicsDirectory
	DeleteTopicMarker // presence is the request
	KindReassignment
	KindPreferredElection

	ISRChangesDirectory
	KindISRChange
	LogDirEventsDirectory
	KindLogDirEvent

	KindProducerIDBlock
	ClusterDirectory
	KindClusterID
	KindFeatures
	KindMigration

	ACLDirectory         // /kafka-acl or /kafka-acl-extended/prefixed
	ExtendedACLDirectory // /kafka-acl-extended
	ResourceTypeDirectory
	KindResourceACL
	LiteralACLChangesDirectory
	KindLiteralACLChange
	ExtendedACLChangesDirectory
	KindExtendedACLChange

	TokenDirectory // /delegation_token
	TokensDirectory
	KindDelegationToken
	TokenChangesDirectory
	KindTokenChange

	ConsumersDirectory
	ConsumerGroupDirectory
	ConsumerIDsDirectory
	KindConsumerRegistration
	ConsumerOwnersDirectory
	ConsumerOwnersTopicDirectory
	KindConsumerOwner
	ConsumerOffsetsDirectory
	ConsumerOffsetsTopicDirectory
	KindConsumerOffset

	kindCount
)

// kindNames are what messages and metrics call each kind.
var kindNames = [kindCount]string{
	Unknown: "unknown", RootDirectory: "root",
	KindController: "controller", KindControllerEpoch: "controller epoch",
	BrokersDirectory: "brokers directory", BrokerIDsDirectory: "broker ids directory", KindBroker: "broker",
	BrokerSequence: "broker id sequence", TopicsDirectory: "topics directory", KindTopic: "topic",
	PartitionsDirectory: "partitions directory", PartitionDirectory: "partition directory", KindPartitionState: "partition state",
	ConfigDirectory: "config directory", EntityTypeDirectory: "entity type directory", KindConfig: "config",
	UserClientsDirectory: "user clients directory", ConfigChangesDirectory: "config changes directory", KindConfigChange: "config change",
	AdminDirectory: "admin directory", DeleteTopicsDirectory: "delete topics directory", DeleteTopicMarker: "delete topic marker",
	KindReassignment: "reassignment", KindPreferredElection: "preferred election",
	ISRChangesDirectory: "ISR changes directory", KindISRChange: "ISR change",
	LogDirEventsDirectory: "log directory events directory", KindLogDirEvent: "log directory event",
	KindProducerIDBlock: "producer id block", ClusterDirectory: "cluster directory", KindClusterID: "cluster id",
	KindFeatures: "features", KindMigration: "migration",
	ACLDirectory: "ACL directory", ExtendedACLDirectory: "extended ACL directory", ResourceTypeDirectory: "resource type directory",
	KindResourceACL: "resource ACL", LiteralACLChangesDirectory: "ACL changes directory", KindLiteralACLChange: "ACL change",
	ExtendedACLChangesDirectory: "extended ACL changes directory", KindExtendedACLChange: "extended ACL change",
	TokenDirectory: "delegation token directory", TokensDirectory: "tokens directory", KindDelegationToken: "delegation token",
	TokenChangesDirectory: "token changes directory", KindTokenChange: "token change",
	ConsumersDirectory: "consumers directory", ConsumerGroupDirectory: "consumer group directory",
	ConsumerIDsDirectory: "consumer ids directory", KindConsumerRegistration: "consumer registration",
	ConsumerOwnersDirectory: "consumer owners directory", ConsumerOwnersTopicDirectory: "consumer owners topic directory",
	KindConsumerOwner: "consumer owner", ConsumerOffsetsDirectory: "consumer offsets directory",
	ConsumerOffsetsTopicDirectory: "consumer offsets topic directory", KindConsumerOffset: "consumer offset",
}

// String gives the kind in words, as "partition state".
func (k Kind) String() string {
	if k >= kindCount {
		return kindNames[Unknown]
	}
	return kindNames[k]
}
