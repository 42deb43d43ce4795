package fault

import (
	"context"
	"fmt"
	"strconv"

	"kafkacoord/integration/ensemble"
)

// Role is whom a fault strikes.
type Role string

// The roles.
const (
	Leader   Role = "leader"
	Follower Role = "follower"
	Everyone Role = "everyone"
)

// damage is what happens to a member, and how it ends.
type damage struct {
	name         string
	partition    bool
	strike, heal func(*ensemble.Member, context.Context) error
}

var (
	killed = damage{
		name:   "killed",
		strike: func(m *ensemble.Member, _ context.Context) error { return m.Kill() },
		heal:   func(m *ensemble.Member, ctx context.Context) error { return m.Launch(ctx) },
	}
	stopped = damage{
		name:   "stopped",
		strike: func(m *ensemble.Member, _ context.Context) error { return m.Stop() },
		heal:   func(m *ensemble.Member, ctx context.Context) error { return m.Launch(ctx) },
	}
	paused = damage{
		name:   "paused",
		strike: func(m *ensemble.Member, _ context.Context) error { return m.Pause() },
		heal:   func(m *ensemble.Member, _ context.Context) error { return m.Continue() },
	}
	cutFromPeers = damage{
		name: "cut from its peers", partition: true,
		strike: (*ensemble.Member).CutFromPeers, heal: (*ensemble.Member).Heal,
	}
	cutOff = damage{
		name: "cut off", partition: true,
		strike: (*ensemble.Member).CutOff, heal: (*ensemble.Member).Heal,
	}
)

// Fault is a kind of fault.
type Fault struct {
	role   Role
	damage damage
}

// The kinds. Killed is SIGKILL; stopped is SIGTERM, upon which a server takes its
// leave; paused is SIGSTOP: the server keeps its connections and does nothing.
// Cut from its peers, a server still has its clients; cut off, it has nobody.
var (
	LeaderKilled         = Fault{Leader, killed}
	LeaderStopped        = Fault{Leader, stopped}
	LeaderPaused         = Fault{Leader, paused}
	LeaderCutFromPeers   = Fault{Leader, cutFromPeers}
	LeaderCutOff         = Fault{Leader, cutOff}
	FollowerKilled       = Fault{Follower, killed}
	FollowerStopped      = Fault{Follower, stopped}
	FollowerPaused       = Fault{Follower, paused}
	FollowerCutFromPeers = Fault{Follower, cutFromPeers}
	FollowerCutOff       = Fault{Follower, cutOff}
	// A power failure: no write goes on until it is healed.
	EveryoneKilled = Fault{Everyone, killed}
)

// All are all kinds, the first of which differ most.
var All = []Fault{
	LeaderKilled, LeaderCutFromPeers, LeaderPaused, FollowerCutFromPeers, LeaderCutOff, EveryoneKilled,
	FollowerPaused, FollowerKilled, FollowerCutOff, LeaderStopped, FollowerStopped,
}

// String says whom it strikes and how: "leader cut off".
func (f Fault) String() string { return string(f.role) + " " + f.damage.name }

// Role is whom the fault strikes.
func (f Fault) Role() Role { return f.role }

// Partition tells whether the members have to have hosts of their own for it; see
// ensemble.Options.
func (f Fault) Partition() bool { return f.damage.partition }

// Damage is a fault that has struck.
type Damage struct {
	// Victims are the members that were struck. Clients is how many connections a
	// single victim had, that of the question included.
	Victims []*ensemble.Member
	Clients int

	fault    Fault
	ensemble *ensemble.Ensemble
}

// Strike does it to an ensemble that serves, and returns when it is done: the
// others need not have noticed. The victim is the leader, or the follower with the
// most clients, or all are.
func (f Fault) Strike(ctx context.Context, e *ensemble.Ensemble) (*Damage, error) {
	leader, err := e.AwaitLeader(ctx)
	if err != nil {
		return nil, fmt.Errorf("fault: find who is to be %s: %w", f.damage.name, err)
	}
	d := &Damage{fault: f, ensemble: e}
	switch f.role {
	case Leader:
		err = d.choose(leader)
	case Follower:
		err = d.choose(e.Others(leader)...)
	default:
		d.Victims = e.Members
	}
	if err != nil {
		return nil, fmt.Errorf("fault: find who is to be %s: %w", f.damage.name, err)
	}
	for _, victim := range d.Victims {
		if err := f.damage.strike(victim, ctx); err != nil {
			return nil, fmt.Errorf("fault: member %v is to be %s: %w", victim, f.damage.name, err)
		}
	}
	return d, nil
}

// choose makes the member with the most clients the victim.
func (d *Damage) choose(members ...*ensemble.Member) error {
	for _, m := range members {
		values, err := m.Monitor()
		if err != nil {
			return err
		}
		clients, err := strconv.Atoi(values["zk_num_alive_connections"])
		if err != nil {
			return fmt.Errorf("member %v: number of connections: %w", m, err)
		}
		if d.Victims == nil || clients > d.Clients {
			d.Victims, d.Clients = []*ensemble.Member{m}, clients
		}
	}
	return nil
}

// Heal makes the damage good and returns when all members serve.
func (d *Damage) Heal(ctx context.Context) error {
	for _, victim := range d.Victims {
		if err := d.fault.damage.heal(victim, ctx); err != nil {
			return fmt.Errorf("fault: member %v that was %s is to come back: %w", victim, d.fault.damage.name, err)
		}
	}
	if _, err := d.ensemble.AwaitLeader(ctx); err != nil {
		return fmt.Errorf("fault: after %v: %w", d.fault, err)
	}
	return nil
}
