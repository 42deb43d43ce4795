package rules

import (
	"testing"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

func TestHealthyClustersHaveNoFindings(t *testing.T) {
	for name, l := range map[string]*layout{
		"3.9":                healthy(),
		"3.9 secured":        healthy().secured(),
		"3.9 migrating":      healthy().kraft(),
		"0.8.0":              kafka080(),
		"no topics":          withoutTopics(),
		"one broker":         single(),
		"one broker, 0.10.0": single0100(),
		"one broker, 0.10.2": single0102(),
	} {
		t.Run(name, func(t *testing.T) {
			for _, chroot := range []model.Chroot{"", "/kafka/prod"} {
				for _, kind := range []view.SourceKind{view.LiveServer, view.DataDirectory} {
					l.chroot, l.source.Kind = chroot, kind
					for _, found := range l.check(t, Facts{}) {
						t.Errorf("chroot %s, %v: %s", chroot, kind, found)
					}
				}
			}
		})
	}
}

// kafka080 is a cluster of the first release with replication.
func kafka080() *layout {
	l := newLayout()
	l.null("/consumers")
	l.ephemeral("/brokers/ids/1", sessionOf(1), `{"host":"b1","port":9092,"jmx_port":-1,"version":1}`)
	l.ephemeral("/brokers/ids/2", sessionOf(2), `{"host":"b2","port":9092,"jmx_port":-1,"version":1}`)
	l.ephemeral("/controller", sessionOf(1), "1")
	l.put("/controller_epoch", "7").Stat.Version = 6
	l.put("/brokers/topics/orders", `{"version":1,"partitions":{"0":[1,2],"1":[2,1]}}`)
	l.put("/brokers/topics/orders/partitions/0/state", stateData(1, "1,2"))
	l.put("/brokers/topics/orders/partitions/1/state", stateData(2, "2,1"))
	l.ephemeral("/consumers/g/ids/g_h-1-a", sessionOf(9), `{"version":1,"pattern":"static","subscription":{"orders":1},"timestamp":"1"}`)
	l.ephemeral("/consumers/g/owners/orders/0", sessionOf(9), "g_h-1-a-0")
	l.put("/consumers/g/offsets/orders/0", "42")
	return l
}

func withoutTopics() *layout {
	l := healthy()
	for name := range map[string]bool{"orders": true, "payments.eu": true, "__consumer_offsets": true} {
		l.remove("/brokers/topics/"+name, "/config/topics/"+name)
	}
	return l
}

func single() *layout {
	l := withoutTopics()
	l.remove("/brokers/ids/2", "/brokers/ids/3")
	l.put("/brokers/ids/1", `{"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://localhost:9092"],"jmx_port":-1,"port":9092,"host":"localhost","version":5,"timestamp":"0"}`)
	l.topic("orders", ordersID, "1", "1")
	l.topic("__consumer_offsets", offsetsID, "1")
	return l
}

// single0102 is a broker of the first release with a listener map, without what
// it makes only when needed.
func single0102() *layout {
	l := single0100()
	l.put("/cluster/id", `{"version":"1","id":"`+clusterID+`"}`)
	l.put("/brokers/ids/0", `{"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"jmx_port":-1,"timestamp":"0","endpoints":["PLAINTEXT://h:9092"],"host":"h","version":4,"port":9092}`)
	return l
}

// single0100 is a broker of a release that knows no cluster id.
func single0100() *layout {
	l := newLayout()
	for _, path := range []string{
		"/consumers", "/brokers/seqid", "/config/changes", "/config/topics", "/config/clients", "/admin/delete_topics", "/isr_change_notification",
	} {
		l.null(path)
	}
	l.ephemeral("/brokers/ids/0", sessionOf(0), `{"jmx_port":-1,"timestamp":"0","endpoints":["PLAINTEXT://h:9092"],"host":"h","version":3,"port":9092}`)
	l.ephemeral("/controller", sessionOf(0), `{"version":1,"brokerid":0,"timestamp":"0"}`)
	l.put("/controller_epoch", "1")
	l.null("/brokers/topics")
	return l
}
