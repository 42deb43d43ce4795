package change

import (
	"fmt"
	"maps"
	"slices"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// NewTopic says what topic to create.
type NewTopic struct {
	Name string
	// Assignment are the replicas of each partition. Nil lets Partitions and
	// Factor be placed on the registered brokers.
	Assignment         map[int32][]int32
	Partitions, Factor int
	Config             map[string]string
	// OmitID leaves out the topic's id, as brokers with an inter-broker
	// protocol below 2.8 do: with older binaries among them it would be lost.
	OmitID bool
}

// CreateTopic plans a new topic: its configuration, then its assignment, upon
// which the controller makes the partitions. Kafka: AdminZkClient.scala,
// createTopicWithAssignment.
func (p *Planner) CreateTopic(t NewTopic) (*Plan, error) {
	plan, err := p.start("create topic %s", t.Name)
	if err != nil {
		return nil, err
	}
	if err := p.validateNew(plan, t.Name); err != nil {
		return nil, err
	}
	if t.Assignment == nil {
		brokers := BrokersOf(p.View)
		spread, err := p.spread(len(brokers))
		if err != nil {
			return nil, err
		}
		if t.Assignment, err = Assign(brokers, 0, t.Partitions, t.Factor, spread); err != nil {
			return nil, err
		}
	}
	if err := p.validateAssignment(plan, t.Assignment); err != nil {
		return nil, err
	}
	topic := &model.Topic{Version: model.TopicVersionMax, Partitions: t.Assignment, HasID: !t.OmitID}
	for topic.HasID && topic.ID.IsZero() {
		if err := p.random(topic.ID[:]); err != nil {
			return nil, err
		}
	}
	config := &model.Config{Version: 1, Values: t.Config}
	if err := p.addConfigWrite(plan, model.TopicEntity(t.Name), config); err != nil {
		return nil, err
	}
	data, err := encoded(plan, topic)
	if err != nil {
		return nil, err
	}
	return plan, p.addCreate(plan, model.TopicPath(t.Name), data, "create the topic with its assignment")
}

// validateNew refuses names that Kafka would not take. Two names that are the
// same with '.' for '_' collide in metrics.
func (p *Planner) validateNew(plan *Plan, name string) error {
	if err := model.ValidateTopicName(name); err != nil {
		return invalid(plan, "%v", err)
	}
	if p.View.At(model.TopicPath(name)) != nil {
		return invalid(plan, "it exists")
	}
	if p.View.At(model.DeleteTopicPath(name)) != nil {
		return invalid(plan, "a topic of this name is being deleted")
	}
	for z := range p.View.At(model.TopicsPath).Children() {
		if metricName(z.Name()) == metricName(name) {
			return invalid(plan, "its name collides with topic %s in metrics", z.Name())
		}
	}
	return nil
}

// metricName is a topic's name in metrics. Kafka: Topic.java, unifyCollisionChars.
func metricName(topic string) string {
	name := []byte(topic)
	for i, c := range name {
		if c == '.' {
			name[i] = '_'
		}
	}
	return string(name)
}

// validateAssignment demands what Kafka does of a new topic. Kafka:
// AdminZkClient.scala, validateTopicCreate.
func (p *Planner) validateAssignment(plan *Plan, assignment map[int32][]int32) error {
	if len(assignment) == 0 {
		return invalid(plan, "no partitions")
	}
	factor := len(assignment[0])
	for i := range int32(len(assignment)) {
		replicas, there := assignment[i]
		switch {
		case !there:
			return invalid(plan, "partition %d is missing from 0 to %d", i, len(assignment)-1)
		case len(replicas) == 0:
			return invalid(plan, "partition %d has no replicas", i)
		case len(replicas) != factor:
			return invalid(plan, "partition %d has %d replicas and partition 0 has %d", i, len(replicas), factor)
		}
		if err := p.validateReplicas(plan, i, replicas); err != nil {
			return err
		}
	}
	return nil
}

func (p *Planner) validateReplicas(plan *Plan, partition int32, replicas []int32) error {
	sorted := slices.Sorted(slices.Values(replicas))
	if len(slices.Compact(sorted)) != len(replicas) {
		return invalid(plan, "partition %d has a replica twice: %v", partition, replicas)
	}
	for _, id := range replicas {
		if id < 0 {
			return invalid(plan, "partition %d has replica %d", partition, id)
		}
		if _, registered := p.View.Broker(id); !registered {
			plan.Notes = append(plan.Notes, fmt.Sprintf("broker %d of partition %d is not registered", id, partition))
		}
	}
	return nil
}

// topic gives a topic whose assignment can be changed.
func (p *Planner) topic(plan *Plan, name string) (view.Topic, error) {
	t, ok := p.View.Topic(name)
	switch {
	case !ok:
		return t, invalid(plan, "topic %s does not exist", name)
	case t.Assignment == nil:
		return t, unreadable(plan, t.Znode.Path, t.Znode.Err)
	default:
		return t, nil
	}
}

// AddPartitions plans that a topic has count partitions. assignment are the
// replicas of the new ones; nil lets them be placed as Kafka does: with the
// replication factor of partition 0, beginning at the broker of its leader.
// Kafka: AdminZkClient.scala, addPartitions.
func (p *Planner) AddPartitions(name string, count int, assignment map[int32][]int32) (*Plan, error) {
	plan, err := p.start("add partitions to topic %s until it has %d", name, count)
	if err != nil {
		return nil, err
	}
	t, err := p.topic(plan, name)
	if err != nil {
		return nil, err
	}
	existing := len(t.Assignment.Partitions)
	first, there := t.Assignment.Partitions[0]
	switch {
	case len(t.Assignment.Adding)+len(t.Assignment.Removing) > 0:
		return nil, invalid(plan, "partitions of it are being reassigned")
	case p.View.At(model.DeleteTopicPath(name)) != nil:
		return nil, invalid(plan, "it is being deleted")
	case !there || len(first) == 0:
		return nil, invalid(plan, "it has no partition 0 with replicas")
	case count <= existing:
		return nil, invalid(plan, "it has %d partitions already, and partitions cannot be removed", existing)
	}
	if assignment == nil {
		brokers := BrokersOf(p.View)
		at := max(0, slices.IndexFunc(brokers, func(b BrokerRack) bool { return b.ID >= first[0] }))
		if assignment, err = Assign(brokers, int32(existing), count-existing, len(first), Spread{FirstIndex: at, Shift: at}); err != nil {
			return nil, err
		}
	}
	changed := *t.Assignment
	changed.Partitions = maps.Clone(t.Assignment.Partitions)
	maps.Copy(changed.Partitions, assignment)
	if len(changed.Partitions) != count || len(assignment) != count-existing {
		return nil, invalid(plan, "the assignment must name partitions %d to %d", existing, count-1)
	}
	if err := p.validateAssignment(plan, changed.Partitions); err != nil {
		return nil, err
	}
	data, err := encoded(plan, &changed)
	if err != nil {
		return nil, err
	}
	plan.Steps = append(plan.Steps, Step{
		Reason:     "write the assignment with the new partitions",
		Operations: []wire.Request{client.SetOp(t.Znode.Path, data, t.Znode.Stat.Version)},
	})
	return plan, nil
}

// DeleteTopic plans the mark that makes the controller delete a topic. Kafka:
// AdminZkClient.scala, deleteTopic.
func (p *Planner) DeleteTopic(name string) (*Plan, error) {
	plan, err := p.start("delete topic %s", name)
	if err != nil {
		return nil, err
	}
	switch {
	case p.View.At(model.TopicPath(name)) == nil:
		return nil, invalid(plan, "it does not exist")
	case p.View.At(model.DeleteTopicPath(name)) != nil:
		return nil, invalid(plan, "its deletion was asked for already")
	}
	if err := p.addCreate(plan, model.DeleteTopicPath(name), nil, "ask the controller to delete it"); err != nil {
		return nil, err
	}
	plan.Steps[len(plan.Steps)-1].Consumed = true
	plan.Notes = append(plan.Notes, "brokers with delete.topic.enable=false take the mark away and keep the topic")
	return plan, nil
}
