package model

// ISRChange says of which partitions a leader changed the ISR, at
// /isr_change_notification/isr_change_N. Leaders with inter-broker protocol
// 2.7-IV2 or later tell the controller directly. Kafka: ZkData.scala,
// IsrChangeNotificationSequenceZNode.
type ISRChange struct {
	Version    int32 // 1
	Partitions []TopicPartition

	source []byte
}

// ParseISRChange reads a notification.
func ParseISRChange(path string, data []byte) (*ISRChange, error) {
	r, o := readObject(path, KindISRChange, data)
	c := &ISRChange{source: data, Version: o.version(1, 1), Partitions: readElements(o, "partitions", r.topicPartition)}
	return finish(r, c)
}

// Kind is KindISRChange.
func (c *ISRChange) Kind() Kind { return KindISRChange }

// Encode gives the payload.
func (c *ISRChange) Encode() ([]byte, error) { return encodeDocument(c.source, c, ParseISRChange) }

func (c *ISRChange) document() jsonValue { return partitionListJSON(c.Version, c.Partitions) }

// LogDirFailure is the only event of log directories.
const LogDirFailure = 1

// LogDirEvent says that a log directory of a broker failed, at
// /log_dir_event_notification/log_dir_event_N. Kafka: ZkData.scala,
// LogDirEventNotificationSequenceZNode.
type LogDirEvent struct {
	Version int32 // 1
	Broker  int32
	Event   int32 // LogDirFailure

	source []byte
}

// ParseLogDirEvent reads a notification.
func ParseLogDirEvent(path string, data []byte) (*LogDirEvent, error) {
	r, o := readObject(path, KindLogDirEvent, data)
	return finish(r, &LogDirEvent{source: data, Version: o.version(1, 1), Broker: o.id("broker"), Event: o.int32("event")})
}

// Kind is KindLogDirEvent.
func (e *LogDirEvent) Kind() Kind { return KindLogDirEvent }

// Encode gives the payload.
func (e *LogDirEvent) Encode() ([]byte, error) { return encodeDocument(e.source, e, ParseLogDirEvent) }

func (e *LogDirEvent) document() jsonValue {
	return objectJSON(jsonMember{"version", intJSON(e.Version)}, jsonMember{"broker", intJSON(e.Broker)}, jsonMember{"event", intJSON(e.Event)})
}
