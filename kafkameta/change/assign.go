package change

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"kafkacoord/kafkameta/view"
)

// BrokerRack is a broker to place replicas on.
type BrokerRack struct {
	ID   int32
	Rack string // "" for none
}

// Spread is where placing begins. Kafka draws both numbers at random, so that
// topics do not all begin at the same broker, and fixes them when it adds
// partitions.
type Spread struct {
	FirstIndex int // of the first partition's leader in the list of brokers
	Shift      int // distance of the second replica
}

// BrokersOf gives the registered brokers of a view with their racks.
func BrokersOf(v *view.View) []BrokerRack {
	var brokers []BrokerRack
	for _, b := range v.Brokers() {
		if b.Registration != nil {
			brokers = append(brokers, BrokerRack{ID: b.ID, Rack: b.Registration.Rack})
		}
	}
	return brokers
}

// spread draws where placing begins.
func (p *Planner) spread(brokers int) (Spread, error) {
	var random [16]byte
	if err := p.random(random[:]); err != nil {
		return Spread{}, err
	}
	draw := func(b []byte) int { return int(binary.BigEndian.Uint64(b) % uint64(max(1, brokers))) }
	return Spread{FirstIndex: draw(random[:8]), Shift: draw(random[8:])}, nil
}

// Assign places the replicas of partitions first to first+partitions-1, the
// leader of each first. With racks it gives each rack a replica before any gets
// a second one; brokers must then all have one, or none. Kafka: AdminUtils.scala,
// assignReplicasToBrokers.
func Assign(brokers []BrokerRack, first int32, partitions, factor int, s Spread) (map[int32][]int32, error) {
	switch {
	case partitions <= 0 || factor <= 0:
		return nil, fmt.Errorf("change: %w: %d partitions with replication factor %d", ErrInvalid, partitions, factor)
	case factor > len(brokers):
		return nil, fmt.Errorf("change: %w: replication factor %d is more than the %d brokers", ErrInvalid, factor, len(brokers))
	case s.FirstIndex < 0 || s.Shift < 0 || first < 0:
		return nil, fmt.Errorf("change: %w: negative position", ErrInvalid)
	}
	brokers = slices.SortedFunc(slices.Values(brokers), func(a, b BrokerRack) int { return cmp.Compare(a.ID, b.ID) })
	racks := racksOf(brokers)
	switch {
	case len(racks) == 1 && racks[0] == "":
		return assignWithoutRacks(brokers, first, partitions, factor, s), nil
	case racks[0] == "":
		return nil, fmt.Errorf("change: %w: some brokers have a rack and others have none", ErrInvalid)
	default:
		return assignToRacks(alternate(brokers, racks), len(racks), first, partitions, factor, s), nil
	}
}

func racksOf(brokers []BrokerRack) []string {
	racks := make(map[string]struct{})
	for _, b := range brokers {
		racks[b.Rack] = struct{}{}
	}
	return slices.Sorted(maps.Keys(racks))
}

func assignWithoutRacks(brokers []BrokerRack, first int32, partitions, factor int, s Spread) map[int32][]int32 {
	assignment := make(map[int32][]int32, partitions)
	shift := s.Shift
	for p := int(first); p < int(first)+partitions; p++ {
		if p > 0 && p%len(brokers) == 0 {
			shift++
		}
		leader := (p + s.FirstIndex) % len(brokers)
		replicas := []int32{brokers[leader].ID}
		for r := range factor - 1 {
			replicas = append(replicas, brokers[follower(leader, shift, r, len(brokers))].ID)
		}
		assignment[int32(p)] = replicas
	}
	return assignment
}

// follower is the index of the r-th replica after the leader's.
func follower(leader, shift, r, brokers int) int {
	return (leader + 1 + (shift+r)%(brokers-1)) % brokers
}

// alternate orders brokers so that neighbours are in different racks: the
// first of each rack, then the second of each.
func alternate(brokers []BrokerRack, racks []string) []BrokerRack {
	byRack := make(map[string][]BrokerRack, len(racks))
	for _, b := range brokers {
		byRack[b.Rack] = append(byRack[b.Rack], b)
	}
	ordered := make([]BrokerRack, 0, len(brokers))
	for i := 0; len(ordered) < len(brokers); i++ {
		rack := racks[i%len(racks)]
		if left := byRack[rack]; len(left) > 0 {
			ordered = append(ordered, left[0])
			byRack[rack] = left[1:]
		}
	}
	return ordered
}

func assignToRacks(brokers []BrokerRack, racks int, first int32, partitions, factor int, s Spread) map[int32][]int32 {
	assignment := make(map[int32][]int32, partitions)
	shift := s.Shift
	for p := int(first); p < int(first)+partitions; p++ {
		if p > 0 && p%len(brokers) == 0 {
			shift++
		}
		leader := (p + s.FirstIndex) % len(brokers)
		replicas := []int32{brokers[leader].ID}
		used := map[string]bool{brokers[leader].Rack: true}
		for k := 0; len(replicas) < factor; k++ {
			b := brokers[follower(leader, shift*racks, k, len(brokers))]
			if (!used[b.Rack] || len(used) == racks) && !slices.Contains(replicas, b.ID) {
				replicas = append(replicas, b.ID)
				used[b.Rack] = true
			}
		}
		assignment[int32(p)] = replicas
	}
	return assignment
}
