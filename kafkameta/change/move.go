package change

import (
	"cmp"
	"fmt"
	"slices"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// Reassign plans that the controller moves partitions to other replicas, the
// preferred leader first. There can be one such request at a time. Kafka 2.8:
// ReassignPartitionsCommand.scala with --zookeeper.
func (p *Planner) Reassign(moves []model.PartitionReassignment) (*Plan, error) {
	plan, err := p.start("reassign %d partitions", len(moves))
	if err != nil {
		return nil, err
	}
	return plan, p.addReassignment(plan, moves)
}

func (p *Planner) addReassignment(plan *Plan, moves []model.PartitionReassignment) error {
	if len(moves) == 0 {
		return invalid(plan, "no partitions")
	}
	if p.View.At(model.ReassignmentPath) != nil {
		return invalid(plan, "%s is there: a reassignment runs, or was left behind", model.ReassignmentPath)
	}
	named := make(map[model.TopicPartition]bool)
	for _, m := range moves {
		if named[m.TopicPartition] {
			return invalid(plan, "partition %s-%d is named twice", m.Topic, m.Partition)
		}
		named[m.TopicPartition] = true
		if err := p.validatePartition(plan, m.TopicPartition); err != nil {
			return err
		}
		if len(m.Replicas) == 0 {
			return invalid(plan, "partition %s-%d has no replicas", m.Topic, m.Partition)
		}
		if err := p.validateReplicas(plan, m.Partition, m.Replicas); err != nil {
			return err
		}
	}
	data, err := encoded(plan, &model.Reassignment{Version: 1, Partitions: moves})
	if err != nil {
		return err
	}
	return p.addRequest(plan, model.ReassignmentPath, data, "ask the controller to reassign")
}

// addRequest adds a step that puts a request to the controller.
func (p *Planner) addRequest(plan *Plan, path string, data []byte, reason string) error {
	if err := p.addCreate(plan, path, data, reason); err != nil {
		return err
	}
	plan.Steps[len(plan.Steps)-1].Consumed = true
	if z, _ := p.View.Controller(); z == nil {
		plan.Notes = append(plan.Notes, "there is no controller now: the request waits for one")
	}
	return nil
}

func (p *Planner) validatePartition(plan *Plan, tp model.TopicPartition) error {
	t, err := p.topic(plan, tp.Topic)
	if err != nil {
		return err
	}
	if _, there := t.Assignment.Partitions[tp.Partition]; !there {
		return invalid(plan, "topic %s has no partition %d", tp.Topic, tp.Partition)
	}
	if p.View.At(model.DeleteTopicPath(tp.Topic)) != nil {
		return invalid(plan, "topic %s is being deleted", tp.Topic)
	}
	return nil
}

// CancelReassignment plans that partitions go back to the replicas they had
// before a reassignment that still runs; with none given, all such. It is a
// reassignment to the original replicas (KIP-455: those that are not being
// added).
func (p *Planner) CancelReassignment(partitions []model.TopicPartition) (*Plan, error) {
	plan, err := p.start("cancel reassignments")
	if err != nil {
		return nil, err
	}
	moves, err := p.wayBack(plan, partitions)
	if err != nil {
		return nil, err
	}
	if len(moves) == 0 {
		return plan, nil
	}
	return plan, p.addReassignment(plan, moves)
}

func (p *Planner) wayBack(plan *Plan, wanted []model.TopicPartition) ([]model.PartitionReassignment, error) {
	var moves []model.PartitionReassignment
	for _, t := range p.View.Topics() {
		if t.Assignment == nil {
			continue
		}
		for partition, replicas := range t.Assignment.Partitions {
			adding, removing := t.Assignment.Adding[partition], t.Assignment.Removing[partition]
			tp := model.TopicPartition{Topic: t.Name, Partition: partition}
			if len(adding)+len(removing) == 0 || len(wanted) > 0 && !slices.Contains(wanted, tp) {
				continue
			}
			original := slices.DeleteFunc(slices.Clone(replicas), func(id int32) bool { return slices.Contains(adding, id) })
			moves = append(moves, model.PartitionReassignment{TopicPartition: tp, Replicas: original})
		}
	}
	slices.SortFunc(moves, func(a, b model.PartitionReassignment) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	for _, tp := range wanted {
		if !slices.ContainsFunc(moves, func(m model.PartitionReassignment) bool { return m.TopicPartition == tp }) {
			return nil, invalid(plan, "partition %s-%d is not being reassigned", tp.Topic, tp.Partition)
		}
	}
	return moves, nil
}

// ClearReassignment plans that a request for a reassignment goes that nobody
// works on: one that names what does not exist, that Kafka cannot read, or that
// was written again behind the controller's back.
func (p *Planner) ClearReassignment() (*Plan, error) {
	plan, err := p.start("clear %s", model.ReassignmentPath)
	if err != nil {
		return nil, err
	}
	z, request := p.View.Reassignment()
	if z == nil {
		return plan, nil
	}
	if request == nil {
		plan.Notes = append(plan.Notes, fmt.Sprintf("Kafka cannot read it: %v", z.Err))
	} else {
		plan.Notes = append(plan.Notes, fmt.Sprintf("it names %d partitions", len(request.Partitions)))
	}
	plan.Notes = append(plan.Notes, "reassignments that the controller has begun go on: they are in the topics' assignments")
	plan.Steps = append(plan.Steps, Step{
		Reason: "delete the request", Operations: []wire.Request{client.DeleteOp(z.Path, z.Stat.Version)},
	})
	return plan, nil
}

// ElectPreferred plans that the first replicas of partitions become leaders
// again; with none given, of all where they are not. Kafka 2.8:
// PreferredReplicaLeaderElectionCommand.scala with --zookeeper.
func (p *Planner) ElectPreferred(partitions []model.TopicPartition) (*Plan, error) {
	plan, err := p.start("elect preferred leaders")
	if err != nil {
		return nil, err
	}
	if z, _ := p.View.PreferredElection(); z != nil {
		return nil, invalid(plan, "%s is there: an election runs, or was left behind", z.Path)
	}
	if len(partitions) == 0 {
		partitions = p.notPreferred()
	}
	if len(partitions) == 0 {
		return plan, nil
	}
	for _, tp := range partitions {
		if err := p.validatePartition(plan, tp); err != nil {
			return nil, err
		}
	}
	data, err := encoded(plan, &model.PreferredElection{Version: 1, Partitions: partitions})
	if err != nil {
		return nil, err
	}
	return plan, p.addRequest(plan, model.PreferredElectionPath, data, "ask the controller to elect")
}

// notPreferred lists the partitions that another than the first replica leads.
func (p *Planner) notPreferred() []model.TopicPartition {
	var partitions []model.TopicPartition
	for _, t := range p.View.Topics() {
		if t.Assignment == nil || p.View.At(model.DeleteTopicPath(t.Name)) != nil {
			continue
		}
		for _, partition := range t.Partitions {
			replicas := t.Assignment.Partitions[partition.ID]
			if partition.State != nil && len(replicas) > 0 && partition.State.Leader != replicas[0] {
				partitions = append(partitions, model.TopicPartition{Topic: t.Name, Partition: partition.ID})
			}
		}
	}
	return partitions
}
