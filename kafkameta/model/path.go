package model

// The fixed paths of Kafka's layout, relative to the chroot.
// Kafka: ZkData.scala.
const (
	RootPath               = "/"
	ControllerPath         = "/controller"
	ControllerEpochPath    = "/controller_epoch"
	BrokersPath            = "/brokers"
	BrokerIDsPath          = "/brokers/ids"
	BrokerSequencePath     = "/brokers/seqid"
	TopicsPath             = "/brokers/topics"
	ConfigPath             = "/config"
	ConfigChangesPath      = "/config/changes"
	AdminPath              = "/admin"
	DeleteTopicsPath       = "/admin/delete_topics"
	ReassignmentPath       = "/admin/reassign_partitions"
	PreferredElectionPath  = "/admin/preferred_replica_election"
	ISRChangesPath         = "/isr_change_notification"
	LogDirEventsPath       = "/log_dir_event_notification"
	ProducerIDBlockPath    = "/latest_producer_id_block"
	ClusterPath            = "/cluster"
	ClusterIDPath          = "/cluster/id"
	FeaturesPath           = "/feature"
	MigrationPath          = "/migration"
	LiteralACLPath         = "/kafka-acl"
	LiteralACLChangesPath  = "/kafka-acl-changes"
	ExtendedACLPath        = "/kafka-acl-extended"
	ExtendedACLChangesPath = "/kafka-acl-extended-changes"
	TokenPath              = "/delegation_token"
	TokensPath             = "/delegation_token/tokens"
	TokenChangesPath       = "/delegation_token/token_changes"
	ConsumersPath          = "/consumers"
)

// The names of sequential children, without their ten digits.
const (
	ConfigChangePrefix = "config_change_"
	ISRChangePrefix    = "isr_change_"
	LogDirEventPrefix  = "log_dir_event_"
	ACLChangePrefix    = "acl_changes_"
	TokenChangePrefix  = "token_change_"
)

// Node is a classified path: what it is for, and of whom. Fields that the kind
// does not speak of are zero, so that nodes compare with ==.
type Node struct {
	Kind      Kind
	Broker    int32    // KindBroker
	Topic     string   // topics, partitions, deletion markers, owners and offsets
	Partition int32    // partitions, owners and offsets
	Entity    Entity   // KindConfig; type alone for EntityTypeDirectory, type and user for UserClientsDirectory
	Resource  Resource // KindResourceACL; pattern and type alone for the directories above it
	Sequence  int32    // notifications: the number that the server gave the node
	Token     string   // KindDelegationToken
	Group     string   // old consumers
	Consumer  string   // KindConsumerRegistration
}

// BrokerPath is where broker id registers itself.
func BrokerPath(id int32) string { return Node{Kind: KindBroker, Broker: id}.Path() }

// TopicPath holds a topic's assignment.
func TopicPath(topic string) string { return Node{Kind: KindTopic, Topic: topic}.Path() }

// PartitionsPath is the parent of a topic's partitions.
func PartitionsPath(topic string) string { return Node{Kind: PartitionsDirectory, Topic: topic}.Path() }

// PartitionPath is the parent of a partition's state.
func PartitionPath(topic string, partition int32) string {
	return Node{Kind: PartitionDirectory, Topic: topic, Partition: partition}.Path()
}

// PartitionStatePath holds leader and ISR of a partition.
func PartitionStatePath(topic string, partition int32) string {
	return Node{Kind: KindPartitionState, Topic: topic, Partition: partition}.Path()
}

// DeleteTopicPath is the marker that asks for a topic's deletion.
func DeleteTopicPath(topic string) string { return Node{Kind: DeleteTopicMarker, Topic: topic}.Path() }

// EntityTypePath is the parent of all configured entities of a type.
func EntityTypePath(t EntityType) string {
	return Node{Kind: EntityTypeDirectory, Entity: Entity{Type: t}}.Path()
}

// EntityPath holds the configuration of an entity.
func EntityPath(e Entity) string { return Node{Kind: KindConfig, Entity: e}.Path() }

// UserClientsPath is the parent of the clients configured for one user, whose
// name is in stored form.
func UserClientsPath(user string) string {
	return Node{Kind: UserClientsDirectory, Entity: Entity{Type: Users, Name: user}}.Path()
}

// ResourceTypePath is the parent of all ACLs of a resource type with one kind
// of pattern.
func ResourceTypePath(p PatternType, t ResourceType) string {
	return Node{Kind: ResourceTypeDirectory, Resource: Resource{Pattern: p, Type: t}}.Path()
}

// ResourcePath holds the ACLs of a resource.
func ResourcePath(r Resource) string { return Node{Kind: KindResourceACL, Resource: r}.Path() }

// DelegationTokenPath holds a token's record.
func DelegationTokenPath(id string) string { return Node{Kind: KindDelegationToken, Token: id}.Path() }

// Queue describes a parent of sequential children: notifications that a
// watcher reads in the order of their numbers.
type Queue struct {
	Path   string // of the parent
	Prefix string // of the children's names, before the digits
	Kind   Kind   // of the children
}

// CreatePath is what a sequential create is sent with: the server adds the
// digits.
func (q Queue) CreatePath() string { return q.Path + "/" + q.Prefix }

// Queues are all notification queues of Kafka's layout.
var Queues = []Queue{
	{ConfigChangesPath, ConfigChangePrefix, KindConfigChange},
	{LiteralACLChangesPath, ACLChangePrefix, KindLiteralACLChange},
	{ExtendedACLChangesPath, ACLChangePrefix, KindExtendedACLChange},
	{TokenChangesPath, TokenChangePrefix, KindTokenChange},
	{ISRChangesPath, ISRChangePrefix, KindISRChange},
	{LogDirEventsPath, LogDirEventPrefix, KindLogDirEvent},
}

// TopLevelPaths are what a broker of 3.9 creates at every start, in its order.
// Kafka: ZkData.scala, PersistentZkPaths.
var TopLevelPaths = []string{
	ConsumersPath, BrokerIDsPath, TopicsPath, ConfigChangesPath, DeleteTopicsPath, BrokerSequencePath, ISRChangesPath,
	ProducerIDBlockPath, LogDirEventsPath, "/config/topics", "/config/clients", "/config/users", "/config/brokers", "/config/ips",
}

// SensitivePaths are the prefixes below which nodes hold secrets, so that in a
// secured cluster nobody but the brokers may read them. Kafka compares plain
// string prefixes. Kafka: ZkData.scala, SensitiveZkRootPaths.
var SensitivePaths = []string{"/config/users", "/config/brokers", TokensPath}

// SecureRootPaths are the trees whose ACLs the security migration tool of 3.9
// rewrites. Kafka: ZkData.scala, SecureRootPaths.
var SecureRootPaths = []string{
	AdminPath, BrokersPath, ClusterPath, ConfigPath, ControllerPath, ControllerEpochPath, ISRChangesPath, ProducerIDBlockPath,
	LogDirEventsPath, TokenPath, ExtendedACLPath, MigrationPath, FeaturesPath,
	LiteralACLPath, LiteralACLChangesPath, ExtendedACLPath + "/prefixed", ExtendedACLChangesPath,
}
