package change

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAssignAsKafkaDoes has the examples of AdminUtils.scala.
func TestAssignAsKafkaDoes(t *testing.T) {
	plain := []BrokerRack{{0, ""}, {1, ""}, {2, ""}, {3, ""}, {4, ""}}
	racked := []BrokerRack{{0, "rack1"}, {1, "rack3"}, {2, "rack3"}, {3, "rack2"}, {4, "rack2"}, {5, "rack1"}}
	tests := []struct {
		brokers []BrokerRack
		want    [][]int32
	}{
		{plain, [][]int32{{0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4, 0}, {4, 0, 1}, {0, 2, 3}, {1, 3, 4}, {2, 4, 0}, {3, 0, 1}, {4, 1, 2}}},
		{racked, [][]int32{
			{0, 3, 1},
			{3, 1, 5},
			{1, 5, 4},
			{5, 4, 2},
			{4, 2, 0},
			{2, 0, 3},
			{0, 4, 2},
			{3, 2, 0},
			{1, 0, 3},
			{5, 3, 1},
			{4, 1, 5},
			{2, 5, 4},
		}},
	}
	for _, test := range tests {
		got, err := Assign(test.brokers, 0, len(test.want), 3, Spread{})
		if err != nil {
			t.Fatal(err)
		}
		for p, want := range test.want {
			if !slices.Equal(got[int32(p)], want) {
				t.Errorf("partition %d of %d brokers on %v, want %v", p, len(test.brokers), got[int32(p)], want)
			}
		}
	}
}

// TestAssignSpreads: every replica on a broker of its own and, as long as there
// are racks left, in a rack of its own; leaders are spread evenly.
func TestAssignSpreads(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		racks, perRack := 1+random.IntN(4), 1+random.IntN(4)
		var brokers []BrokerRack
		rackOf := make(map[int32]string)
		for i := range racks * perRack {
			b := BrokerRack{ID: int32(i * 3), Rack: fmt.Sprint("r", i%racks)}
			brokers = append(brokers, b)
			rackOf[b.ID] = b.Rack
		}
		factor := 1 + random.IntN(len(brokers))
		partitions := len(brokers) * (1 + random.IntN(3))
		assignment, err := Assign(brokers, int32(random.IntN(50)), partitions, factor, Spread{random.IntN(9), random.IntN(9)})
		if err != nil {
			t.Fatal(err)
		}
		leaders := make(map[int32]int)
		for p, replicas := range assignment {
			leaders[replicas[0]]++
			seen, used := make(map[int32]bool), make(map[string]bool)
			for _, id := range replicas {
				seen[id], used[rackOf[id]] = true, true
			}
			if len(seen) != factor || len(used) != min(factor, racks) {
				t.Fatalf("partition %d on %v: %d brokers in %d racks", p, replicas, len(seen), len(used))
			}
		}
		for id, led := range leaders {
			if led != partitions/len(brokers) {
				t.Fatalf("broker %d leads %d of %d", id, led, partitions)
			}
		}
	}
}

func TestAssignRefuses(t *testing.T) {
	two := []BrokerRack{{1, "a"}, {2, "b"}}
	tests := map[string]struct {
		brokers            []BrokerRack
		partitions, factor int
	}{
		"too few brokers": {two, 1, 3},
		"no brokers":      {nil, 1, 1},
		"no partitions":   {two, 0, 1},
		"no replicas":     {two, 1, 0},
		"some racks":      {[]BrokerRack{{1, "a"}, {2, ""}}, 1, 2},
	}
	for name, test := range tests {
		if _, err := Assign(test.brokers, 0, test.partitions, test.factor, Spread{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
