package change

import (
	"fmt"

	"kafkacoord/coord/client"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// RemoveTopic plans what the controller does at the end of a deletion, for a
// topic whose deletion is stuck half-way: its nodes from the leaves up, its
// configuration, and the mark last, so that what is interrupted can be resumed.
// Kafka: KafkaZkClient.scala, deleteTopicZNode, deleteTopicConfigs,
// deleteTopicDeletions.
//
// A mark without a topic goes at any time. For the rest no broker may run, or
// it must be forced: the controller has the topic in memory. Files on brokers
// stay.
func (p *Planner) RemoveTopic(name string) (*Plan, error) {
	plan, err := p.start("remove what is left of topic %s", name)
	if err != nil {
		return nil, err
	}
	topic, marker := p.View.At(model.TopicPath(name)), p.View.At(model.DeleteTopicPath(name))
	config := p.View.At(model.EntityPath(model.TopicEntity(name)))
	switch {
	case marker == nil && topic != nil:
		return nil, invalid(plan, "its deletion was not asked for: use a deletion")
	case marker == nil && config == nil:
		return plan, nil
	}
	if topic != nil {
		if err := p.refuseRunning(plan); err != nil {
			return nil, err
		}
		plan.Notes = append(plan.Notes, "the brokers' log directories keep the topic's files until they start")
		p.addRemoval(plan, topic)
	}
	for _, z := range []*view.Znode{config, marker} {
		if z != nil {
			p.addRemoval(plan, z)
		}
	}
	return plan, nil
}

// addRemoval adds steps that delete a node and all below it, leaves first, each
// fenced as the controller's own deletions are.
func (p *Planner) addRemoval(plan *Plan, z *view.Znode) {
	for _, child := range z.SortedChildren() {
		p.addRemoval(plan, child)
	}
	plan.Steps = append(plan.Steps, Step{
		Reason: fmt.Sprintf("delete the %s", z.Kind), Operations: p.fenced(client.DeleteOp(z.Path, z.Stat.Version)),
	})
}

// ResignController plans that the controller gives up and another is elected:
// its node goes, which all brokers watch. Kafka: KafkaZkClient.scala,
// deleteController.
func (p *Planner) ResignController() (*Plan, error) {
	plan, err := p.start("make the controller resign")
	if err != nil {
		return nil, err
	}
	z, controller := p.View.Controller()
	switch {
	case z == nil:
		return nil, invalid(plan, "there is no controller")
	case controller == nil:
		plan.Notes = append(plan.Notes, fmt.Sprintf("%s cannot be read: %v", z.Path, z.Err))
	default:
		plan.Notes = append(plan.Notes, fmt.Sprintf("broker %d is the controller", controller.Broker))
	}
	if z.Stat.EphemeralOwner == 0 {
		if !p.Force {
			return nil, invalid(plan, "%s is not ephemeral, so that no running broker holds it: look who wrote it", z.Path)
		}
		plan.Notes = append(plan.Notes, "forced although the node is not ephemeral")
	}
	plan.Steps = append(plan.Steps, Step{
		Reason:     "delete the controller's node, if the epoch is still the same",
		Operations: p.fenced(client.DeleteOp(z.Path, z.Stat.Version)),
		Consumed:   true, // the next controller takes its place
	})
	return plan, nil
}
