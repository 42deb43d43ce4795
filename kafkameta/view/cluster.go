package view

import (
	"cmp"
	"slices"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// Broker is a registration.
type Broker struct {
	ID           int32
	Znode        *Znode
	Registration *model.Broker // nil when it cannot be read
}

// Epoch is the broker epoch of Kafka's protocol: the zxid that created the
// registration.
func (b Broker) Epoch() wire.Zxid { return b.Znode.Stat.Czxid }

// Topic is a topic with its partitions.
type Topic struct {
	Name       string
	Znode      *Znode
	Assignment *model.Topic // nil when it cannot be read
	// Partitions are all that have a node, assigned or not, by id.
	Partitions []Partition
}

// Partition is a partition that has a node.
type Partition struct {
	Topic     string
	ID        int32
	Directory *Znode                // parent of the state
	Znode     *Znode                // the state's, nil when there is none
	State     *model.PartitionState // nil when there is none or it cannot be read
}

// Epoch is the partition epoch of Kafka's protocol: the version of the state's
// data. It is -1 without a state.
func (p Partition) Epoch() int32 {
	if p.Znode == nil {
		return -1
	}
	return p.Znode.Stat.Version
}

// Config is the configuration of an entity.
type Config struct {
	Entity model.Entity
	Znode  *Znode
	Values *model.Config // nil when it cannot be read
}

// ResourceACL is the ACL of a Kafka resource.
type ResourceACL struct {
	Resource model.Resource
	Znode    *Znode
	ACL      *model.ResourceACL // nil when it cannot be read
}

// Token is a delegation token.
type Token struct {
	ID     string
	Znode  *Znode
	Record *model.DelegationToken // nil when it cannot be read
}

// Notification is a child of a queue.
type Notification struct {
	Sequence int32
	Znode    *Znode
}

// Group is a group of old consumers.
type Group struct {
	Name    string
	Members []*Znode // registrations, by name
	Owners  []*Znode // owned partitions, by topic and partition
	Offsets []*Znode // by topic and partition
}

// Brokers gives all registrations by id. A child of /brokers/ids whose name is
// no id is not among them; see Malformed.
func (v *View) Brokers() []Broker {
	var brokers []Broker
	for z := range v.At(model.BrokerIDsPath).Children() {
		if node := z.Node(); z.Kind == model.KindBroker && node.Path() == z.Path {
			brokers = append(brokers, Broker{ID: node.Broker, Znode: z, Registration: As[*model.Broker](z)})
		}
	}
	slices.SortFunc(brokers, func(a, b Broker) int { return cmp.Compare(a.ID, b.ID) })
	return brokers
}

// Broker gives one registration.
func (v *View) Broker(id int32) (Broker, bool) {
	z := v.At(model.BrokerPath(id))
	if z == nil {
		return Broker{}, false
	}
	return Broker{ID: id, Znode: z, Registration: As[*model.Broker](z)}, true
}

// Topics gives all topics by name. Each call builds them anew.
func (v *View) Topics() []Topic {
	nodes := v.At(model.TopicsPath).SortedChildren()
	topics := make([]Topic, len(nodes))
	for i, z := range nodes {
		topics[i] = v.topicOf(z)
	}
	return topics
}

// Topic gives one topic.
func (v *View) Topic(name string) (Topic, bool) {
	z := v.At(model.TopicPath(name))
	if z == nil {
		return Topic{}, false
	}
	return v.topicOf(z), true
}

func (v *View) topicOf(z *Znode) Topic {
	t := Topic{Name: z.Name(), Znode: z, Assignment: As[*model.Topic](z)}
	directory := v.At(model.PartitionsPath(t.Name))
	if directory == nil {
		return t
	}
	t.Partitions = make([]Partition, 0, directory.Stat.NumChildren)
	for child := range directory.Children() {
		if node := child.Node(); child.Kind == model.PartitionDirectory && node.Path() == child.Path {
			t.Partitions = append(t.Partitions, v.partitionOf(t.Name, node.Partition, child))
		}
	}
	slices.SortFunc(t.Partitions, func(a, b Partition) int { return cmp.Compare(a.ID, b.ID) })
	return t
}

func (v *View) partitionOf(topic string, id int32, directory *Znode) Partition {
	state := v.At(model.PartitionStatePath(topic, id))
	return Partition{Topic: topic, ID: id, Directory: directory, Znode: state, State: As[*model.PartitionState](state)}
}

// Partition gives one partition that has a node.
func (v *View) Partition(topic string, id int32) (Partition, bool) {
	directory := v.At(model.PartitionPath(topic, id))
	if directory == nil {
		return Partition{}, false
	}
	return v.partitionOf(topic, id, directory), true
}

// Configs gives all entities of a type that have a node, in the order of
// paths: for users, the pairs of user and client too.
func (v *View) Configs(t model.EntityType) []Config {
	var configs []Config
	for _, z := range v.below(model.EntityTypePath(t), model.KindConfig) {
		if node := z.Node(); node.Path() == z.Path {
			configs = append(configs, Config{Entity: node.Entity, Znode: z, Values: As[*model.Config](z)})
		}
	}
	return configs
}

// Config gives the configuration of one entity.
func (v *View) Config(e model.Entity) (Config, bool) {
	z := v.At(model.EntityPath(e))
	if z == nil {
		return Config{}, false
	}
	return Config{Entity: e, Znode: z, Values: As[*model.Config](z)}, true
}

// ACLs gives the ACLs of all resources, the literal ones first, in the order
// of paths.
func (v *View) ACLs() []ResourceACL {
	var acls []ResourceACL
	for _, root := range []string{model.LiteralACLPath, model.ExtendedACLPath} {
		for _, z := range v.below(root, model.KindResourceACL) {
			if node := z.Node(); node.Path() == z.Path {
				acls = append(acls, ResourceACL{Resource: node.Resource, Znode: z, ACL: As[*model.ResourceACL](z)})
			}
		}
	}
	return acls
}

// Tokens gives all delegation tokens in the order of their ids.
func (v *View) Tokens() []Token {
	var tokens []Token
	for _, z := range v.At(model.TokensPath).SortedChildren() {
		tokens = append(tokens, Token{ID: z.Name(), Znode: z, Record: As[*model.DelegationToken](z)})
	}
	return tokens
}

// Deletions gives the names of the topics that are marked for deletion.
func (v *View) Deletions() []string {
	var topics []string
	for _, z := range v.At(model.DeleteTopicsPath).SortedChildren() {
		topics = append(topics, z.Name())
	}
	return topics
}

// Queue gives the notifications of a queue, oldest first. Children whose name
// is not that of a notification are not among them; see Malformed.
func (v *View) Queue(q model.Queue) []Notification {
	var notifications []Notification
	for z := range v.At(q.Path).Children() {
		if node := z.Node(); z.Kind == q.Kind && node.Path() == z.Path {
			notifications = append(notifications, Notification{Sequence: node.Sequence, Znode: z})
		}
	}
	slices.SortFunc(notifications, func(a, b Notification) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return notifications
}

// Groups gives the groups of old consumers by name.
func (v *View) Groups() []Group {
	var groups []Group
	for _, z := range v.At(model.ConsumersPath).SortedChildren() {
		groups = append(groups, Group{
			Name:    z.Name(),
			Members: v.below(z.Path, model.KindConsumerRegistration),
			Owners:  v.below(z.Path, model.KindConsumerOwner),
			Offsets: v.below(z.Path, model.KindConsumerOffset),
		})
	}
	return groups
}

// Controller gives who holds /controller: nil, nil when nobody does, and a nil
// value when it cannot be read.
func (v *View) Controller() (*Znode, *model.Controller) {
	return typed[*model.Controller](v, model.ControllerPath)
}

// ControllerEpoch gives the controller epoch, with nil as in Controller.
func (v *View) ControllerEpoch() (*Znode, *model.ControllerEpoch) {
	return typed[*model.ControllerEpoch](v, model.ControllerEpochPath)
}

// ClusterID gives the cluster's id, with nil as in Controller.
func (v *View) ClusterID() (*Znode, *model.ClusterID) {
	return typed[*model.ClusterID](v, model.ClusterIDPath)
}

// Features gives the finalized features, with nil as in Controller.
func (v *View) Features() (*Znode, *model.Features) {
	return typed[*model.Features](v, model.FeaturesPath)
}

// ProducerIDBlock gives the latest block of producer ids, with nil as in
// Controller.
func (v *View) ProducerIDBlock() (*Znode, *model.ProducerIDBlock) {
	return typed[*model.ProducerIDBlock](v, model.ProducerIDBlockPath)
}

// Reassignment gives the reassignment that was asked for, with nil as in
// Controller. Those that run are in the topics' assignments.
func (v *View) Reassignment() (*Znode, *model.Reassignment) {
	return typed[*model.Reassignment](v, model.ReassignmentPath)
}

// PreferredElection gives the election that was asked for, with nil as in
// Controller.
func (v *View) PreferredElection() (*Znode, *model.PreferredElection) {
	return typed[*model.PreferredElection](v, model.PreferredElectionPath)
}

// Migration gives how far the move to KRaft has come, with nil as in
// Controller.
func (v *View) Migration() (*Znode, *model.Migration) {
	return typed[*model.Migration](v, model.MigrationPath)
}

func typed[V model.Value](v *View, path string) (*Znode, V) {
	z := v.At(path)
	return z, As[V](z)
}

// below gives the nodes of a kind at any depth below a path, in the order of
// paths.
func (v *View) below(path string, kind model.Kind) []*Znode {
	var found []*Znode
	var walk func(z *Znode)
	walk = func(z *Znode) {
		for child := range z.Children() {
			if child.Kind == kind {
				found = append(found, child)
			}
			walk(child)
		}
	}
	walk(v.At(path))
	slices.SortFunc(found, func(a, b *Znode) int { return cmp.Compare(a.Path, b.Path) })
	return found
}
