package model

import (
	"fmt"
	"math"
)

// ClusterID is the id of a cluster at /cluster/id. Kafka: ZkData.scala,
// ClusterIdZNode.
type ClusterID struct {
	Version string // "1", as a string unlike everywhere else
	ID      UUID

	source []byte
}

// ParseClusterID reads the node.
func ParseClusterID(path string, data []byte) (*ClusterID, error) {
	r, o := readObject(path, KindClusterID, data)
	c := &ClusterID{source: data, Version: o.string("version"), ID: o.uuid("id")}
	if c.Version != "1" {
		r.doubt(ProblemVersion, "version", fmt.Sprintf("%q, Kafka wrote \"1\"", shorten(c.Version)))
	}
	return finish(r, c)
}

// uuid reads a required id.
func (o object) uuid(key string) UUID {
	text := o.string(key)
	if o.r.err != nil {
		return UUID{}
	}
	id, err := ParseUUID(text)
	if err != nil {
		o.r.fail(ProblemRange, o.name(key), shorten(text)+" is not 16 bytes in URL-safe base64")
	}
	return id
}

// Kind is KindClusterID.
func (c *ClusterID) Kind() Kind { return KindClusterID }

// Encode gives the payload.
func (c *ClusterID) Encode() ([]byte, error) { return encodeDocument(c.source, c, ParseClusterID) }

func (c *ClusterID) document() jsonValue {
	return objectJSON(jsonMember{"version", stringJSON(c.Version)}, jsonMember{"id", stringJSON(c.ID.String())})
}

// FeatureStatus says whether feature versioning is on.
type FeatureStatus int32

// The statuses. Kafka: FeatureZNodeStatus.
const (
	FeaturesDisabled FeatureStatus = 0
	FeaturesEnabled  FeatureStatus = 1
)

// The versions of /feature. Kafka: FeatureZNode.
const (
	FeaturesVersionMin = 1 // 2.7
	FeaturesVersionMax = 2 // inter-broker protocol 3.3 and later: maximum levels only
)

// Features are the finalized features of a cluster at /feature.
type Features struct {
	Version int32
	Status  FeatureStatus
	Levels  map[string]FeatureLevels

	source []byte
}

// FeatureLevels is the range in which a feature is finalized.
type FeatureLevels struct {
	Min int32 // version 1 only, else 0
	Max int32
}

// ParseFeatures reads the node.
func ParseFeatures(path string, data []byte) (*Features, error) {
	r, o := readObject(path, KindFeatures, data)
	f := &Features{
		source: data, Version: o.version(FeaturesVersionMin, FeaturesVersionMax),
		Status: FeatureStatus(o.integer("status", int64(FeaturesDisabled), int64(FeaturesEnabled))),
	}
	f.Levels = readMembers(o.object("features"), func(field string, v jsonValue) FeatureLevels {
		o := r.object(field, v)
		levels := FeatureLevels{Max: int32(o.integer("max_version_level", 1, math.MaxInt16))}
		if f.Version == 1 {
			levels.Min = int32(o.integer("min_version_level", 1, math.MaxInt16))
		}
		if levels.Min > levels.Max {
			r.fail(ProblemRange, field, fmt.Sprintf("lowest level %d is above the highest, %d", levels.Min, levels.Max))
		}
		return levels
	})
	return finish(r, f)
}

// Kind is KindFeatures.
func (f *Features) Kind() Kind { return KindFeatures }

// Encode gives the payload.
func (f *Features) Encode() ([]byte, error) { return encodeDocument(f.source, f, ParseFeatures) }

func (f *Features) document() jsonValue {
	features := objectJSON()
	for _, name := range scalaTableOrder(f.Levels) {
		levels := objectJSON(jsonMember{"max_version_level", intJSON(f.Levels[name].Max)})
		if f.Version == 1 {
			levels.members = append(levels.members, jsonMember{"min_version_level", intJSON(f.Levels[name].Min)})
		}
		features.members = append(features.members, jsonMember{name, levels})
	}
	return objectJSON(jsonMember{"features", features}, jsonMember{"version", intJSON(f.Version)}, jsonMember{"status", intJSON(f.Status)})
}

// Migration is how far a move to KRaft has come, at /migration. Its data
// version is a fencing token. Kafka: ZkData.scala, MigrationZNode.
type Migration struct {
	Version         int32 // 0
	Controller      int32 // id of the KRaft controller; -1 before any
	ControllerEpoch int32 // -1 before any
	MetadataOffset  int64 // in the KRaft log; -1 until the first copy is complete
	MetadataEpoch   int32

	source []byte
}

// ParseMigration reads the node.
func ParseMigration(path string, data []byte) (*Migration, error) {
	r, o := readObject(path, KindMigration, data)
	return finish(r, &Migration{
		source: data, Version: o.version(0, 0), Controller: o.int32("kraft_controller_id"), ControllerEpoch: o.int32("kraft_controller_epoch"),
		MetadataOffset: o.int64("kraft_metadata_offset"), MetadataEpoch: o.int32("kraft_metadata_epoch"),
	})
}

// Copied says whether the first copy of ZooKeeper's content into KRaft is
// complete.
func (m *Migration) Copied() bool { return m.MetadataOffset >= 0 }

// Kind is KindMigration.
func (m *Migration) Kind() Kind { return KindMigration }

// Encode gives the payload.
func (m *Migration) Encode() ([]byte, error) { return encodeDocument(m.source, m, ParseMigration) }

func (m *Migration) document() jsonValue {
	return objectJSON(jsonMember{"version", intJSON(m.Version)}, jsonMember{"kraft_metadata_offset", intJSON(m.MetadataOffset)},
		jsonMember{"kraft_controller_id", intJSON(m.Controller)}, jsonMember{"kraft_metadata_epoch", intJSON(m.MetadataEpoch)},
		jsonMember{"kraft_controller_epoch", intJSON(m.ControllerEpoch)})
}

// ProducerIDBlockSize is how many producer ids a broker takes at a time.
const ProducerIDBlockSize = 1000

// ProducerIDBlock is the latest block of producer ids given out, at
// /latest_producer_id_block. Kafka: ZkData.scala, ProducerIdBlockZNode.
type ProducerIDBlock struct {
	Unused     bool  // null data: no block was given out yet, and the rest is zero
	Version    int32 // 1
	Broker     int32 // who took it; -1 when a KRaft controller wrote it
	Start, End int64 // both within the block

	source []byte
}

// ParseProducerIDBlock reads the node; null data is an Unused block.
func ParseProducerIDBlock(path string, data []byte) (*ProducerIDBlock, error) {
	if data == nil {
		return &ProducerIDBlock{Unused: true}, nil
	}
	r, o := readObject(path, KindProducerIDBlock, data)
	return finish(r, &ProducerIDBlock{
		source: data, Version: o.version(1, 1), Broker: o.int32("broker"), Start: o.decimalString("block_start"), End: o.decimalString("block_end"),
	})
}

// Kind is KindProducerIDBlock.
func (b *ProducerIDBlock) Kind() Kind { return KindProducerIDBlock }

// Encode gives the payload, nil if Unused.
func (b *ProducerIDBlock) Encode() ([]byte, error) {
	if b.Unused {
		return nil, nil
	}
	return encodeDocument(b.source, b, ParseProducerIDBlock)
}

func (b *ProducerIDBlock) document() jsonValue {
	return objectJSON(jsonMember{"version", intJSON(b.Version)}, jsonMember{"broker", intJSON(b.Broker)},
		jsonMember{"block_start", decimalStringJSON(b.Start)}, jsonMember{"block_end", decimalStringJSON(b.End)})
}
