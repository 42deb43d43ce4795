package change

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// Errors of planning; all say more in their text.
var (
	// ErrKRaft: the cluster moves to KRaft, and its controller would not see
	// the change, or fight it.
	ErrKRaft = errors.New("the cluster is owned by a KRaft controller")
	// ErrRunning: brokers are registered that hold what would be changed in
	// memory.
	ErrRunning = errors.New("brokers are running")
	// ErrInvalid: Kafka would not accept the change.
	ErrInvalid = errors.New("not a valid change")
	// ErrUnreadable: a node that must be changed, or its ACL, is not in the
	// view in a form that can be changed.
	ErrUnreadable = errors.New("not readable")
)

// Planner makes plans for the cluster of one view.
type Planner struct {
	// View is the cluster as it is, with ACLs at least outside partitions. It
	// must not change while a plan is made.
	View *view.View
	// Force plans what ErrKRaft and ErrRunning would refuse.
	Force bool
	// Random is where ids, salts and the spread of replicas come from; nil is
	// crypto/rand.
	Random io.Reader
}

func (p *Planner) random(bytes []byte) error {
	source := p.Random
	if source == nil {
		source = rand.Reader
	}
	if _, err := io.ReadFull(source, bytes); err != nil {
		return fmt.Errorf("change: read random numbers: %w", err)
	}
	return nil
}

// start begins a plan, unless a KRaft controller owns the cluster.
func (p *Planner) start(format string, a ...any) (*Plan, error) {
	plan := &Plan{Title: fmt.Sprintf(format, a...)}
	reason := ""
	_, controller := p.View.Controller()
	_, migration := p.View.Migration()
	switch {
	case controller != nil && controller.KRaft():
		reason = fmt.Sprintf("%s names KRaft controller %d of epoch %d", model.ControllerPath, controller.Broker, controller.KRaftEpoch)
	case migration != nil && migration.Copied():
		reason = fmt.Sprintf("%s says that the metadata was copied to KRaft", model.MigrationPath)
	}
	if reason != "" && !p.Force {
		return nil, fmt.Errorf("change: %s: %w: %s", plan.Title, ErrKRaft, reason)
	}
	if reason != "" {
		plan.Notes = append(plan.Notes, "forced although "+reason)
	}
	return plan, nil
}

// invalid is an error of what was asked for.
func invalid(plan *Plan, format string, a ...any) error {
	return fmt.Errorf("change: %s: %w: %s", plan.Title, ErrInvalid, fmt.Sprintf(format, a...))
}

// unreadable is an error of what is in the view.
func unreadable(plan *Plan, path string, reason error) error {
	return fmt.Errorf("change: %s: %s: %w: %w", plan.Title, path, ErrUnreadable, reason)
}

// refuseRunning refuses what must not be done under running brokers.
func (p *Planner) refuseRunning(plan *Plan) error {
	brokers := len(p.View.Brokers())
	switch {
	case brokers == 0:
		return nil
	case !p.Force:
		return fmt.Errorf("change: %s: %w: %d are registered", plan.Title, ErrRunning, brokers)
	default:
		plan.Notes = append(plan.Notes, fmt.Sprintf("forced although %d brokers are registered: restart the controller afterwards", brokers))
		return nil
	}
}

// encoded gives a value's payload.
func encoded(plan *Plan, v model.Value) ([]byte, error) {
	data, err := v.Encode()
	if err != nil {
		return nil, invalid(plan, "%v", err)
	}
	return data, nil
}

var errNoACL = errors.New("its ACL was not read")

// create makes the operation that creates a node with the ACL of the nearest
// node above it.
func (p *Planner) create(plan *Plan, path string, data []byte, flags int32) (wire.Request, error) {
	for parent := wire.ParentPath(path); ; parent = wire.ParentPath(parent) {
		if parent == "" {
			parent = model.RootPath
		}
		z := p.View.At(parent)
		switch {
		case z != nil && len(z.ACL) > 0:
			return client.CreateOp(path, data, flags, z.ACL), nil
		case z != nil:
			return wire.Request{}, unreadable(plan, parent, errNoACL)
		case parent == model.RootPath:
			return wire.Request{}, unreadable(plan, parent, view.ErrNoChroot)
		}
	}
}

// addCreate adds a step that creates a node, after steps for what is missing
// above it.
func (p *Planner) addCreate(plan *Plan, path string, data []byte, reason string) error {
	if err := p.addParents(plan, path); err != nil {
		return err
	}
	operation, err := p.create(plan, path, data, wire.FlagPersistent)
	if err != nil {
		return err
	}
	plan.Steps = append(plan.Steps, Step{Reason: reason, Operations: []wire.Request{operation}})
	return nil
}

// addParents adds steps for the nodes above a path that are not there. Kafka
// creates them as it meets NoNode.
func (p *Planner) addParents(plan *Plan, path string) error {
	parent := wire.ParentPath(path)
	if parent == "" || p.View.At(parent) != nil || plan.writes(parent) {
		return nil
	}
	if err := p.addParents(plan, parent); err != nil {
		return err
	}
	operation, err := p.create(plan, parent, nil, wire.FlagPersistent)
	if err != nil {
		return err
	}
	plan.Steps = append(plan.Steps, Step{
		Reason: "make the parent", Operations: []wire.Request{operation}, Tolerated: []wire.Code{wire.NodeExists},
	})
	return nil
}

// configChanges is the queue of changed configurations.
var configChanges = model.Queues[slices.IndexFunc(model.Queues, func(q model.Queue) bool { return q.Kind == model.KindConfigChange })]

// addNotification adds the step that makes brokers read a configuration again.
func (p *Planner) addNotification(plan *Plan, e model.Entity) error {
	queue := configChanges
	if err := p.addParents(plan, queue.CreatePath()); err != nil {
		return err
	}
	data, err := encoded(plan, &model.ConfigChange{Version: model.ConfigChangeVersionMax, Entity: e})
	if err != nil {
		return err
	}
	operation, err := p.create(plan, queue.CreatePath(), data, wire.FlagPersistentSequential)
	if err != nil {
		return err
	}
	plan.Steps = append(plan.Steps, Step{Reason: "tell the brokers of it", Operations: []wire.Request{operation}, Consumed: true})
	return nil
}

// guarded puts a check that the controller is still the same before an
// operation, as Kafka does since 3.8.
func (p *Planner) guarded(operation wire.Request) []wire.Request {
	if z, _ := p.View.Controller(); z != nil {
		return []wire.Request{client.CheckOp(model.ControllerPath, z.Stat.Version), operation}
	}
	return []wire.Request{operation}
}

// fenced puts the check of the controller epoch before an operation that is
// the controller's own.
func (p *Planner) fenced(operation wire.Request) []wire.Request {
	if z, _ := p.View.ControllerEpoch(); z != nil {
		return []wire.Request{client.CheckOp(model.ControllerEpochPath, z.Stat.Version), operation}
	}
	return []wire.Request{operation}
}
