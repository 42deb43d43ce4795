package change

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// AlterConfig plans that an entity has some settings and has others no more;
// all the rest is kept, SCRAM credentials beside quotas included. Kafka:
// AdminZkClient.scala, changeConfigs.
func (p *Planner) AlterConfig(e model.Entity, set map[string]string, remove []string) (*Plan, error) {
	plan, err := p.start("alter the configuration of %s", e)
	if err != nil {
		return nil, err
	}
	if model.EntityPath(e) == "" {
		return nil, invalid(plan, "this names no entity")
	}
	if e.Type == model.Topics && p.View.At(model.TopicPath(e.Name)) == nil {
		return nil, invalid(plan, "topic %s does not exist", e.Name)
	}
	current, err := p.config(plan, e)
	if err != nil {
		return nil, err
	}
	changed := *current
	changed.Values = maps.Clone(current.Values)
	if changed.Values == nil {
		changed.Values = make(map[string]string)
	}
	for _, key := range remove {
		if _, there := changed.Values[key]; !there {
			return nil, invalid(plan, "%s is not set", key)
		}
		delete(changed.Values, key)
	}
	maps.Copy(changed.Values, set)
	if maps.Equal(changed.Values, current.Values) {
		return plan, nil
	}
	if err := p.validateQuotas(plan, e, set); err != nil {
		return nil, err
	}
	if len(changed.Values) == 0 && cleaned(e.Type) && p.removable(e) {
		p.addConfigRemoval(plan, e)
	} else if err := p.addConfigWrite(plan, e, &changed); err != nil {
		return nil, err
	}
	return plan, p.addNotification(plan, e)
}

// config gives an entity's configuration, an empty one if it has no node.
func (p *Planner) config(plan *Plan, e model.Entity) (*model.Config, error) {
	c, ok := p.View.Config(e)
	switch {
	case !ok:
		return &model.Config{Version: 1}, nil
	case c.Values == nil:
		return nil, unreadable(plan, c.Znode.Path, c.Znode.Err)
	case c.Values.Version == 0:
		return &model.Config{Version: 1}, nil // a node for the sake of its children
	default:
		return c.Values, nil
	}
}

func (p *Planner) validateQuotas(plan *Plan, e model.Entity, set map[string]string) error {
	for _, key := range model.QuotaKeys(e.Type) {
		if text, there := set[key]; there {
			if _, err := model.ParseQuota(key, text); err != nil {
				return invalid(plan, "%s: %v", key, err)
			}
		}
	}
	return nil
}

// addConfigWrite adds the step that writes an entity's configuration.
func (p *Planner) addConfigWrite(plan *Plan, e model.Entity, config *model.Config) error {
	data, err := encoded(plan, config)
	if err != nil {
		return err
	}
	path := model.EntityPath(e)
	z := p.View.At(path)
	if z == nil {
		return p.addCreate(plan, path, data, "write the configuration")
	}
	plan.Steps = append(plan.Steps, Step{
		Reason:     "write the configuration, if the controller is still the same",
		Operations: p.guarded(client.SetOp(path, data, z.Stat.Version)),
	})
	return nil
}

// cleaned says whether Kafka removes empty configurations of a type (since
// 3.5: AdminZkClient.scala, tryCleanQuotaNodes).
func cleaned(t model.EntityType) bool {
	return t == model.Users || t == model.Clients || t == model.IPs
}

// removable says whether nothing stands below an entity's node.
func (p *Planner) removable(e model.Entity) bool {
	z := p.View.At(model.EntityPath(e))
	return z != nil && z.Stat.NumChildren == 0
}

// addConfigRemoval adds steps that delete an entity's node and, for a client of
// a user, what is left of the user.
func (p *Planner) addConfigRemoval(plan *Plan, e model.Entity) {
	for z := p.View.At(model.EntityPath(e)); ; z = z.Parent() {
		plan.Steps = append(plan.Steps, Step{
			Reason: "delete the empty configuration", Operations: []wire.Request{client.DeleteOp(z.Path, z.Stat.Version)},
		})
		if !leftEmpty(z.Parent()) {
			return
		}
	}
}

// leftEmpty says whether a node on the way to a user's clients is of no use
// without its last child.
func leftEmpty(z *view.Znode) bool {
	if z.Stat.NumChildren != 1 {
		return false
	}
	config := view.As[*model.Config](z)
	return z.Kind == model.UserClientsDirectory || z.Kind == model.KindConfig && config != nil && len(config.Values) == 0
}

// AlterQuotas plans limits of users, clients and addresses: nil takes one away.
func (p *Planner) AlterQuotas(e model.Entity, limits map[string]*float64) (*Plan, error) {
	set := make(map[string]string)
	var remove []string
	for _, key := range slices.Sorted(maps.Keys(limits)) {
		limit := limits[key]
		switch {
		case !slices.Contains(model.QuotaKeys(e.Type), key):
			return nil, fmt.Errorf("change: alter the quotas of %s: %w: %s is no quota of %s", e, ErrInvalid, key, e.Type)
		case limit == nil:
			remove = append(remove, key)
		default:
			set[key] = quotaText(*limit)
		}
	}
	return p.AlterConfig(e, set, remove)
}

// quotaText writes a limit as a plain decimal: keys that hold whole numbers
// take no exponent.
func quotaText(limit float64) string { return strconv.FormatFloat(limit, 'f', -1, 64) }
