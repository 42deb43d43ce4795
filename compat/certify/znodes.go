package certify

import (
	"fmt"
	"strconv"
)

// Paths of Kafka's znodes that scripts use (Kafka: ZkData.scala).
const (
	brokerIDs        = "/brokers/ids"
	topics           = "/brokers/topics"
	controllerPath   = "/controller"
	epochPath        = "/controller_epoch"
	clusterIDPath    = "/cluster/id"
	topicConfigs     = "/config/topics"
	configChanges    = "/config/changes"
	isrNotifications = "/isr_change_notification"
	deleteTopics     = "/admin/delete_topics"
	producerIDsPath  = "/latest_producer_id_block"
	migrationPath    = "/migration"
)

// topLevelPaths are made by every broker that starts, in this order.
var topLevelPaths = []string{
	"/consumers", brokerIDs, topics, configChanges, deleteTopics, "/brokers/seqid", isrNotifications,
	producerIDsPath, "/log_dir_event_notification", topicConfigs, "/config/clients", "/config/users",
	"/config/brokers", "/config/ips",
}

func brokerPath(id int) string         { return brokerIDs + "/" + strconv.Itoa(id) }
func topicPath(topic string) string    { return topics + "/" + topic }
func partitionsOf(topic string) string { return topicPath(topic) + "/partitions" }
func partitionPath(topic string, partition int) string {
	return partitionsOf(topic) + "/" + strconv.Itoa(partition)
}

func statePath(topic string, partition int) string {
	return partitionPath(topic, partition) + "/state"
}

// brokerInfo is a registration as 2.8 and newer write it.
func brokerInfo(id int) []byte {
	return fmt.Appendf(nil, `{"features":{},"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},`+
		`"endpoints":["PLAINTEXT://broker%d.example:9092"],"jmx_port":-1,"port":9092,"host":"broker%d.example",`+
		`"version":5,"timestamp":"1700000000000"}`, id, id)
}

// controllerInfo is the data of /controller. kraftEpoch is -1 for a broker.
func controllerInfo(id, kraftEpoch int) []byte {
	return fmt.Appendf(nil, `{"version":2,"brokerid":%d,"timestamp":"1700000000000","kraftControllerEpoch":%d}`, id, kraftEpoch)
}

// assignment gives every partition of a topic the same three replicas.
func assignment(partitions int) []byte {
	data := []byte(`{"removing_replicas":{},"partitions":{`)
	for p := range partitions {
		if p > 0 {
			data = append(data, ',')
		}
		data = fmt.Appendf(data, `"%d":[1,2,3]`, p)
	}
	return append(data, `},"topic_id":"Iq_vFOQ6TmGf6vK2ecBsAg","adding_replicas":{},"version":3}`...)
}

// partitionState has a leader of its own for each partition, so that no two
// neighbours are equal.
func partitionState(partition, leaderEpoch int) []byte {
	return fmt.Appendf(nil, `{"controller_epoch":1,"leader":%d,"version":1,"leader_epoch":%d,"isr":[1,2,3]}`, partition%3+1, leaderEpoch)
}

// migrationState is the data of /migration; offset -1 says that the first copy
// of the metadata is not complete.
func migrationState(epoch, offset int) []byte {
	return fmt.Appendf(nil, `{"version":0,"kraft_metadata_offset":%d,"kraft_controller_id":3000,"kraft_metadata_epoch":%d,"kraft_controller_epoch":%d}`,
		offset, epoch, epoch)
}

// producerIDBlock is the data of /latest_producer_id_block.
func producerIDBlock(broker, start int) []byte {
	return fmt.Appendf(nil, `{"version":1,"broker":%d,"block_start":"%d","block_end":"%d"}`, broker, start, start+999)
}
