package model

// NoLeader is the leader of a partition that is offline.
const NoLeader = -1

// RecoveryState says whether a leader that was elected uncleanly has made up
// for it. Kafka: LeaderRecoveryState.java.
type RecoveryState int32

// The recovery states.
const (
	Recovered  RecoveryState = 0
	Recovering RecoveryState = 1
)

// PartitionState is leader and ISR at /brokers/topics/T/partitions/P/state.
// The node's data version is the partition epoch of Kafka's protocol. Kafka:
// ZkData.scala, TopicPartitionStateZNode.
type PartitionState struct {
	Version         int32 // 1
	Leader          int32 // NoLeader when offline
	LeaderEpoch     int32
	ControllerEpoch int32 // during a migration the epoch of the KRaft leader
	ISR             []int32
	RecoveryState   RecoveryState // written only when Recovering, since inter-broker protocol 3.2

	source []byte
}

// ParsePartitionState reads a state.
func ParsePartitionState(path string, data []byte) (*PartitionState, error) {
	r, o := readObject(path, KindPartitionState, data)
	s := &PartitionState{
		source: data, Version: o.version(1, 1), Leader: o.int32("leader"), LeaderEpoch: o.int32("leader_epoch"),
		ControllerEpoch: o.int32("controller_epoch"),
	}
	if isr, ok := o.required("isr"); ok {
		s.ISR = r.brokerIDs("isr", isr)
	}
	if o.has("leader_recovery_state") {
		s.RecoveryState = RecoveryState(o.integer("leader_recovery_state", int64(Recovered), int64(Recovering)))
	}
	return finish(r, s)
}

// Kind is KindPartitionState.
func (s *PartitionState) Kind() Kind { return KindPartitionState }

// Encode gives the payload.
func (s *PartitionState) Encode() ([]byte, error) {
	return encodeDocument(s.source, s, ParsePartitionState)
}

func (s *PartitionState) document() jsonValue {
	members := []jsonMember{{"controller_epoch", intJSON(s.ControllerEpoch)}, {"leader", intJSON(s.Leader)}, {"version", intJSON(s.Version)}}
	if s.RecoveryState != Recovered {
		members = append(members, jsonMember{"leader_recovery_state", intJSON(s.RecoveryState)})
	}
	return objectJSON(append(members, jsonMember{"leader_epoch", intJSON(s.LeaderEpoch)}, jsonMember{"isr", arrayJSON(s.ISR, intJSON[int32])})...)
}
