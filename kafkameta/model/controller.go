package model

import (
	"math"
	"strconv"
)

// NoKRaftEpoch is the KRaft epoch of a controller in ZooKeeper mode.
const NoKRaftEpoch = -1

// The versions of /controller. Version 0 is the bare broker id that very old
// brokers wrote. Kafka: ZkData.scala, ControllerZNode.
const (
	ControllerVersionMin = 0
	ControllerVersionMax = 2 // 3.4 and later
)

// Controller is who holds /controller.
type Controller struct {
	Version    int32
	Broker     int32 // id of the broker, or of the KRaft controller
	Timestamp  int64 // ms since 1970 on the owner's clock; 0 when absent
	KRaftEpoch int32 // since version 2; NoKRaftEpoch for a ZooKeeper-mode controller and in older versions

	source []byte
}

// ParseController reads the node.
func ParseController(path string, data []byte) (*Controller, error) {
	r := &reader{path: path, kind: KindController}
	c := &Controller{source: data, KRaftEpoch: NoKRaftEpoch}
	v, ok := r.json(data)
	if ok && v.kind == jsonNumber {
		c.Broker = int32(r.jsonInteger("", v, 0, math.MaxInt32))
		return finish(r, c)
	}
	o := object{r: r}
	if ok {
		o = r.object("", v)
	}
	c.Version, c.Broker = o.version(1, ControllerVersionMax), o.id("brokerid")
	if o.has("timestamp") {
		c.Timestamp = o.decimalString("timestamp")
	}
	if o.has("kraftControllerEpoch") {
		c.KRaftEpoch = o.int32("kraftControllerEpoch")
	}
	return finish(r, c)
}

// KRaft says whether a KRaft controller has claimed the cluster.
func (c *Controller) KRaft() bool { return c.KRaftEpoch > 0 }

// Kind is KindController.
func (c *Controller) Kind() Kind { return KindController }

// Encode gives the payload.
func (c *Controller) Encode() ([]byte, error) {
	return encodeDocument(c.source, c, ParseController)
}

func (c *Controller) document() jsonValue {
	if c.Version == ControllerVersionMin {
		return intJSON(c.Broker)
	}
	members := []jsonMember{{"version", intJSON(c.Version)}, {"brokerid", intJSON(c.Broker)}}
	if c.Timestamp != 0 {
		members = append(members, jsonMember{"timestamp", decimalStringJSON(c.Timestamp)})
	}
	if c.Version >= 2 || c.KRaftEpoch != NoKRaftEpoch {
		members = append(members, jsonMember{"kraftControllerEpoch", intJSON(c.KRaftEpoch)})
	}
	return objectJSON(members...)
}

// ControllerEpoch is the number of controllers so far, the plain decimal text
// of /controller_epoch. Kafka: ZkData.scala, ControllerEpochZNode.
type ControllerEpoch struct {
	Epoch int32

	source []byte
}

// ParseControllerEpoch reads the node. White space is an error, as for Kafka.
func ParseControllerEpoch(path string, data []byte) (*ControllerEpoch, error) {
	r, text := readText(path, KindControllerEpoch, data)
	e := &ControllerEpoch{source: data, Epoch: int32(r.integer("", text, 0, math.MaxInt32))}
	return finish(r, e)
}

// Kind is KindControllerEpoch.
func (e *ControllerEpoch) Kind() Kind { return KindControllerEpoch }

// Encode gives the payload.
func (e *ControllerEpoch) Encode() ([]byte, error) {
	return encodeText(e.source, e, ParseControllerEpoch)
}

func (e *ControllerEpoch) text() string { return strconv.Itoa(int(e.Epoch)) }
